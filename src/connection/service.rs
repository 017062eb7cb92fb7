//! HTTP in a dialect as a protocol on the pool: makes sessions and buffers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::accounting::Accounting;
use super::buffers::Buffers;
use super::dialect::Dialect;
use super::phases::{AfterFlush, Phase, ProxyProtocol, Stream};
use super::session::HttpSession;
use super::session::Shared;
use super::spent::Spent;
use super::timeouts::{Progress, Timeouts};
use super::trusted_proxies::TrustedProxies;
use crate::blocking::Pending;
use crate::http::{HeadScan, Persistence, Version};
use crate::reporting::{Reporter, TurnTime};
use crate::server::Service;

/// HTTP in a dialect, as a protocol on the pool.
pub struct Http<D> {
    shared: Arc<Shared<D>>,
    /// Connections so far.
    connections: AtomicU64,
}

impl<D: Dialect> Http<D> {
    /// HTTP in this dialect, with these timeouts.
    pub fn new(dialect: D, timeouts: Timeouts) -> Self {
        Self {
            shared: Arc::new(Shared {
                dialect,
                timeouts,
                proxies: None,
                proxy_protocol: ProxyProtocol::NotSpoken,
                reporter: None,
            }),
            connections: AtomicU64::new(0),
        }
    }

    /// The same, behind these proxies, which speak the PROXY protocol or do not.
    #[must_use]
    pub fn behind(mut self, proxies: Option<TrustedProxies>, protocol: ProxyProtocol) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.proxies = proxies;
            shared.proxy_protocol = protocol;
        }
        self
    }

    /// What the first bytes from this peer are.
    fn first_phase<U>(&self, peer: SocketAddr) -> Phase<U> {
        let Shared {
            proxies,
            proxy_protocol,
            ..
        } = &*self.shared;
        let is_proxy = || {
            let trust = |proxies: &TrustedProxies| proxies.trust(peer.ip());
            proxies.as_ref().is_some_and(trust)
        };
        match proxy_protocol {
            ProxyProtocol::Spoken if is_proxy() => Phase::ProxyHeader,
            ProxyProtocol::Spoken | ProxyProtocol::NotSpoken => Phase::Head,
        }
    }

    /// The same, and what comes of connections and requests is reported.
    #[must_use]
    pub fn reporting_to(mut self, reporter: Option<Arc<Reporter>>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.reporter = reporter;
        }
        self
    }

    fn account(&self, peer: SocketAddr) -> Accounting {
        let Some(reporter) = &self.shared.reporter else {
            return Accounting::default();
        };
        let connection = 1 + self.connections.fetch_add(1, Ordering::Relaxed);
        reporter.opened(connection, peer);
        Accounting::open(connection, peer)
    }
}

impl<D: Dialect> Service for Http<D> {
    type Session = HttpSession<D>;
    type Buffers = Buffers;

    fn connect(&self, peer: SocketAddr) -> HttpSession<D> {
        HttpSession {
            shared: Arc::clone(&self.shared),
            peer,
            phase: self.first_phase(peer),
            scan: HeadScan::default(),
            version: Version::Http11,
            persistence: Persistence::Persistent,
            unused: Vec::new(),
            output: Vec::new(),
            after_flush: AfterFlush::Yield,
            wait: None,
            progress: Progress::None,
            stream: Stream::Fresh,
            served: false,
            accounting: self.account(peer),
            spent: Spent::default(),
            time: TurnTime::default(),
        }
    }

    fn buffers(&self) -> Buffers {
        Buffers::new()
    }

    fn pending(&self, worker: usize) -> Pending {
        self.shared.dialect.pending(worker)
    }

    fn commit(&self, worker: usize) {
        self.shared.dialect.commit(worker);
    }

    fn reopen(&self) {
        self.shared.dialect.reopen();
    }
}
