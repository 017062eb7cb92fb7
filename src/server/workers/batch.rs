//! The batch of one worker: the sources of its next connections, and the places of those that wait.
//!
//! They come, in this order, from those that came back; the queue; the reactor, where it also sleeps. A worker that may
//! not sleep there, since enough others do, is a spare.
//!
//! The invariant: *no connection waits while a worker that could serve it sleeps*. A push wakes one poller. A worker
//! that leaves a part of its work to others wakes the next.

use std::collections::VecDeque;

use super::pool::Pool;
use super::queue::Job;
use crate::server::accepted::Connection;
use crate::server::epoll::Events;
use crate::server::protocol::{Activity, CloseCause, Deadline, Interest, Service, WakeReason};
use crate::server::reactor::busy_polling::BusyPolling;
use crate::server::reactor::{ParkOutcome, PollMode, Polled};

/// A look into the reactor is due after this many pops, however long the queue is.
const POPS_BETWEEN_LOOKS: u32 = 16;

/// A connection of the pool's protocol.
pub(crate) type ConnectionOf<V> = Box<Connection<<V as Service>::Session>>;

/// See the module's description.
pub(crate) struct Batch<'p, V: Service> {
    pool: &'p Pool<V>,
    /// The number of its worker.
    worker: usize,
    /// Ready connections that wait for this worker.
    pub(crate) ready: VecDeque<ConnectionOf<V>>,
    /// Connections whose responses were held, and must be sent now.
    pub(crate) held: Vec<ConnectionOf<V>>,
    events: Events,
    busy_polling: BusyPolling,
    pops: u32,
}

/// Whether a worker goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gathered {
    /// There are connections in its batch.
    Batch,
    /// The worker must end.
    Stop,
}

impl<'p, V: Service> Batch<'p, V> {
    /// An empty batch of this worker.
    pub(crate) fn new(pool: &'p Pool<V>, worker: usize) -> Self {
        Self {
            pool,
            worker,
            ready: VecDeque::new(),
            held: Vec::new(),
            events: Events::new(),
            busy_polling: BusyPolling::new(),
            pops: 0,
        }
    }

    /// Waits until there are connections in the batch.
    pub(crate) fn gather(&mut self) -> Gathered {
        loop {
            if !self.ready.is_empty() {
                self.busy_polling.pay(self.ready.len());
                return Gathered::Batch;
            }
            if !self.held.is_empty() {
                return Gathered::Batch;
            }
            if self.pops >= POPS_BETWEEN_LOOKS {
                self.poll_ready(PollMode::Look);
                if !self.ready.is_empty() {
                    continue;
                }
            }
            match self.pool.queue.try_pop() {
                Some(Job::Serve(connection)) => {
                    self.pops += 1;
                    if !self.pool.queue.is_empty() {
                        self.pool.reactor.wake_poller(); // for the other jobs
                    }
                    self.ready.push_back(connection);
                }
                Some(Job::Stop) => return Gathered::Stop,
                None => self.wait(),
            }
        }
    }

    /// Waits for ready connections, unless there are responses to send first.
    fn wait(&mut self) {
        self.pool.held.take(self.worker, &mut self.held);
        if self.held.is_empty()
            && self.poll_ready(PollMode::Wait) == Polled::TooManyPollers
            && let Some(spares) = &self.pool.spares
        {
            spares.wait();
            // Perhaps in place of a worker that is blocked.
            self.pool.held.take_all(&mut self.held);
        }
    }

    fn poll_ready(&mut self, mode: PollMode) -> Polled {
        self.pops = 0;
        let queue = &self.pool.queue;
        self.pool.reactor.poll_ready(
            mode,
            || !queue.is_empty(),
            &mut self.busy_polling,
            &mut self.events,
            &mut self.ready,
        )
    }

    /// Parks a connection, with its event and its deadline. It comes back if there is something to do for it.
    pub(crate) fn park(
        &mut self,
        mut connection: ConnectionOf<V>,
        interest: Interest,
        deadline: Deadline,
    ) {
        connection.reason = WakeReason::Ready;
        connection.continues = false;
        match self.pool.reactor.park(connection, interest, deadline) {
            ParkOutcome::Parked => {}
            ParkOutcome::ParkedDueFirst => self.pool.main_waker.wake(),
            // It became ready during its turn, perhaps each time: all others have their turns first.
            ParkOutcome::Ready(connection) => self.yield_turn(connection),
            // A request that came during its turn must still get its response; a close now would reset the connection.
            ParkOutcome::Stopping(connection)
                if connection.socket.has_input() && !self.pool.is_aborting() =>
            {
                self.ready.push_back(connection);
            }
            ParkOutcome::Stopping(connection) => {
                self.pool.close_early(connection, CloseCause::Stopping);
            }
            ParkOutcome::Refused(connection) => {
                self.pool.close_early(connection, CloseCause::Failed);
            }
        }
        if let Activity::Idle { .. } = deadline.activity {
            self.pool.offer_capacity();
        }
        if self.pool.is_aborting() {
            self.pool.main_waker.wake();
        }
    }

    /// Puts a connection at the back of the queue. A look into the reactor comes before the next pop.
    pub(crate) fn yield_turn(&mut self, connection: ConnectionOf<V>) {
        self.pops = POPS_BETWEEN_LOOKS;
        let queue = &self.pool.queue;
        let Err(Job::Serve(connection)) = queue.try_push(Job::Serve(connection)) else {
            return;
        };
        // It is swapped for the first of a full queue. Otherwise no connection there would ever have a turn. (No worker
        // gets `Stop` while a connection is open.)
        if let Some(Job::Serve(first)) = queue.try_pop() {
            self.ready.push_back(first);
        }
        if let Err(Job::Serve(connection)) = queue.try_push(Job::Serve(connection)) {
            self.ready.push_back(connection);
        }
    }
}
