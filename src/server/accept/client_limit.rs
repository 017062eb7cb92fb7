//! The limit on connections of one client, so that no client takes them all.
//!
//! A client is a [`ClientAddress::subscriber`]. Trusted proxies have the connections of many clients and are not counted.
//! Programs of this machine on Unix domain sockets are not limited either.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use ipnet::IpNet;

use crate::peer::{ClientAddress, Peer};
use crate::sync::lock;

/// A limit on the connections of each client.
#[derive(Debug, Clone)]
pub struct ClientLimit {
    /// Connections that one client may have open at once.
    pub most: NonZeroUsize,
    /// Networks whose connections are not counted.
    pub exempt: Vec<IpNet>,
}

/// The connections of all clients that are counted.
#[derive(Debug)]
pub(crate) struct Clients {
    limit: ClientLimit,
    open: OpenConnections,
}

/// Guards how many connections each client has; none has 0.
type OpenConnections = Arc<Mutex<HashMap<ClientAddress, usize>>>;

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    client: ClientAddress,
    open: OpenConnections,
}

/// The client has as many connections as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Clients {
    pub(crate) fn new(limit: ClientLimit) -> Self {
        Self {
            limit,
            open: OpenConnections::default(),
        }
    }

    /// The limit for one client.
    pub(crate) fn most(&self) -> NonZeroUsize {
        self.limit.most
    }

    /// Counts a connection, unless it is exempt.
    pub(crate) fn count(&self, peer: Peer) -> Result<Option<Counted>, TooMany> {
        let ClientAddress::Ip(address) = peer.address() else {
            return Ok(None);
        };
        let mut exempt = self.limit.exempt.iter();
        if exempt.any(|network| network.contains(&address)) {
            return Ok(None);
        }
        let client = peer.address().subscriber();
        let mut open = lock(&self.open);
        let count = open.entry(client).or_default();
        // A client without connections is below the limit.
        if *count >= self.limit.most.get() {
            return Err(TooMany);
        }
        *count += 1;
        Ok(Some(Counted {
            client,
            open: Arc::clone(&self.open),
        }))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = lock(&self.open).entry(self.client) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn clients(most: usize) -> Clients {
        Clients::new(ClientLimit {
            most: NonZeroUsize::new(most).unwrap(),
            exempt: vec!["10.0.0.0/8".parse().unwrap()],
        })
    }

    fn peer(address: &str) -> Peer {
        Peer::Internet((address.parse::<IpAddr>().unwrap(), 1).into())
    }

    #[test]
    fn each_client_has_its_own_count() {
        let clients = clients(2);
        let first = clients.count(peer("192.0.2.1")).unwrap();
        let _second = clients.count(peer("::ffff:192.0.2.1")).unwrap();
        assert_eq!(clients.count(peer("192.0.2.1")).unwrap_err(), TooMany);
        assert!(clients.count(peer("192.0.2.2")).is_ok());
        drop(first);
        assert!(clients.count(peer("192.0.2.1")).is_ok());
    }

    #[test]
    fn client_of_ipv6_is_a_network() {
        let clients = clients(1);
        let _open = clients.count(peer("2001:db8:1:2::1")).unwrap();
        assert!(clients.count(peer("2001:db8:1:2:ffff::9")).is_err());
        assert!(clients.count(peer("2001:db8:1:3::1")).is_ok());
    }

    #[test]
    fn proxies_and_unix_sockets_are_not_counted() {
        let clients = clients(1);
        for _ in 0..3 {
            for exempt in [peer("10.1.2.3"), peer("::ffff:10.1.2.3"), Peer::Unix] {
                assert!(clients.count(exempt).unwrap().is_none());
            }
        }
        assert!(lock(&clients.open).is_empty());
    }

    #[test]
    fn clients_without_connections_are_forgotten() {
        let clients = clients(2);
        let open = [peer("192.0.2.1"), peer("192.0.2.1"), peer("::1")];
        let open = open.map(|peer| clients.count(peer).unwrap());
        assert_eq!(lock(&clients.open).len(), 2);
        drop(open);
        assert!(lock(&clients.open).is_empty());
    }
}
