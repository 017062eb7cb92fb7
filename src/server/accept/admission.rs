//! Whether another connection may be open, and what gives way to it.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use super::eviction::Eviction;
use super::listener::{Accepted, Listener};
use crate::server::protocol::Service;
use crate::server::transport::Socket;
use crate::server::workers::pool::Pool;

/// The time between two reports of a shortage: it may come and go a thousand times a second.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Accepts connections up to a limit.
pub(super) struct Admission<'p, V: Service> {
    pool: &'p Pool<V>,
    max_connections: usize,
    eviction: Eviction,
    /// When a shortage was reported last.
    reported: Option<Instant>,
}

/// What came of an attempt to accept.
pub(super) enum Admitted {
    /// A connection, which is counted, and its peer's address.
    Connection(Socket, SocketAddr),
    /// A connection that was gone, or that there is no slot for: try the next.
    Gone,
    /// No connection waits.
    Nobody,
    /// As many are open as may be, and none is idle.
    AtLimit,
    /// The system is out of descriptors or memory, and no connection is idle.
    Exhausted,
}

impl<'p, V: Service> Admission<'p, V> {
    pub(super) fn new(pool: &'p Pool<V>, max_connections: usize) -> Self {
        Self {
            pool,
            max_connections,
            eviction: Eviction::default(),
            reported: None,
        }
    }

    /// Accepts one connection.
    pub(super) fn admit(&mut self, listener: &Listener) -> Admitted {
        // Evict only if a new connection waits.
        if self.is_full() && !listener.has_waiting() {
            return Admitted::Nobody;
        }
        if self.is_full() && !self.make_capacity() {
            let most = self.max_connections;
            self.report(format_args!(
                "{most} connections are open, the most allowed; others wait"
            ));
            return Admitted::AtLimit;
        }
        match listener.accept() {
            Accepted::Connection(socket, peer) => self.register(socket, peer),
            Accepted::Gone => Admitted::Gone,
            Accepted::Nobody => Admitted::Nobody,
            Accepted::Exhausted(error) => {
                self.report(format_args!("cannot accept connections for now: {error}"));
                if self.eviction.close_one(self.pool) {
                    Admitted::Gone
                } else {
                    Admitted::Exhausted
                }
            }
        }
    }

    fn register(&self, socket: Socket, peer: SocketAddr) -> Admitted {
        if !self.pool.reactor.has_slot_for(socket.as_fd().as_raw_fd()) {
            log::warn!("closed a connection whose descriptor number is out of bounds");
            return Admitted::Gone;
        }
        self.pool.capacity.add();
        Admitted::Connection(socket, peer)
    }

    fn is_full(&self) -> bool {
        self.pool.capacity.open() >= self.max_connections
    }

    /// Makes room for one connection, or asks to be woken when there may be some.
    fn make_capacity(&mut self) -> bool {
        if self.eviction.close_one(self.pool) {
            return true;
        }
        self.pool.capacity.request();
        // A connection that closed or became idle before the request was seen has woken nobody.
        !self.is_full() || self.eviction.close_one(self.pool)
    }

    /// Reports a shortage, but not over and over.
    fn report(&mut self, what: std::fmt::Arguments<'_>) {
        let now = Instant::now();
        let is_due = |last| now.duration_since(last) > REPORT_INTERVAL;
        if self.reported.is_none_or(is_due) {
            self.reported = Some(now);
            log::warn!("{what}");
        }
    }
}
