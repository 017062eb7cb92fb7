//! What the main thread and the workers share.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::event::{EventfdFlags, eventfd};

use super::queue::{Job, Queue};
use super::spares::{BlockingSection, SpareWorkers};
use crate::server::connection::Connection;
use crate::server::protocol::Service;
use crate::server::reactor::Reactor;

/// The queue, the waiting room, and the counts that tie them to the accepting side.
pub(crate) struct Pool<V: Service> {
    pub(crate) service: V,
    pub(crate) queue: Queue<V::Session>,
    pub(crate) reactor: Reactor<V::Session>,
    pub(crate) spares: SpareWorkers,
    /// Accepted connections that are not closed yet.
    connections: AtomicUsize,
    /// Whether the main thread wants to hear of the next connection that is closed or becomes idle.
    wants_capacity: AtomicBool,
    aborting: AtomicBool,
    /// Wakes the main thread.
    main_waker: OwnedFd,
}

impl<V: Service> Pool<V> {
    pub(crate) fn new(
        service: V,
        queue: Queue<V::Session>,
        reactor: Reactor<V::Session>,
        workers: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            service,
            queue,
            reactor,
            spares: SpareWorkers::new(workers),
            connections: AtomicUsize::new(0),
            wants_capacity: AtomicBool::new(false),
            aborting: AtomicBool::new(false),
            main_waker: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Pushes into the queue for the main thread, which blocks while it is full. [`Reactor::wake_poller`] is to follow.
    pub(crate) fn push(&self, job: Job<V::Session>) {
        self.queue.push(job, || self.reactor.wake_poller());
    }

    /// Announces work of a worker's that may be long. What it holds for later goes to the queue, where its colleagues
    /// find it.
    pub(crate) fn enter_blocking_section(
        &self,
        worker: usize,
        batch: &mut VecDeque<Box<Connection<V::Session>>>,
    ) -> BlockingSection<'_> {
        while let Some(connection) = batch.pop_front() {
            if let Err(Job::Serve(connection)) = self.queue.try_push(Job::Serve(connection)) {
                batch.push_front(connection);
                break;
            }
        }
        // Also for what was rung for before: this worker may have heard it in a colleague's place.
        if !self.queue.is_empty() {
            self.reactor.wake_poller();
        }
        self.spares.enter_blocking_section(worker)
    }

    /// Ends `count` workers.
    pub(crate) fn stop(&self, count: usize) {
        for _ in 0..count {
            self.push(Job::Stop);
            self.spares.call();
        }
        self.reactor.wake_poller();
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Counts a connection that was accepted.
    pub(crate) fn opened(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }

    /// Closes a connection that is not parked.
    pub(crate) fn close(&self, connection: Box<Connection<V::Session>>) {
        self.reactor.close(connection);
        self.connections.fetch_sub(1, Ordering::SeqCst);
        self.offer_capacity();
    }

    /// Tells the main thread, if it wants to hear of that, that a connection was closed or is parked and idle.
    pub(crate) fn offer_capacity(&self) {
        if self.wants_capacity.load(Ordering::SeqCst)
            && self.wants_capacity.swap(false, Ordering::SeqCst)
        {
            self.wake_main();
        }
    }

    /// Asks that the main thread be woken when the next connection is closed or becomes idle.
    pub(crate) fn want_capacity(&self) {
        self.wants_capacity.store(true, Ordering::SeqCst);
    }

    /// From now on no connection waits for its peer any more.
    pub(crate) fn abort(&self) {
        self.aborting.store(true, Ordering::SeqCst);
    }

    /// Whether [`Pool::abort`] was called.
    pub(crate) fn is_aborting(&self) -> bool {
        self.aborting.load(Ordering::Relaxed)
    }

    /// Makes the main thread look at its deadlines and counts again.
    pub(crate) fn wake_main(&self) {
        // It fails only when the counter is at its end, and then the alarm is on.
        let _ = rustix::io::write(&self.main_waker, &1_u64.to_ne_bytes());
    }

    /// What becomes readable when the main thread is woken.
    pub(crate) fn main_waker(&self) -> &OwnedFd {
        &self.main_waker
    }

    /// Resets the alarm.
    pub(crate) fn drain_main_waker(&self) {
        let mut count = [0_u8; 8];
        // It fails when the alarm was not on.
        let _ = rustix::io::read(&self.main_waker, &mut count);
    }
}
