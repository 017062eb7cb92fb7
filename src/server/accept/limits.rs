//! How many descriptors there are, and what they allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for connections: the standard streams, listener, epoll, root, log, files being served.
const RESERVED: usize = 24;

/// The most connections that are allowed unless the user says otherwise; where the limit is "unlimited".
const CONNECTIONS: usize = 262_144;

/// Raises the soft limit on descriptors to the hard one; returns what holds then. See getrlimit(2).
pub(crate) fn raise_descriptors() -> usize {
    let now = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: now.maximum,
        maximum: now.maximum,
    };
    let holds = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(error) => {
            log::debug!("the limit on descriptors stays as it is: {error}");
            now.current
        }
    };
    holds.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

/// How many connections `descriptors` allow: most of them, and some are left for files.
pub(crate) fn connections(descriptors: usize) -> usize {
    descriptors
        .saturating_sub(RESERVED + descriptors / 8)
        .clamp(1, CONNECTIONS)
}

/// A bound on the descriptor numbers of connections: each may have a file or two beside it.
pub(crate) fn slots(descriptors: usize, connections: usize) -> usize {
    descriptors.min(connections.saturating_mul(3).saturating_add(4096))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_descriptors_are_for_connections() {
        for (descriptors, expected) in [
            (0, 1),
            (24, 1),
            (64, 32),
            (1024, 872),
            (20_000, 17_476),
            (usize::MAX, 262_144),
        ] {
            assert_eq!(connections(descriptors), expected, "{descriptors}");
        }
    }
}
