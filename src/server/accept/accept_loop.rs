//! The main thread: accepts connections and pushes them into the queue, watches deadlines, limits and signals.
//!
//! It never touches a connection's bytes. It blocks in three places: in poll(2) while there is nothing to do, in the
//! queue while that is full, and for a moment between two rounds of a rush. At a rotation it opens the new log.

use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::batching::{AcceptBatching, BATCH_INTERVAL};
use super::eviction::Eviction;
use super::listener::{Accepted, Listener};
use super::signals::Signals;
use crate::server::connection::Connection;
use crate::server::protocol::Service;
use crate::server::transport::Socket;
use crate::server::workers::pool::Pool;
use crate::server::workers::queue::Job;

/// Connections accepted between two looks at signals and deadlines.
const ACCEPTS_AT_ONCE: usize = 64;

/// How long accepting pauses when the system is out of descriptors or memory and no connection of ours closes.
const EXHAUSTION_PAUSE: Duration = Duration::from_millis(100);

/// The time between two reports of a shortage: it may come and go a thousand times a second.
const REPORTS: Duration = Duration::from_secs(60);

/// See the module's description.
pub(crate) struct Acceptor<'p, V: Service> {
    pool: &'p Pool<V>,
    signals: &'p Signals,
    max_connections: usize,
    drain: Duration,
    state: AcceptState,
    eviction: Eviction,
    /// When a shortage was reported last.
    reported: Option<Instant>,
    /// Connections accepted so far.
    accepted: u64,
    batching: AcceptBatching,
}

/// What happens to new connections.
enum AcceptState {
    /// They are accepted.
    Open(Listener),
    /// They wait in the backlog until a connection closes or, if given, until this moment.
    Paused(Listener, Option<Instant>),
    /// They are refused: the server is stopping, and does so at this moment at the latest.
    Closed(Instant),
}

/// What ended a wait, besides connections and deadlines, which are looked at anyway.
struct Woken {
    main_waker: bool,
    signal: bool,
}

impl<'p, V: Service> Acceptor<'p, V> {
    pub(crate) fn new(
        pool: &'p Pool<V>,
        signals: &'p Signals,
        listener: Listener,
        max_connections: usize,
        drain: Duration,
    ) -> Self {
        Self {
            pool,
            signals,
            max_connections,
            drain,
            state: AcceptState::Open(listener),
            eviction: Eviction::default(),
            reported: None,
            accepted: 0,
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
                self.pool.drain_main_waker();
            }
            self.resume();
            if woken.signal {
                self.handle_signals();
            }
            self.expire();
            if let AcceptState::Open(_) = self.state {
                let before = self.accepted;
                self.accept();
                self.batching.note(self.accepted - before, Instant::now());
            }
            self.pool.reactor.wake_poller();
        }
    }

    fn is_done(&self) -> bool {
        let AcceptState::Closed(until) = self.state else {
            return false;
        };
        self.pool.want_capacity();
        if self.pool.connections() == 0 {
            return true;
        }
        if self.pool.is_aborting() || Instant::now() >= until {
            self.pool.abort();
            for connection in self.pool.reactor.clear() {
                self.pool.close(connection);
            }
        }
        self.pool.connections() == 0
    }

    /// Waits for a connection, a signal, the alarm, or the next deadline.
    fn wait(&mut self) -> Woken {
        let mut until = self.pool.reactor.next_deadline();
        match self.state {
            // Once all are closed as their turns end, each says so.
            AcceptState::Closed(_) if self.pool.is_aborting() => {}
            AcceptState::Paused(_, Some(own)) | AcceptState::Closed(own) => {
                until = Some(until.map_or(own, |deadline| deadline.min(own)));
            }
            AcceptState::Open(_) | AcceptState::Paused(_, None) => {}
        }
        let timeout = until.and_then(|until| {
            Timespec::try_from(until.saturating_duration_since(Instant::now())).ok()
        });
        let [stop, reopen] = self.signals.fds();
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = [
            readable(self.pool.main_waker().as_fd()),
            readable(stop),
            readable(reopen),
            readable(stop),
        ];
        let watched = if let AcceptState::Open(listener) = &self.state {
            fds[3] = readable(listener.as_fd());
            &mut fds[..]
        } else {
            &mut fds[..3]
        };
        if let Err(error) = poll(watched, timeout.as_ref())
            && error != Errno::INTR
        {
            log::error!("cannot wait for connections: {error}");
        }
        let came = |fd: usize| !fds[fd].revents().is_empty();
        Woken {
            main_waker: came(0),
            signal: came(1) || came(2),
        }
    }

    /// Ends a pause: whatever woke this thread is reason enough to try again.
    fn resume(&mut self) {
        let now = Instant::now();
        let state = std::mem::replace(&mut self.state, AcceptState::Closed(now));
        self.state = match state {
            AcceptState::Paused(listener, _) => AcceptState::Open(listener),
            other => other,
        };
    }

    fn handle_signals(&mut self) {
        let wishes = self.signals.take();
        if wishes.reopenings > 0 {
            self.pool.service.reopen();
        }
        for _ in 0..wishes.stops {
            self.stop();
        }
    }

    /// The first time: accepts no more, and closes what is idle. The second time: closes all.
    fn stop(&mut self) {
        if let AcceptState::Closed(_) = self.state {
            self.pool.abort();
            return;
        }
        self.state = AcceptState::Closed(Instant::now() + self.drain);
        for connection in self.pool.reactor.stop() {
            // Its request may have arrived although no worker has seen it.
            if connection.socket.has_input() {
                self.pool.push(Job::Serve(connection));
            } else {
                self.pool.close(connection);
            }
        }
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(connection) = self.pool.reactor.take_expired(now) {
            self.pool.push(Job::Serve(connection));
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_AT_ONCE {
            let AcceptState::Open(listener) = &self.state else {
                return;
            };
            // Nobody is closed for the sake of nobody.
            if self.is_full() && !listener.has_waiting() {
                return;
            }
            if self.is_full() && !self.find_capacity() {
                let most = self.max_connections;
                self.report(format_args!(
                    "{most} connections are open, the most allowed; others wait"
                ));
                return self.pause(None);
            }
            let AcceptState::Open(listener) = &self.state else {
                return;
            };
            match listener.accept() {
                Accepted::Connection(socket) => self.register(socket),
                Accepted::Gone => {}
                Accepted::Nobody => {
                    return;
                }
                Accepted::Exhausted(error) => {
                    self.report(format_args!("cannot accept connections for now: {error}"));
                    if !self.eviction.close_one(self.pool) {
                        return self.pause(Some(Instant::now() + EXHAUSTION_PAUSE));
                    }
                }
            }
        }
    }

    fn register(&mut self, socket: Socket) {
        if !self.pool.reactor.has_place_for(socket.as_fd().as_raw_fd()) {
            log::warn!("closed a connection whose descriptor number is out of bounds");
            return;
        }
        self.pool.opened();
        self.accepted += 1;
        let session = self.pool.service.connect();
        self.pool
            .push(Job::Serve(Box::new(Connection::new(socket, session))));
    }

    fn is_full(&self) -> bool {
        self.pool.connections() >= self.max_connections
    }

    /// Makes room for one connection, or asks to be woken when there may be some.
    fn find_capacity(&mut self) -> bool {
        if self.eviction.close_one(self.pool) {
            return true;
        }
        self.pool.want_capacity();
        // Who closed or became idle after the first look, and before the wish was known, has not rung.
        !self.is_full() || self.eviction.close_one(self.pool)
    }

    /// Stops accepting until a connection closes or becomes idle, or `until` comes.
    fn pause(&mut self, until: Option<Instant>) {
        let state = std::mem::replace(&mut self.state, AcceptState::Closed(Instant::now()));
        self.state = match state {
            AcceptState::Open(listener) => AcceptState::Paused(listener, until),
            other => other,
        };
        self.pool.want_capacity();
    }

    /// Says what is short, but not over and over.
    fn report(&mut self, what: std::fmt::Arguments<'_>) {
        let now = Instant::now();
        if self
            .reported
            .is_none_or(|last| now.duration_since(last) > REPORTS)
        {
            self.reported = Some(now);
            log::warn!("{what}");
        }
    }
}
