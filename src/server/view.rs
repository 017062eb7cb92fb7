//! The state of a running server: the number of its connections, and the activity of its threads.
//!
//! Everything is counted where it happens, and read on request. The figures of one look need not be of the same
//! instant.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::protocol::{Activity, Interest, Service};
use super::waker::Waker;
use super::workers::gauges::{Doing, WorkerGauge};
use super::workers::pool::Pool;

/// The view of a running server.
pub trait View: Sync {
    /// The figures of this moment. It looks at each connection.
    fn figures(&self) -> Figures;

    /// The progress of the workers with their work. It looks at each worker.
    fn workload(&self) -> Workload;

    /// Whether the server finishes the requests in progress, and accepts no more connections.
    fn is_draining(&self) -> bool;

    /// A descriptor that becomes readable when the last connection is closed and the workers end.
    fn end(&self) -> BorrowedFd<'_>;
}

/// The activity of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections that are open.
    pub connections: Connections,
    /// The most connections that may be open.
    pub max_connections: u64,
    /// Jobs in the queue.
    pub queued: u64,
    /// Jobs the queue holds before the main thread blocks.
    pub queue_capacity: u64,
    /// Workers that give connections their turns, in blocking sections or not.
    pub busy: u64,
    /// Workers in a blocking section.
    pub blocked: u64,
    /// The processor time of each worker, as exact as a clock tick of the system; `None` where /proc does not say.
    pub processor_times: Vec<Option<Duration>>,
}

/// The pending work, and the progress of the workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// Jobs in the queue.
    pub queued: usize,
    /// Each worker.
    pub workers: Vec<WorkerProgress>,
}

/// The progress of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerProgress {
    /// Whether it gives turns, or waits for work.
    pub occupation: WorkerOccupation,
    /// A number that changes with progress: when it begins or ends a batch of turns, or a wait for a disk.
    pub changes: u64,
}

/// Whether a worker has work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerOccupation {
    /// It waits for work.
    Idle,
    /// It gives connections their turns.
    Busy,
}

/// Open connections by what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    /// They wait for a request.
    pub idle: u64,
    /// They wait for the rest of a request.
    pub receiving: u64,
    /// They wait until their client takes more of a response.
    pub sending: u64,
    /// They are with a worker, or in the queue.
    pub active: u64,
}

impl Connections {
    /// The number of open connections.
    #[must_use]
    pub fn open(self) -> u64 {
        self.idle + self.receiving + self.sending + self.active
    }

    /// Counts a parked connection.
    fn add(&mut self, interest: Interest, activity: Activity) {
        match (activity, interest) {
            (Activity::Idle { .. }, _) => self.idle += 1,
            // This server works for it elsewhere: it is active, like a connection that is not parked.
            (_, Interest::Waker) => {}
            (Activity::NoResponseDue | Activity::Request, Interest::Read) => self.receiving += 1,
            (Activity::NoResponseDue | Activity::Request, Interest::Write) => self.sending += 1,
        }
    }
}

/// A pool, and the limits that the accept loop applies to it.
pub(super) struct PoolView<'p, V: Service> {
    pub(super) pool: &'p Pool<V>,
    pub(super) max_connections: usize,
    pub(super) queue_capacity: usize,
    /// Woken when the workers end.
    pub(super) end: &'p Waker,
}

impl<V: Service> View for PoolView<'_, V> {
    fn figures(&self) -> Figures {
        let mut connections = Connections::default();
        for (interest, activity) in self.pool.reactor.parked() {
            connections.add(interest, activity);
        }
        let open = number(self.pool.capacity.open());
        connections.active = open.saturating_sub(connections.open());
        let doing = |gauge: &Doing| match gauge {
            Doing::Nothing => (0, 0),
            Doing::Work => (1, 0),
            Doing::BlockingWork => (1, 1),
        };
        let gauges = &self.pool.gauges;
        let (busy, blocked) = gauges
            .iter()
            .map(|gauge| doing(&gauge.doing()))
            .fold((0, 0), |(busy, blocked), (one, two)| {
                (busy + one, blocked + two)
            });
        Figures {
            accepted: self.pool.capacity.accepted(),
            connections,
            max_connections: number(self.max_connections),
            queued: number(self.pool.queue.len()),
            queue_capacity: number(self.queue_capacity),
            busy,
            blocked,
            processor_times: gauges.iter().map(WorkerGauge::processor_time).collect(),
        }
    }

    fn workload(&self) -> Workload {
        let progress = |gauge: &WorkerGauge| WorkerProgress {
            occupation: match gauge.doing() {
                Doing::Nothing => WorkerOccupation::Idle,
                Doing::Work | Doing::BlockingWork => WorkerOccupation::Busy,
            },
            changes: gauge.changes(),
        };
        Workload {
            queued: self.pool.queue.len(),
            workers: self.pool.gauges.iter().map(progress).collect(),
        }
    }

    fn is_draining(&self) -> bool {
        self.pool.reactor.is_stopping()
    }

    fn end(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

fn number(count: usize) -> u64 {
    count as u64
}
