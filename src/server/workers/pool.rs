//! What the main thread and the workers share.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

use super::activity::BlockingSection;
use super::capacity::Capacity;
use super::queue::{Job, Queue};
use super::spares::SpareWorkers;
use crate::server::connection::Connection;
use crate::server::protocol::{CloseCause, Service, Session};
use crate::server::reactor::Reactor;

/// The queue, the reactor, and what ties them to the main thread.
pub(crate) struct Pool<V: Service> {
    pub(crate) service: V,
    pub(crate) queue: Queue<V::Session>,
    pub(crate) reactor: Reactor<V::Session>,
    /// `None` where every worker may poll, so that none ever has to sleep elsewhere.
    pub(crate) spares: Option<SpareWorkers>,
    pub(crate) capacity: Capacity,
    /// Whether connections are closed as soon as their turn ends.
    aborting: AtomicBool,
    /// An eventfd that wakes the main thread.
    main_waker: OwnedFd,
}

impl<V: Service> Pool<V> {
    pub(crate) fn new(
        service: V,
        queue: Queue<V::Session>,
        reactor: Reactor<V::Session>,
        spares: Option<SpareWorkers>,
    ) -> io::Result<Self> {
        Ok(Self {
            service,
            queue,
            reactor,
            spares,
            capacity: Capacity::default(),
            aborting: AtomicBool::new(false),
            main_waker: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    /// Pushes into the queue for the main thread, which blocks while it is full. [`Reactor::wake_poller`] is to follow.
    pub(crate) fn push(&self, job: Job<V::Session>) {
        self.queue.push(job, || self.reactor.wake_poller());
    }

    /// Enters a blocking section of a worker. The rest of its batch goes to the queue, where other workers find it.
    pub(crate) fn enter_blocking_section(
        &self,
        worker: usize,
        batch: &mut VecDeque<Box<Connection<V::Session>>>,
    ) -> Option<BlockingSection<'_>> {
        while let Some(connection) = batch.pop_front() {
            if let Err(Job::Serve(connection)) = self.queue.try_push(Job::Serve(connection)) {
                batch.push_front(connection);
                break;
            }
        }
        // Also for what was pushed before: the wake-up for that may have reached this worker.
        if !self.queue.is_empty() {
            self.reactor.wake_poller();
        }
        let spares = self.spares.as_ref()?;
        Some(spares.enter_blocking_section(worker))
    }

    /// Ends `count` workers.
    pub(crate) fn stop(&self, count: usize) {
        for _ in 0..count {
            self.push(Job::Stop);
            self.call_spare();
        }
        self.reactor.wake_poller();
    }

    /// Calls a spare worker to work, if there is one.
    pub(crate) fn call_spare(&self) {
        if let Some(spares) = &self.spares {
            spares.call();
        }
    }

    /// Closes a connection that is not parked.
    pub(crate) fn close(&self, connection: Box<Connection<V::Session>>) {
        self.reactor.close(connection);
        self.capacity.remove();
        self.offer_capacity();
    }

    /// Closes a connection that is not parked, although its session did not ask for that.
    pub(crate) fn close_early(
        &self,
        mut connection: Box<Connection<V::Session>>,
        cause: CloseCause,
    ) {
        connection.session.note_close(cause);
        self.close(connection);
    }

    /// Tells the main thread, if it asked for that, that a connection was closed or is parked and idle.
    pub(crate) fn offer_capacity(&self) {
        if self.capacity.take_request() {
            self.wake_main();
        }
    }

    /// From now on no connection waits for its peer.
    pub(crate) fn abort(&self) {
        self.aborting.store(true, Ordering::SeqCst);
    }

    /// Whether [`Pool::abort`] was called.
    pub(crate) fn is_aborting(&self) -> bool {
        self.aborting.load(Ordering::Relaxed)
    }

    /// Makes the main thread look at its deadlines and counts again.
    pub(crate) fn wake_main(&self) {
        // It fails only when the counter is at its end, and then the main thread is being woken.
        let _ = rustix::io::write(&self.main_waker, &1_u64.to_ne_bytes());
    }

    /// What becomes readable when the main thread is woken.
    pub(crate) fn main_waker(&self) -> &OwnedFd {
        &self.main_waker
    }

    /// Takes note that the main thread is awake.
    pub(crate) fn drain_main_waker(&self) {
        let mut count = [0_u8; 8];
        // It fails when nobody has woken it.
        let _ = rustix::io::read(&self.main_waker, &mut count);
    }
}
