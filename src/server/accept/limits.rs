//! The limit on descriptors, and the limits that follow from it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for connections: the standard streams, signals, listeners, epoll, root, log.
const RESERVED: usize = 24;

/// Descriptors for each worker: its thread's file in /proc, and the files of its request.
const RESERVED_PER_WORKER: usize = 3;

/// The most connections that are allowed unless the user says otherwise; where the limit is "unlimited".
const CONNECTIONS: usize = 262_144;

/// Raises the soft limit on descriptors to the hard one; returns the limit in force. See getrlimit(2).
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

/// The number of connections for a limit of `descriptors`: most of them, with some left for this many workers and for
/// files.
pub(crate) fn connections(descriptors: usize, workers: usize) -> usize {
    let reserved = RESERVED_PER_WORKER
        .saturating_mul(workers)
        .saturating_add(RESERVED + descriptors / 8);
    descriptors.saturating_sub(reserved).clamp(1, CONNECTIONS)
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
        for (descriptors, workers, expected) in [
            (0, 4, 1),
            (24, 4, 1),
            (64, 1, 29),
            (64, 4, 20),
            (64, 16, 1),
            (1024, 4, 860),
            (1024, usize::MAX, 1),
            (20_000, 4, 17_464),
            (usize::MAX, 4, 262_144),
        ] {
            let found = connections(descriptors, workers);
            assert_eq!(found, expected, "{descriptors}, {workers}");
        }
    }
}
