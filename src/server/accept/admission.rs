//! Decides whether another connection may be open, and which one is closed for it.

use std::time::{Duration, Instant};

use super::client_limit::{ClientLimit, Clients, Counted, TooMany};
use super::eviction::Eviction;
use super::listener::{AcceptOutcome, Listener};
use crate::peer::Peer;
use crate::server::protocol::Service;
use crate::server::transport::Socket;
use crate::server::workers::pool::Pool;

/// The time between two reports of a shortage, since a shortage may begin and end a thousand times a second.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// The limits on open connections.
pub(crate) struct Limits {
    /// In all.
    pub(crate) connections: usize,
    /// The connections of one client.
    pub(crate) client: Option<ClientLimit>,
}

/// Accepts connections up to a limit.
pub(super) struct Admission<'p, V: Service> {
    pool: &'p Pool<V>,
    max_connections: usize,
    /// Connections by client, if they are limited.
    clients: Option<Clients>,
    eviction: Eviction,
    /// The time of the last report of a shortage.
    reported: Option<Instant>,
    /// The time of the last report of a client with too many connections.
    client_reported: Option<Instant>,
}

/// The result of an attempt to accept.
pub(super) enum Admitted {
    /// A counted connection, and its peer.
    Connection(Socket, Peer, Option<Counted>),
    /// A connection that was already closed, exceeds its client's limit, or has no slot: try the next.
    Gone,
    /// No connection waits.
    Nobody,
    /// The limit is reached, and no connection is idle.
    AtLimit,
    /// The system is out of descriptors or memory, and no connection is idle.
    Exhausted,
}

impl<'p, V: Service> Admission<'p, V> {
    pub(super) fn new(pool: &'p Pool<V>, limits: Limits) -> Self {
        Self {
            pool,
            max_connections: limits.connections,
            clients: limits.client.map(Clients::new),
            eviction: Eviction::default(),
            reported: None,
            client_reported: None,
        }
    }

    /// Accepts one connection.
    pub(super) fn admit(&mut self, listener: &Listener) -> Admitted {
        // Evict only if a new connection waits.
        if self.is_full() && !listener.has_waiting() {
            return Admitted::Nobody;
        }
        if self.is_full() && !self.find_capacity() {
            let most = self.max_connections;
            report(
                &mut self.reported,
                format_args!("{most} connections are open, the most allowed; others wait"),
            );
            return Admitted::AtLimit;
        }
        match listener.accept() {
            AcceptOutcome::Connection(socket, peer) => self.register(socket, peer),
            AcceptOutcome::Gone => Admitted::Gone,
            AcceptOutcome::Nobody => Admitted::Nobody,
            AcceptOutcome::Exhausted(error) => {
                let what = format_args!("cannot accept connections for now: {error}");
                report(&mut self.reported, what);
                let (pool, eviction) = (self.pool, &mut self.eviction);
                if pool.capacity.find(|| eviction.close_one(pool)) {
                    Admitted::Gone
                } else {
                    Admitted::Exhausted
                }
            }
        }
    }

    fn register(&mut self, socket: Socket, peer: Peer) -> Admitted {
        if !self.pool.reactor.make_slot(socket.number()) {
            log::warn!("closed a connection whose descriptor number is out of bounds");
            return Admitted::Gone;
        }
        let Ok(counted) = self.count(peer) else {
            return Admitted::Gone;
        };
        self.pool.capacity.add();
        Admitted::Connection(socket, peer, counted)
    }

    fn is_full(&self) -> bool {
        self.pool.capacity.open() >= self.max_connections
    }

    /// Makes room for one connection, or requests a wake-up for when there may be room.
    fn find_capacity(&mut self) -> bool {
        let (pool, max) = (self.pool, self.max_connections);
        let eviction = &mut self.eviction;
        pool.capacity
            .find(|| pool.capacity.open() < max || eviction.close_one(pool))
    }

    /// Counts a connection among those of its client, if they are counted.
    fn count(&mut self, peer: Peer) -> Result<Option<Counted>, TooMany> {
        let Some(clients) = &self.clients else {
            return Ok(None);
        };
        clients.count(peer).inspect_err(|TooMany| {
            let (client, most) = (peer.address(), clients.most());
            let what = format_args!(
                "{client} has {most} connections open, the most allowed for a client; more are closed"
            );
            report(&mut self.client_reported, what);
        })
    }
}

/// Reports a shortage at limited intervals; `last` is the time of the last report.
fn report(last: &mut Option<Instant>, what: std::fmt::Arguments<'_>) {
    let now = Instant::now();
    let is_due = |last| now.duration_since(last) > REPORT_INTERVAL;
    if last.is_none_or(is_due) {
        *last = Some(now);
        log::warn!("{what}");
    }
}
