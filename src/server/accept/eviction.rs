//! Selects the connection that is closed when another one needs its place: the one that has been idle for longest.

use std::os::fd::RawFd;
use std::time::Instant;

use crate::server::protocol::{CloseCause, Service, WakeReason};
use crate::server::workers::pool::Pool;
use crate::server::workers::queue::Job;

/// The connections that have been idle for longest, the longest last.
///
/// One scan of all slots finds the victims for many evictions, so that each is cheap.
#[derive(Default)]
pub(crate) struct Eviction {
    victims: Vec<(Instant, RawFd)>,
}

impl Eviction {
    /// Closes the connection that has been idle for longest, if there is one.
    pub(crate) fn close_one<V: Service>(&mut self, pool: &Pool<V>) -> bool {
        if self.close_known(pool) {
            return true;
        }
        let mut idle = pool.reactor.idle();
        idle.sort_unstable_by(|one, other| other.cmp(one));
        let keep = (idle.len() / 16).max(16).min(idle.len());
        self.victims = idle.split_off(idle.len() - keep);
        self.close_known(pool)
    }

    fn close_known<V: Service>(&mut self, pool: &Pool<V>) -> bool {
        while let Some((since, fd)) = self.victims.pop() {
            match pool.reactor.take_idle(since, fd) {
                None => {}
                // Its next request has already arrived.
                Some(mut connection) if connection.socket.has_input() => {
                    connection.reason = WakeReason::Ready;
                    pool.push(Job::Serve(connection));
                }
                Some(connection) => {
                    pool.close_early(connection, CloseCause::Evicted);
                    return true;
                }
            }
        }
        false
    }
}
