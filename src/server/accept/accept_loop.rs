//! The main thread: accepts connections and pushes them into the queue, and watches deadlines, limits and signals.
//!
//! It never touches a connection's bytes. It blocks in three places: in poll(2) while there is nothing to do, in the
//! queue while that is full, and for a moment between two batches of accepts. At a log rotation it opens the new log.

use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::admission::{Admission, Admitted, Limits};
use super::batching::{AcceptBatching, BATCH_INTERVAL};
use super::listener::Listener;
use super::pause::Pause;
use super::scheduled_stop::ScheduledStop;
use super::signals::Signals;
use super::supervision::Supervision;
use crate::server::accepted::Connection;
use crate::server::processor_time::thread_processor_time;
use crate::server::protocol::{CloseCause, Service};
use crate::server::workers::pool::Pool;
use crate::server::workers::queue::Job;

/// Connections accepted between two looks at signals and deadlines.
const ACCEPTS_AT_ONCE: usize = 64;

/// The pause in accepting when the system is out of descriptors or memory and no connection of ours closes.
const EXHAUSTION_PAUSE: Duration = Duration::from_millis(100);

/// See the module's description.
pub(crate) struct Acceptor<'p, V: Service> {
    pool: &'p Pool<V>,
    signals: &'p Signals,
    admission: Admission<'p, V>,
    ending: ScheduledStop,
    supervision: Supervision<'p>,
    state: AcceptState,
    /// The number of polls of the listeners, which rotates their order.
    turn: usize,
    batching: AcceptBatching,
}

/// The handling of new connections.
enum AcceptState {
    /// They are accepted, unless there is a pause.
    Accepting {
        listeners: Vec<Listener>,
        pause: Pause,
    },
    /// They are refused: the server is stopping, at the latest at this moment.
    Draining(Instant),
}

/// The reasons for the end of a wait. Deadlines are not listed: they are checked after every wait.
struct AcceptWakeup {
    main_waker: bool,
    signal: bool,
    /// [`StopHandle::stop`] was called.
    ///
    /// [`StopHandle::stop`]: super::scheduled_stop::StopHandle::stop
    stop: bool,
    /// Listeners with waiting connections, by number.
    listeners: Vec<usize>,
}

impl<'p, V: Service> Acceptor<'p, V> {
    pub(crate) fn new(
        pool: &'p Pool<V>,
        signals: &'p Signals,
        listeners: Vec<Listener>,
        limits: Limits,
        ending: ScheduledStop,
        supervision: Supervision<'p>,
    ) -> Self {
        Self {
            pool,
            signals,
            admission: Admission::new(pool, limits),
            ending,
            supervision,
            state: AcceptState::Accepting {
                listeners,
                pause: Pause::None,
            },
            turn: 0,
            batching: AcceptBatching::default(),
        }
    }

    /// Runs until a signal stops the server and no connection is left.
    pub(crate) fn run(mut self) {
        while !self.is_done() {
            if self.batching.is_on() {
                thread::sleep(BATCH_INTERVAL);
            }
            let woken = self.wait();
            if woken.main_waker {
                self.pool.main_waker.drain();
            }
            if woken.signal {
                self.handle_signals();
            }
            if woken.stop || self.ending.at.is_some_and(|at| at <= Instant::now()) {
                self.stop_once();
            }
            self.supervision.check();
            self.pool.push_woken();
            self.expire();
            self.accept(&woken.listeners);
            self.pool.reactor.wake_poller();
        }
    }

    fn is_done(&self) -> bool {
        let AcceptState::Draining(until) = self.state else {
            return false;
        };
        let capacity = &self.pool.capacity;
        capacity.request();
        if capacity.open() == 0 {
            return true;
        }
        if self.pool.is_aborting() || Instant::now() >= until {
            self.pool.abort();
            for connection in self.pool.reactor.clear() {
                self.pool.close_early(connection, CloseCause::Stopping);
            }
        }
        capacity.open() == 0
    }

    /// Waits for a connection, a signal, a wake-up, or the next deadline.
    fn wait(&self) -> AcceptWakeup {
        let timeout = self.wakes_at().and_then(|until| {
            Timespec::try_from(until.saturating_duration_since(Instant::now())).ok()
        });
        let mut sources = vec![self.pool.main_waker.as_fd()];
        sources.extend(self.signals.fds());
        if let AcceptState::Accepting { listeners, pause } = &self.state {
            // A descriptor that stays readable would end every wait of a drain.
            sources.push(self.ending.requested.as_fd());
            if *pause == Pause::None {
                sources.extend(listeners.iter().map(AsFd::as_fd));
            }
        }
        let readable = |&source| PollFd::from_borrowed_fd(source, PollFlags::IN);
        let mut polled: Vec<_> = sources.iter().map(readable).collect();
        if let Err(error) = poll(&mut polled, timeout.as_ref())
            && error != Errno::INTR
        {
            log::error!("cannot wait for connections: {error}");
        }
        let mut ready = polled.iter().map(|fd| !fd.revents().is_empty());
        let mut is_ready = || ready.next().unwrap_or_default();
        AcceptWakeup {
            main_waker: is_ready(),
            signal: self.signals.fds().map(|_| is_ready()).contains(&true),
            stop: is_ready(),
            listeners: ready
                .enumerate()
                .filter(|&(_, is_ready)| is_ready)
                .map(|(number, _)| number)
                .collect(),
        }
    }

    /// The next deadline of this thread or of a connection.
    fn wakes_at(&self) -> Option<Instant> {
        let own = match self.state {
            // From now on every connection that closes wakes this thread.
            AcceptState::Draining(_) if self.pool.is_aborting() => None,
            AcceptState::Draining(until)
            | AcceptState::Accepting {
                pause: Pause::UntilCapacityOr(until),
                ..
            } => Some(until),
            AcceptState::Accepting { .. } => None,
        };
        let end = match self.state {
            AcceptState::Accepting { .. } => self.ending.at,
            AcceptState::Draining(_) => None,
        };
        let next = self.pool.reactor.next_deadline();
        let check = self.supervision.next_check();
        own.into_iter().chain(end).chain(next).chain(check).min()
    }

    fn handle_signals(&mut self) {
        let requests = self.signals.take();
        if requests.reopenings > 0 {
            self.supervision.reload(|| self.pool.service.reopen());
        }
        if requests.statuses > 0 {
            self.supervision.report_status();
        }
        for _ in 0..requests.stops {
            self.stop();
        }
        // Only once: one closed terminal may cause several signals, from the kernel and from a shell.
        if requests.terminal_is_gone {
            log::debug!("the terminal is gone");
            self.stop_once();
        }
    }

    /// Stops accepting, unless it has stopped already.
    fn stop_once(&mut self) {
        if let AcceptState::Accepting { .. } = self.state {
            self.stop();
        }
    }

    /// The first time: accepts no more, and closes idle connections. The second time: closes all.
    fn stop(&mut self) {
        if let AcceptState::Draining(_) = self.state {
            self.pool.abort();
            return;
        }
        self.state = AcceptState::Draining(Instant::now() + self.ending.drain);
        self.supervision.stopping(self.ending.drain);
        for connection in self.pool.reactor.stop() {
            // Its request may have arrived although no worker has seen it.
            if connection.socket.has_input() {
                self.pool.push(Job::Serve(connection));
            } else {
                self.pool.close_early(connection, CloseCause::Stopping);
            }
        }
    }

    fn expire(&self) {
        let now = Instant::now();
        while let Some(connection) = self.pool.reactor.take_expired(now) {
            self.pool.push(Job::Serve(connection));
        }
    }

    /// Accepts the connections in the backlogs of ready listeners. Every wake-up of this thread ends a pause.
    fn accept(&mut self, ready: &[usize]) {
        let AcceptState::Accepting { pause, .. } = &mut self.state else {
            return;
        };
        *pause = Pause::None;
        let before = self.pool.capacity.accepted();
        // The first listener changes each time: if there is room for one connection only, the first gets it.
        self.turn = self.turn.wrapping_add(1);
        for at in 0..ready.len() {
            let listener = ready[(self.turn + at) % ready.len()];
            if let pause @ (Pause::UntilCapacity | Pause::UntilCapacityOr(_)) =
                self.accept_from(listener)
            {
                self.pause(pause);
                break;
            }
        }
        let accepted = self.pool.capacity.accepted() - before;
        self.batching
            .note(accepted, Instant::now(), thread_processor_time);
    }

    /// Accepts the connections in the backlog of one listener; returns the pause that follows.
    fn accept_from(&mut self, number: usize) -> Pause {
        let AcceptState::Accepting { listeners, .. } = &self.state else {
            return Pause::None;
        };
        for _ in 0..ACCEPTS_AT_ONCE {
            match self.admission.admit(&listeners[number]) {
                Admitted::Connection(socket, peer, counted) => {
                    let session = self.pool.service.connect(peer, number);
                    let connection = Connection::new(socket, session).counted(counted);
                    self.pool.push(Job::Serve(Box::new(connection)));
                }
                Admitted::Gone => {}
                Admitted::Nobody => break,
                Admitted::AtLimit => return Pause::UntilCapacity,
                Admitted::Exhausted => {
                    return Pause::UntilCapacityOr(Instant::now() + EXHAUSTION_PAUSE);
                }
            }
        }
        Pause::None
    }

    fn pause(&mut self, until: Pause) {
        if let AcceptState::Accepting { pause, .. } = &mut self.state {
            *pause = until;
        }
    }
}
