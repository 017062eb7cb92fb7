//! A worker: takes ready connections, and gives them their turns; see [`Service`] for the three steps of a turn.
//!
//! The choice of these connections is in `batch`.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::batch::{Batch, ConnectionOf, Gathered};
use super::gauges::Doing;
use super::held::Hold;
use super::pool::Pool;
use super::round::Round;
use super::thread_stat;
use crate::blocking::PendingCommit;
use crate::server::accepted::Connection;
use crate::server::protocol::{CloseCause, Next, Service, Session, Stopping, Turn};
use crate::server::step_clock::StepClock;

/// The state of one worker thread.
pub(crate) struct Worker<'p, V: Service> {
    pool: &'p Pool<V>,
    /// The number of the worker, from 0.
    number: usize,
    buffers: V::Buffers,
    clock: StepClock,
    batch: Batch<'p, V>,
    /// Reused from round to round, and empty in between.
    round: Round<ConnectionOf<V>>,
    /// Connections of a batch that need a blocking turn. Reused, too, and empty in between.
    may_block: VecDeque<ConnectionOf<V>>,
    hold: Hold,
}

impl<V: Service> Drop for Worker<'_, V> {
    /// Another worker takes its place as a poller, whatever its end. Its last wake-up may stand for two events.
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
            clock: StepClock::default(),
            batch: Batch::new(pool, number),
            round: Round::new(),
            may_block: VecDeque::new(),
            hold: Hold::new(),
        }
    }

    /// Works until the pool stops.
    pub(crate) fn run(mut self) {
        let gauge = self.pool.gauges.get(self.number);
        if let Some(stat) = thread_stat::open() {
            if let Some(spares) = &self.pool.spares {
                spares.bind_to_thread(self.number, Arc::clone(&stat));
            }
            if let Some(gauge) = gauge {
                gauge.bind_to_thread(stat);
            }
        }
        while self.batch.gather() == Gathered::Batch {
            if let Some(gauge) = gauge {
                gauge.set(Doing::Work);
                self.serve_batch();
                gauge.set(Doing::Nothing);
            } else {
                self.serve_batch();
            }
        }
    }

    /// Gives the connections of the batch their turns: first those that cannot block, together, then one that may.
    /// Other workers can have the rest meanwhile.
    fn serve_batch(&mut self) {
        self.clock.clear();
        self.send_held();
        let mut may_block = std::mem::take(&mut self.may_block);
        while let Some(mut connection) = self.batch.ready.pop_front() {
            if connection.session.may_block() {
                may_block.push_back(connection);
                continue;
            }
            self.end_hold();
            if self.process(&mut connection, TurnKind::Quick) == Processed::Whole {
                self.round.add(connection);
            } else {
                self.pool.close_early(connection, CloseCause::Failed);
            }
        }
        let mut round = std::mem::replace(&mut self.round, Round::new());
        for mut connection in round.commit(|| self.commit(&mut may_block)) {
            match self.flush(&mut connection, TurnKind::Quick) {
                Next::Yield if connection.session.may_block() && !self.pool.is_aborting() => {
                    connection.forget_expiry();
                    may_block.push_back(connection);
                }
                next => self.end_turn(connection, next),
            }
        }
        self.round = round;
        let first = may_block.pop_front();
        self.batch.ready.append(&mut may_block);
        self.may_block = may_block;
        if let Some(connection) = first {
            self.clock.clear();
            self.serve_blocking(connection);
        }
    }

    /// Gives a connection a turn that may block.
    fn serve_blocking(&mut self, mut connection: ConnectionOf<V>) {
        if connection.continues || !self.pool.has_spare() {
            self.end_hold();
        }
        let begun = self.hold.begin();
        let section = self
            .pool
            .enter_blocking_section(self.number, &mut self.batch.ready);
        let next = match self.process(&mut connection, TurnKind::Blocking) {
            Processed::Whole => {
                self.pool.service.commit(self.number);
                if !connection.session.may_block() {
                    drop(section);
                    return self.hold_or_send(connection, begun);
                }
                self.clock.clear();
                self.flush(&mut connection, TurnKind::Blocking)
            }
            Processed::Panicked => Next::Close,
        };
        drop(section);
        self.end_turn(connection, next);
        self.end_hold();
    }

    /// Sends the response of a blocking turn, with those that are held; or holds it, too.
    fn hold_or_send(&mut self, connection: ConnectionOf<V>, begun: Instant) {
        let others_wait = !self.batch.ready.is_empty() || !self.pool.queue.is_empty();
        if others_wait && self.pool.has_spare() && self.hold.has_room(begun) {
            self.hold.add(begun);
            self.pool.held.hold(self.number, connection);
        } else {
            self.take_held();
            self.batch.held.push(connection);
            self.send_held();
        }
    }

    /// Sends the responses that the worker holds.
    fn end_hold(&mut self) {
        self.take_held();
        self.send_held();
    }

    fn take_held(&mut self) {
        if self.hold.end() {
            self.pool.held.take(self.number, &mut self.batch.held);
        }
    }

    /// Sends the responses of the batch that were held.
    fn send_held(&mut self) {
        if self.batch.held.is_empty() {
            return;
        }
        self.clock.clear();
        let mut held = std::mem::take(&mut self.batch.held);
        for mut connection in held.drain(..) {
            let next = self.flush(&mut connection, TurnKind::Quick);
            self.end_turn(connection, next);
        }
        self.batch.held = held;
    }

    /// The first step of a turn. A panic costs that connection only.
    fn process(&mut self, connection: &mut Connection<V::Session>, kind: TurnKind) -> Processed {
        let turn = turn(self.pool, self.number, &self.clock, connection, kind);
        let buffers = &mut self.buffers;
        let processed = catch_unwind(AssertUnwindSafe(|| {
            connection
                .session
                .process(&connection.socket, buffers, &turn);
        }));
        if processed.is_ok() {
            return Processed::Whole;
        }
        self.recover();
        Processed::Panicked
    }

    /// The second step, for all connections of the round. If it may block, other workers can take those that wait for
    /// this one.
    fn commit(&self, waiting: &mut VecDeque<ConnectionOf<V>>) {
        match self.pool.service.pending(self.number) {
            PendingCommit::Nothing => return,
            PendingCommit::Quick => self.pool.service.commit(self.number),
            PendingCommit::MayBlock => {
                let section = self.pool.enter_blocking_section(self.number, waiting);
                self.pool.service.commit(self.number);
                drop(section);
            }
        }
        self.clock.clear();
    }

    /// The last step of a turn.
    fn flush(&mut self, connection: &mut Connection<V::Session>, kind: TurnKind) -> Next {
        let turn = turn(self.pool, self.number, &self.clock, connection, kind);
        let buffers = &mut self.buffers;
        let flushed = catch_unwind(AssertUnwindSafe(|| {
            connection.session.flush(&connection.socket, buffers, &turn)
        }));
        flushed.unwrap_or_else(|_| {
            self.recover();
            Next::Close
        })
    }

    fn recover(&mut self) {
        log::error!("a session panicked; its connection is closed");
        self.buffers = self.pool.service.buffers();
    }

    /// Carries out the request of a session for its connection.
    fn end_turn(&mut self, mut connection: ConnectionOf<V>, next: Next) {
        match next {
            Next::Wait(interest, deadline) => self.batch.park(connection, interest, deadline),
            Next::Yield if self.pool.is_aborting() => {
                self.pool.close_early(connection, CloseCause::Stopping);
            }
            Next::Yield => {
                connection.forget_expiry();
                connection.continues = true;
                self.batch.yield_turn(connection);
            }
            Next::Close => self.pool.close(connection),
        }
    }
}

/// The turn of a connection with this worker.
fn turn<'t, V: Service>(
    pool: &'t Pool<V>,
    worker: usize,
    clock: &'t StepClock,
    connection: &Connection<V::Session>,
    kind: TurnKind,
) -> Turn<'t> {
    let stopping = if pool.reactor.is_stopping() {
        Stopping::Yes
    } else {
        Stopping::No
    };
    let turn = match kind {
        TurnKind::Quick => Turn::new(connection.reason, stopping, worker, clock),
        TurnKind::Blocking => Turn::new_blocking(connection.reason, stopping, worker, clock),
    };
    let fd = connection.socket.as_fd().as_raw_fd();
    turn.with_waker(&pool.woken, fd)
}

/// Whether a turn may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnKind {
    Quick,
    Blocking,
}

/// The result of the first step of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Processed {
    Whole,
    Panicked,
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod woken;
