//! The main thread: accepts connections and pushes them into the queue, watches deadlines, limits and signals.
//!
//! It never touches a connection's bytes. It blocks in three places: in poll(2) while there is nothing to do, in the
//! queue while that is full, and for a moment between two rounds of a rush. At a rotation it opens the new log.

use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::batching::{ROUND, Rush};
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
    intake: Intake,
    eviction: Eviction,
    /// When a shortage was reported last.
    reported: Option<Instant>,
    /// Connections accepted so far.
    accepted: u64,
    rush: Rush,
}

/// What happens to new connections.
enum Intake {
    /// They are accepted.
    Open(Listener),
    /// They wait in the backlog until a connection closes or, if given, until this moment.
    Paused(Listener, Option<Instant>),
    /// They are refused: the server is stopping, and does so at this moment at the latest.
    Closed(Instant),
}

/// What ended a wait, besides connections and deadlines, which are looked at anyway.
struct Woken {
    alarm: bool,
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
            intake: Intake::Open(listener),
            eviction: Eviction::default(),
            reported: None,
            accepted: 0,
            rush: Rush::default(),
        }
    }

    /// Runs until a signal stops the server and no connection is left.
    pub(crate) fn run(mut self) {
        while !self.is_done() {
            if self.rush.is_on() {
                thread::sleep(ROUND);
            }
            let woken = self.wait();
            if woken.alarm {
                self.pool.hear_alarm();
            }
            self.resume();
            if woken.signal {
                self.heed_signals();
            }
            self.expire();
            if let Intake::Open(_) = self.intake {
                let before = self.accepted;
                self.accept();
                self.rush.note(self.accepted - before, Instant::now());
            }
            self.pool.room.ring();
        }
    }

    fn is_done(&self) -> bool {
        let Intake::Closed(until) = self.intake else {
            return false;
        };
        self.pool.want_room();
        if self.pool.connections() == 0 {
            return true;
        }
        if self.pool.is_aborting() || Instant::now() >= until {
            self.pool.abort();
            for connection in self.pool.room.clear() {
                self.pool.close(connection);
            }
        }
        self.pool.connections() == 0
    }

    /// Waits for a connection, a signal, the alarm, or the next deadline.
    fn wait(&mut self) -> Woken {
        let mut until = self.pool.room.next_deadline();
        match self.intake {
            // Once all are closed as their turns end, each says so.
            Intake::Closed(_) if self.pool.is_aborting() => {}
            Intake::Paused(_, Some(own)) | Intake::Closed(own) => {
                until = Some(until.map_or(own, |deadline| deadline.min(own)));
            }
            Intake::Open(_) | Intake::Paused(_, None) => {}
        }
        let timeout = until.and_then(|until| {
            Timespec::try_from(until.saturating_duration_since(Instant::now())).ok()
        });
        let [stop, reopen] = self.signals.fds();
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut fds = [
            readable(self.pool.alarm().as_fd()),
            readable(stop),
            readable(reopen),
            readable(stop),
        ];
        let watched = if let Intake::Open(listener) = &self.intake {
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
            alarm: came(0),
            signal: came(1) || came(2),
        }
    }

    /// Ends a pause: whatever woke this thread is reason enough to try again.
    fn resume(&mut self) {
        let now = Instant::now();
        let intake = std::mem::replace(&mut self.intake, Intake::Closed(now));
        self.intake = match intake {
            Intake::Paused(listener, _) => Intake::Open(listener),
            other => other,
        };
    }

    fn heed_signals(&mut self) {
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
        if let Intake::Closed(_) = self.intake {
            self.pool.abort();
            return;
        }
        self.intake = Intake::Closed(Instant::now() + self.drain);
        for connection in self.pool.room.stop() {
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
        while let Some(connection) = self.pool.room.take_expired(now) {
            self.pool.push(Job::Serve(connection));
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTS_AT_ONCE {
            let Intake::Open(listener) = &self.intake else {
                return;
            };
            // Nobody is closed for the sake of nobody.
            if self.is_full() && !listener.has_waiting() {
                return;
            }
            if self.is_full() && !self.find_room() {
                let most = self.max_connections;
                self.report(format_args!(
                    "{most} connections are open, the most allowed; others wait"
                ));
                return self.pause(None);
            }
            let Intake::Open(listener) = &self.intake else {
                return;
            };
            match listener.accept() {
                Accepted::Connection(socket) => self.welcome(socket),
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

    fn welcome(&mut self, socket: Socket) {
        if !self.pool.room.has_place_for(socket.as_fd().as_raw_fd()) {
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
    fn find_room(&mut self) -> bool {
        if self.eviction.close_one(self.pool) {
            return true;
        }
        self.pool.want_room();
        // Who closed or became idle after the first look, and before the wish was known, has not rung.
        !self.is_full() || self.eviction.close_one(self.pool)
    }

    /// Stops accepting until a connection closes or becomes idle, or `until` comes.
    fn pause(&mut self, until: Option<Instant>) {
        let intake = std::mem::replace(&mut self.intake, Intake::Closed(Instant::now()));
        self.intake = match intake {
            Intake::Open(listener) => Intake::Paused(listener, until),
            other => other,
        };
        self.pool.want_room();
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
