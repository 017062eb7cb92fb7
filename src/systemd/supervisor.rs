//! Notifies a service manager of the life of the server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::notify::Notifier;
use super::watchdog::{Stuck, Watchdog};
use httpserver::server::{Lifecycle, View};

/// The time for shutdown beyond that for requests in progress: the last lines of logs, the last connections.
const END: Duration = Duration::from_secs(5);

/// Sends the notifications on the main thread.
pub(crate) struct Supervisor {
    notifier: Arc<Notifier>,
    watchdog: Option<Watchdog>,
    /// The result of the last check for stuck workers.
    stuck: Option<Stuck>,
}

impl Supervisor {
    pub(super) fn new(notifier: Arc<Notifier>, watchdog: Option<Watchdog>) -> Self {
        Self {
            notifier,
            watchdog,
            stuck: None,
        }
    }

    /// Reports, once, that a worker or the queue is stuck, or works again.
    fn say(&self, stuck: Option<Stuck>) {
        let what = match stuck {
            None => {
                log::warn!("the workers make progress again");
                self.notifier.send("STATUS=Serving");
                return;
            }
            Some(Stuck::Worker(number)) => format!("worker-{number} makes no progress"),
            Some(Stuck::Queue) => "no worker takes the connections in the queue".to_owned(),
        };
        log::error!("the watchdog is not notified any more: {what}");
        self.notifier.send(&format!("STATUS=Stuck: {what}"));
    }
}

impl Lifecycle for Supervisor {
    fn reloading(&mut self) {
        // A service manager compares it with the time of its own signal.
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.notifier.send(&format!(
            "RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=Opening logs and reading files again"
        ));
    }

    fn reloaded(&mut self) {
        self.notifier.send("READY=1\nSTATUS=Serving");
    }

    fn stopping(&mut self, drain: Duration) {
        let longest = (drain + END).as_micros();
        self.notifier.send(&format!(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC={longest}\nSTATUS=Finishing the requests in progress"
        ));
    }

    fn check_interval(&self) -> Option<Duration> {
        self.watchdog.as_ref().map(Watchdog::period)
    }

    fn check(&mut self, view: &dyn View) {
        let Some(watchdog) = &mut self.watchdog else {
            return;
        };
        let stuck = watchdog.look(Instant::now(), &view.workload());
        if stuck.is_none() {
            self.notifier.send("WATCHDOG=1");
        }
        if stuck.is_some() != self.stuck.is_some() {
            self.say(stuck);
        }
        self.stuck = stuck;
    }
}
