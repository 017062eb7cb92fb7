//! The state that the main thread and the workers share.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::capacity::Capacity;
use super::gauges::{ShownSection, WorkerGauge, show_section};
use super::held::HeldResponses;
use super::queue::{Job, Queue};
use super::spares::SpareWorkers;
use super::worker_activity::BlockingSection;
use crate::server::accepted::Connection;
use crate::server::protocol::{CloseCause, Service, Session};
use crate::server::reactor::Reactor;
use crate::server::session_waker::WokenSessions;
use crate::server::waker::Waker;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The queue, the reactor, and their links to the main thread.
pub(crate) struct Pool<V: Service> {
    pub(crate) service: V,
    pub(crate) queue: Queue<V::Session>,
    pub(crate) reactor: Reactor<V::Session>,
    /// `None` where every worker may poll, so that no worker sleeps elsewhere.
    pub(crate) spares: Option<SpareWorkers>,
    pub(crate) held: HeldResponses<V::Session>,
    pub(crate) capacity: Capacity,
    /// The activity of each worker; empty in a pool without a view.
    pub(crate) gauges: Box<[WorkerGauge]>,
    /// Whether connections are closed as soon as their turn ends.
    aborting: AtomicBool,
    /// Makes the main thread check its deadlines and counts again.
    pub(crate) main_waker: Arc<Waker>,
    /// Sessions that another thread has woken.
    pub(crate) woken: Arc<WokenSessions>,
}

impl<V: Service> Pool<V> {
    pub(crate) fn new(
        service: V,
        queue: Queue<V::Session>,
        reactor: Reactor<V::Session>,
        spares: Option<SpareWorkers>,
    ) -> io::Result<Self> {
        let main_waker = Arc::new(Waker::new()?);
        let workers = spares.as_ref().map_or(0, SpareWorkers::workers);
        Ok(Self {
            service,
            queue,
            reactor,
            spares,
            held: HeldResponses::new(workers),
            capacity: Capacity::new(),
            gauges: Box::default(),
            aborting: AtomicBool::new(false),
            woken: Arc::new(WokenSessions::new(&main_waker)),
            main_waker,
        })
    }

    /// The same, and shows the activity of each of this many workers.
    pub(crate) fn with_gauges(mut self, workers: usize) -> Self {
        self.gauges = (0..workers).map(|_| WorkerGauge::default()).collect();
        self
    }

    /// Pushes into the queue for the main thread, which blocks while it is full. [`Reactor::wake_poller`] must follow.
    pub(crate) fn push(&self, job: Job<V::Session>) {
        self.queue.push(job, || self.reactor.wake_poller());
    }

    /// Pushes the connections whose sessions other threads have woken. Only the main thread calls it.
    pub(crate) fn push_woken(&self) {
        for fd in self.woken.take() {
            if let Some(connection) = self.reactor.take_woken(fd) {
                self.push(Job::Serve(connection));
            }
        }
    }

    /// Enters a blocking section of a worker. The rest of its batch goes to the queue, where other workers find it.
    pub(crate) fn enter_blocking_section(
        &self,
        worker: usize,
        batch: &mut VecDeque<Box<Connection<V::Session>>>,
    ) -> (ShownSection<'_>, Option<BlockingSection<'_>>) {
        while let Some(connection) = batch.pop_front() {
            if let Err(Job::Serve(connection)) = self.queue.try_push(Job::Serve(connection)) {
                batch.push_front(connection);
                break;
            }
        }
        // Also for earlier jobs: their wake-up may have reached this worker.
        if !self.queue.is_empty() {
            self.reactor.wake_poller();
        }
        let shown = show_section(self.gauges.get(worker));
        let spares = self.spares.as_ref();
        (
            shown,
            spares.map(|spares| spares.enter_blocking_section(worker)),
        )
    }

    /// Whether a spare worker can go to work in the place of one that is blocked.
    pub(crate) fn has_spare(&self) -> bool {
        self.spares.as_ref().is_some_and(SpareWorkers::are_waiting)
    }

    /// Ends `count` workers.
    pub(crate) fn stop(&self, count: usize) {
        for _ in 0..count {
            self.push(Job::Stop);
            self.call_spare();
        }
        self.reactor.wake_poller();
    }

    /// Calls a spare worker, if there is one.
    pub(crate) fn call_spare(&self) {
        if let Some(spares) = &self.spares {
            spares.call();
        }
    }

    /// Closes a connection that is not parked.
    pub(crate) fn close(&self, connection: Box<Connection<V::Session>>) {
        self.reactor.close(connection);
        self.capacity.remove(|| self.main_waker.wake());
    }

    /// Closes a connection that is not parked, although its session did not request this.
    pub(crate) fn close_early(
        &self,
        mut connection: Box<Connection<V::Session>>,
        cause: CloseCause,
    ) {
        connection.session.note_close(cause);
        self.close(connection);
    }

    /// Wakes the main thread, if it has requested this, since a connection was closed or is parked and idle.
    pub(crate) fn offer_capacity(&self) {
        self.capacity.offer(|| self.main_waker.wake());
    }

    /// From now on no connection waits for its peer.
    pub(crate) fn abort(&self) {
        self.aborting.store(true, Ordering::SeqCst);
    }

    /// Whether [`Pool::abort`] was called.
    pub(crate) fn is_aborting(&self) -> bool {
        self.aborting.load(Ordering::Relaxed)
    }
}
