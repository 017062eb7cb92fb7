//! Health checks: whether the server can store and read, tested on a thread of its own.
//!
//! A probe is made on request, and its result is valid for a second. No thread waits for a probe that hangs, such as on
//! a hanging disk: after two seconds the server counts as unhealthy until the probe returns.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use crate::files::Probe;
use crate::server::waker::Waker;
use crate::sync::lock;

/// The time for which a result is valid.
const FRESH: Duration = Duration::from_secs(1);

/// The time limit of a probe.
pub(super) const PROBE_TIME: Duration = Duration::from_secs(2);

/// Whether the server is healthy; if not, why.
pub(super) type Health = Result<(), String>;

/// See the module's description.
pub(super) struct Prober {
    thread: Option<Sender<Probe>>,
    shared: Arc<ProbeResult>,
    /// The start of the running probe.
    begun: Option<Instant>,
    /// The last result, and its time.
    last: Option<(Instant, Health)>,
}

struct ProbeResult {
    /// Guards the outcome of a probe until it is fetched.
    outcome: Mutex<Option<Health>>,
    done: Waker,
}

impl Prober {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            thread: None,
            shared: Arc::new(ProbeResult {
                outcome: Mutex::default(),
                done: Waker::new()?,
            }),
            begun: None,
            last: None,
        })
    }

    /// A descriptor that becomes readable when a probe has ended.
    pub(super) fn done(&self) -> &Waker {
        &self.shared.done
    }

    /// The health at `now`; `None` while a probe runs: then call again when it has returned or is late. `make` makes a
    /// probe, or none if the server has ended.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        make: impl FnOnce() -> Option<Probe>,
    ) -> Option<Health> {
        self.fetch(now);
        if let Some(begun) = self.begun {
            let taken = now.saturating_duration_since(begun);
            return (taken >= PROBE_TIME).then(|| {
                let seconds = taken.as_secs();
                Err(format!(
                    "the root or the log has not responded for {seconds} s"
                ))
            });
        }
        if let Some((at, health)) = &self.last
            && now.saturating_duration_since(*at) < FRESH
        {
            return Some(health.clone());
        }
        let Some(probe) = make() else {
            return Some(Err("the server has ended".to_owned()));
        };
        match self.begin(probe) {
            Ok(()) => {
                self.begun = Some(now);
                None
            }
            Err(error) => Some(Err(format!("cannot try the root: {error}"))),
        }
    }

    /// Takes the result of a finished probe, if there is one.
    fn fetch(&mut self, now: Instant) {
        self.shared.done.drain();
        if let Some(health) = lock(&self.shared.outcome).take() {
            self.begun = None;
            self.last = Some((now, health));
        }
    }

    /// Passes the probe to the thread, which the first probe starts.
    fn begin(&mut self, probe: Probe) -> io::Result<()> {
        let sender = match &self.thread {
            Some(sender) => sender,
            None => self.thread.insert(start(Arc::clone(&self.shared))?),
        };
        // The channel has space, since no other probe is running, and the thread lives as long as the sender.
        let _ = sender.try_send(probe);
        Ok(())
    }
}

/// Starts the thread. It ends with the prober, or after its last probe returns.
fn start(shared: Arc<ProbeResult>) -> io::Result<Sender<Probe>> {
    let (sender, probes) = bounded::<Probe>(1);
    thread::Builder::new()
        .name("prober".to_owned())
        .spawn(move || {
            for probe in probes {
                let health = probe.run().map_err(|error| error.to_string());
                *lock(&shared.outcome) = Some(health);
                shared.done.wake();
            }
        })?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;
    use crate::durable::Durability;
    use crate::files::Files;
    use crate::store::{Attempt, Depth, Store};

    fn wait(prober: &Prober) {
        poll(&mut [PollFd::new(prober.done(), PollFlags::IN)], None).unwrap();
    }

    #[test]
    fn an_outcome_holds_for_a_second() {
        let root = tempfile::tempdir().unwrap();
        let files = Files::new(Store::open(root.path(), Depth::Root, Durability::Kernel).unwrap());
        let view = files.view();
        let mut prober = Prober::new().unwrap();
        let now = Instant::now();
        let make = || view.probe(Attempt::ReadAndWrite);
        assert_eq!(prober.ask(now, make), None);
        wait(&prober);
        assert_eq!(prober.ask(now, || unreachable!()), Some(Ok(())));
        std::fs::remove_dir(root.path()).unwrap();
        assert_eq!(prober.ask(now, || unreachable!()), Some(Ok(())));
        assert_eq!(prober.ask(now + FRESH, make), None);
        wait(&prober);
        let gone = Err("the root was removed".to_owned());
        assert_eq!(prober.ask(now + FRESH, || unreachable!()), Some(gone));
        drop(files);
        let ended = Err("the server has ended".to_owned());
        assert_eq!(prober.ask(now + FRESH * 2, make), Some(ended));
    }

    #[test]
    fn a_probe_that_does_not_come_back_is_late() {
        let mut prober = Prober::new().unwrap();
        let now = Instant::now();
        prober.begun = Some(now);
        assert_eq!(prober.ask(now, || unreachable!()), None);
        let late = prober.ask(now + PROBE_TIME, || unreachable!()).unwrap();
        assert_eq!(
            late.unwrap_err(),
            "the root or the log has not responded for 2 s"
        );
        *lock(&prober.shared.outcome) = Some(Ok(()));
        assert_eq!(
            prober.ask(now + PROBE_TIME, || unreachable!()),
            Some(Ok(()))
        );
    }
}
