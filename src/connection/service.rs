//! HTTP in a dialect as a protocol of the pool: makes sessions and buffers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::accounting::Accounting;
use super::buffers::Buffers;
use super::dialect::Dialect;
use super::entrance::{Channel, Entrance, EntranceProtocol, ProxyProtocol, Security};
use super::kept::Kept;
use super::phases::{AfterFlush, PeerStream, Phase};
use super::session::HttpSession;
use super::session::ServiceContext;
use super::spent::Spent;
use super::timeouts::{ByteProgress, Timeouts};
use super::trusted_proxies::TrustedProxies;
use crate::blocking::PendingCommit;
use crate::http::{HeadScan, Persistence, Version};
use crate::peer::Peer;
use crate::reporting::{Reporter, TurnTime};
use crate::server::Service;
use crate::tls::TlsServer;
use crate::users::Authenticator;

/// HTTP in a dialect, as a protocol of the pool.
pub struct HttpService<D> {
    shared: Arc<ServiceContext<D>>,
    /// Connections so far.
    connections: AtomicU64,
}

impl<D: Dialect> HttpService<D> {
    /// HTTP in this dialect, with these timeouts, on one listener.
    pub fn new(dialect: D, timeouts: Timeouts) -> Self {
        Self {
            shared: Arc::new(ServiceContext {
                dialect,
                timeouts,
                proxies: None,
                entrances: vec![Entrance::default()],
                users: None,
                misdirected: Mutex::default(),
                reporter: None,
            }),
            connections: AtomicU64::new(0),
        }
    }

    /// The same, behind these proxies.
    #[must_use]
    pub fn behind(mut self, proxies: Option<TrustedProxies>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.proxies = proxies;
        }
        self
    }

    /// The same on several listeners, each with its entrance.
    #[must_use]
    pub fn listening(mut self, entrances: Vec<Entrance>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.entrances = entrances;
        }
        self
    }

    /// The same for these users.
    #[must_use]
    pub fn for_users(mut self, users: Option<Authenticator>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.users = users;
        }
        self
    }

    /// The expected first bytes from this peer.
    fn first_phase<U>(&self, peer: Peer, entrance: &Entrance) -> Phase<U> {
        let is_proxy = || {
            let trust = |proxies: &TrustedProxies| proxies.trust(peer.address());
            self.shared.proxies.as_ref().is_some_and(trust)
        };
        match entrance.proxy_protocol {
            ProxyProtocol::Spoken if is_proxy() => Phase::ProxyHeader,
            ProxyProtocol::Spoken | ProxyProtocol::NotSpoken => entrance.phase(),
        }
    }

    /// The same, with reports of connections and requests.
    #[must_use]
    pub fn reporting_to(mut self, reporter: Option<Arc<Reporter>>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.reporter = reporter;
        }
        self
    }

    fn account(&self, peer: Peer) -> Accounting {
        let Some(reporter) = &self.shared.reporter else {
            return Accounting::default();
        };
        let connection = 1 + self.connections.fetch_add(1, Ordering::Relaxed);
        reporter.opened(connection, peer);
        Accounting::open(connection, peer, reporter.needs())
    }
}

impl<D: Dialect> Service for HttpService<D> {
    type Session = HttpSession<D>;
    type Buffers = Buffers;

    fn connect(&self, peer: Peer, listener: usize) -> HttpSession<D> {
        let entrance = &self.shared.entrances[listener];
        HttpSession {
            shared: Arc::clone(&self.shared),
            peer,
            listener,
            channel: Channel::Plain,
            security: Security::Plain,
            phase: self.first_phase(peer, entrance),
            scan: HeadScan::default(),
            version: Version::Http11,
            persistence: Persistence::Persistent,
            unused: Kept::default(),
            output: Vec::new(),
            unsent: Kept::default(),
            after_flush: AfterFlush::Yield,
            wait: None,
            progress: ByteProgress::None,
            stream: PeerStream::Fresh,
            served: false,
            accounting: self.account(peer),
            spent: Spent::default(),
            time: TurnTime::default(),
        }
    }

    fn buffers(&self) -> Buffers {
        Buffers::new()
    }

    fn pending(&self, worker: usize) -> PendingCommit {
        self.shared.dialect.pending(worker)
    }

    fn commit(&self, worker: usize) {
        self.shared.dialect.commit(worker);
    }

    fn reopen(&self) {
        let mut reloaded: Vec<&Arc<TlsServer>> = Vec::new();
        for entrance in &self.shared.entrances {
            if let EntranceProtocol::Https(server) = &entrance.protocol
                && !reloaded.iter().any(|other| Arc::ptr_eq(other, server))
            {
                server.reload();
                reloaded.push(server);
            }
        }
        self.shared.dialect.reopen();
        if let Some(users) = &self.shared.users {
            users.reload();
        }
    }
}
