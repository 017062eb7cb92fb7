//! A worker: pops connections and advances each until it would have to wait for its peer.
//!
//! Where its next connection comes from, in this order: its own batch (what it found ready in the waiting room),
//! the queue, the waiting room, where it also sleeps. A worker for which there is no seat there joins the reserve.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::pool::Pool;
use super::queue::Job;
use crate::server::connection::Connection;
use crate::server::protocol::{Activity, Ask, Next, Service, Session, Stopping, Turn, WakeReason};
use crate::server::reactor::{Events, ParkOutcome, PollMode, Polled};

/// A look into the waiting room is due after this many pops, however long the queue is.
const POPS_BETWEEN_LOOKS: u32 = 16;

/// What one worker thread has.
pub(crate) struct Worker<'p, V: Service> {
    pool: &'p Pool<V>,
    /// Which of the workers it is, from 0.
    number: usize,
    buffers: V::Buffers,
    events: Events,
    /// Connections that are ready and wait for this worker.
    batch: VecDeque<Box<Connection<V::Session>>>,
    /// Connections that go on when what they have put off is settled.
    unsettled: Vec<Box<Connection<V::Session>>>,
    /// While there are some: how many of the batch have their turns before that.
    before_settling: usize,
    pops: u32,
}

impl<V: Service> Drop for Worker<'_, V> {
    /// What woke this worker may have been meant for two; and its seat is free, however it ends.
    fn drop(&mut self) {
        self.pool.reactor.wake_poller();
        self.pool.call_spare();
    }
}

impl<'p, V: Service> Worker<'p, V> {
    pub(crate) fn new(pool: &'p Pool<V>, number: usize) -> Self {
        Self {
            pool,
            number,
            buffers: pool.service.buffers(),
            events: Events::new(),
            batch: VecDeque::new(),
            unsettled: Vec::new(),
            before_settling: 0,
            pops: 0,
        }
    }

    /// Works until the pool stops.
    pub(crate) fn run(mut self) {
        if let Some(spares) = &self.pool.spares {
            spares.bind_to_thread(self.number);
        }
        while let Some(connection) = self.next() {
            self.serve(connection);
        }
    }

    fn next(&mut self) -> Option<Box<Connection<V::Session>>> {
        loop {
            let is_round_over = self.before_settling == 0 || self.batch.is_empty();
            if is_round_over && !self.unsettled.is_empty() {
                self.settle();
            }
            if let Some(connection) = self.batch.pop_front() {
                self.before_settling = self.before_settling.saturating_sub(1);
                return Some(connection);
            }
            if self.pops >= POPS_BETWEEN_LOOKS {
                self.poll_ready(PollMode::Look);
                if !self.batch.is_empty() {
                    continue;
                }
            }
            match self.pool.queue.try_pop() {
                Some(Job::Serve(connection)) => {
                    self.pops += 1;
                    if !self.pool.queue.is_empty() {
                        self.pool.reactor.wake_poller(); // for the rest
                    }
                    return Some(connection);
                }
                Some(Job::Stop) => return None,
                None => {
                    if self.poll_ready(PollMode::Wait) == Polled::TooManyPollers
                        && let Some(spares) = &self.pool.spares
                    {
                        spares.wait();
                    }
                }
            }
        }
    }

    fn poll_ready(&mut self, mode: PollMode) -> Polled {
        self.pops = 0;
        let queue = &self.pool.queue;
        self.pool.reactor.poll_ready(
            mode,
            || !queue.is_empty(),
            &mut self.events,
            &mut self.batch,
        )
    }

    /// Gives a connection its turn. A panic costs that connection only.
    fn serve(&mut self, mut connection: Box<Connection<V::Session>>) {
        let turn = catch_unwind(AssertUnwindSafe(|| self.advance(&mut connection)));
        match turn {
            Ok(Next::Wait(interest, deadline)) => {
                connection.reason = WakeReason::Ready;
                let idle = matches!(deadline.activity, Activity::Idle { .. });
                match self.pool.reactor.park(connection, interest, deadline) {
                    ParkOutcome::Parked => {}
                    ParkOutcome::ParkedDueFirst => self.pool.wake_main(),
                    ParkOutcome::Ready(connection) => self.take_again(connection),
                    // A request that came during its turn is answered yet; to close now would reset it.
                    ParkOutcome::Stopping(connection)
                        if connection.socket.has_input() && !self.pool.is_aborting() =>
                    {
                        self.batch.push_back(connection);
                    }
                    ParkOutcome::Stopping(connection) | ParkOutcome::Refused(connection) => {
                        self.pool.close(connection);
                    }
                }
                if idle {
                    self.pool.offer_capacity();
                }
                if self.pool.is_aborting() {
                    self.pool.wake_main();
                }
            }
            Ok(Next::Yield) if self.pool.is_aborting() => self.pool.close(connection),
            Ok(Next::Yield) => {
                connection.forget_expiry();
                self.yield_turn(connection);
            }
            Ok(Next::Settle) => {
                connection.forget_expiry();
                if self.unsettled.is_empty() {
                    self.before_settling = self.batch.len();
                }
                self.unsettled.push(connection);
            }
            Ok(Next::Close) => self.pool.close(connection),
            Err(_) => {
                log::error!("a session panicked; its connection is closed");
                self.buffers = self.pool.service.buffers();
                self.pool.close(connection);
                self.settle();
            }
        }
    }

    fn advance(&mut self, connection: &mut Connection<V::Session>) -> Next {
        let stopping = if self.pool.reactor.is_stopping() {
            Stopping::Yes
        } else {
            Stopping::No
        };
        let in_company = !(self.batch.is_empty() && self.unsettled.is_empty());
        let (pool, number) = (self.pool, self.number);
        let (batch, unsettled) = (&mut self.batch, &mut self.unsettled);
        // Until the end of this turn.
        let mut in_blocking_section = None;
        let mut ask = |ask| {
            pool.service.settle(number);
            if ask == Ask::LongWork {
                in_blocking_section.get_or_insert_with(|| {
                    for connection in unsettled.iter_mut() {
                        connection.session.release(&connection.socket);
                    }
                    put_in_front(batch, unsettled);
                    pool.enter_blocking_section(number, batch)
                });
            }
        };
        let mut turn = Turn::new(connection.reason, stopping, number, &mut ask);
        if in_company {
            turn = turn.in_company();
        }
        connection
            .session
            .advance(&connection.socket, &mut self.buffers, &mut turn)
    }

    /// Lets the sessions go on that have put something off.
    fn settle(&mut self) {
        self.pool.service.settle(self.number);
        put_in_front(&mut self.batch, &mut self.unsettled);
    }

    /// More has come during its turn. Who sends without end must not keep this worker from all others.
    fn take_again(&mut self, connection: Box<Connection<V::Session>>) {
        self.pops += 1;
        if self.pops < POPS_BETWEEN_LOOKS {
            self.batch.push_back(connection);
        } else {
            self.yield_turn(connection);
        }
    }

    /// To the back of the queue, and a look into the waiting room before the next pop.
    fn yield_turn(&mut self, connection: Box<Connection<V::Session>>) {
        self.pops = POPS_BETWEEN_LOOKS;
        let queue = &self.pool.queue;
        let Err(Job::Serve(connection)) = queue.try_push(Job::Serve(connection)) else {
            return;
        };
        // Who is first in a full queue changes places with it, or nobody there would ever have a turn. (Nobody is told
        // to stop while a connection is open.)
        if let Some(Job::Serve(first)) = queue.try_pop() {
            self.batch.push_back(first);
        }
        if let Err(Job::Serve(connection)) = queue.try_push(Job::Serve(connection)) {
            self.batch.push_back(connection);
        }
    }
}

fn put_in_front<C>(batch: &mut VecDeque<C>, connections: &mut Vec<C>) {
    for connection in connections.drain(..).rev() {
        batch.push_front(connection);
    }
}

#[cfg(test)]
mod tests;
