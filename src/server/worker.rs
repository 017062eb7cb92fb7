//! A worker: pops connections and advances each until it would have to wait for its peer.
//!
//! Where its next connection comes from, in this order: its own batch (what it found ready in the waiting room),
//! the queue, the waiting room, where it also sleeps. A worker for which there is no seat there joins the reserve.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::event::epoll::EventFlags;

use super::pool::Pool;
use super::queue::Job;
use super::room::{Events, Parked, Patience};
use super::session::{Amid, Cause, Next, Service, Session, Stopping, Turn};
use super::transport::Socket;

/// A look into the waiting room is due after this many pops, however long the queue is.
const POPS_BETWEEN_LOOKS: u32 = 16;

/// An accepted socket and its session, on their way between the threads.
pub(super) struct Connection<S> {
    pub(super) socket: Socket,
    pub(super) session: S,
    /// Why it has its next turn.
    pub(super) cause: Cause,
    /// What the waiting room watches its socket for; empty before its first wait.
    pub(super) watched: EventFlags,
}

impl<S> Connection<S> {
    pub(super) fn new(socket: Socket, session: S) -> Self {
        Self {
            socket,
            session,
            cause: Cause::Ready,
            watched: EventFlags::empty(),
        }
    }

    /// Takes note of readiness for the next turn.
    pub(super) fn note(&mut self, readiness: EventFlags) {
        if readiness.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
            self.cause = Cause::HungUp;
        }
    }
}

/// What one worker thread has.
pub(super) struct Worker<'p, V: Service> {
    pool: &'p Pool<V>,
    /// Which of the workers it is, from 0.
    number: usize,
    desk: V::Desk,
    events: Events,
    /// Connections that are ready and wait for this worker.
    batch: VecDeque<Box<Connection<V::Session>>>,
    pops: u32,
}

impl<V: Service> Drop for Worker<'_, V> {
    /// What woke this worker may have been meant for two; and its seat is free, however it ends.
    fn drop(&mut self) {
        self.pool.room.ring();
        self.pool.reserve.call();
    }
}

impl<'p, V: Service> Worker<'p, V> {
    pub(super) fn new(pool: &'p Pool<V>, number: usize) -> Self {
        Self {
            pool,
            number,
            desk: pool.service.desk(),
            events: Events::new(),
            batch: VecDeque::new(),
            pops: 0,
        }
    }

    /// Works until the pool stops.
    pub(super) fn run(mut self) {
        while let Some(connection) = self.next() {
            self.serve(connection);
        }
    }

    fn next(&mut self) -> Option<Box<Connection<V::Session>>> {
        loop {
            if let Some(connection) = self.batch.pop_front() {
                return Some(connection);
            }
            if self.pops >= POPS_BETWEEN_LOOKS {
                self.attend(Patience::Look);
                if !self.batch.is_empty() {
                    continue;
                }
            }
            match self.pool.queue.try_pop() {
                Some(Job::Serve(connection)) => {
                    self.pops += 1;
                    if !self.pool.queue.is_empty() {
                        self.pool.room.ring(); // for the rest
                    }
                    return Some(connection);
                }
                Some(Job::Stop) => return None,
                None => {
                    if !self.attend(Patience::Wait) {
                        self.pool.reserve.wait();
                    }
                }
            }
        }
    }

    fn attend(&mut self, patience: Patience) -> bool {
        self.pops = 0;
        let queue = &self.pool.queue;
        self.pool.room.attend(
            patience,
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
                connection.cause = Cause::Ready;
                let idle = deadline.amid != Amid::Request;
                match self.pool.room.park(connection, interest, deadline) {
                    Parked::Waiting => {}
                    Parked::WaitingNotYetWatched => self.pool.wake_main(),
                    Parked::Ready(connection) => self.batch.push_back(connection),
                    // A request that came during its turn is answered yet; to close now would reset it.
                    Parked::Unwanted(connection)
                        if connection.socket.has_input() && !self.pool.is_aborting() =>
                    {
                        self.batch.push_back(connection);
                    }
                    Parked::Unwanted(connection) | Parked::Refused(connection) => {
                        self.pool.close(connection);
                    }
                }
                if idle {
                    self.pool.offer_room();
                }
                if self.pool.is_aborting() {
                    self.pool.wake_main();
                }
            }
            Ok(Next::Yield) if self.pool.is_aborting() => self.pool.close(connection),
            Ok(Next::Yield) => {
                // That its deadline passed is known to it by now.
                if connection.cause == Cause::Expired {
                    connection.cause = Cause::Ready;
                }
                self.yield_turn(connection);
            }
            Ok(Next::Close) => self.pool.close(connection),
            Err(_) => {
                log::error!("a session panicked; its connection is closed");
                self.desk = self.pool.service.desk();
                self.pool.close(connection);
            }
        }
    }

    fn advance(&mut self, connection: &mut Connection<V::Session>) -> Next {
        let stopping = if self.pool.room.is_stopping() {
            Stopping::Yes
        } else {
            Stopping::No
        };
        let (pool, number, batch) = (self.pool, self.number, &mut self.batch);
        // Until the end of this turn.
        let mut announced = None;
        let mut announce = || {
            announced.get_or_insert_with(|| pool.announce(number, batch));
        };
        let mut turn = Turn::new(connection.cause, stopping, &mut announce);
        connection
            .session
            .advance(&connection.socket, &mut self.desk, &mut turn)
    }

    /// To the back of the queue, and a look into the waiting room before the next pop.
    fn yield_turn(&mut self, connection: Box<Connection<V::Session>>) {
        self.pops = POPS_BETWEEN_LOOKS;
        if let Err(Job::Serve(connection)) = self.pool.queue.try_push(Job::Serve(connection)) {
            self.batch.push_back(connection);
        }
    }
}
