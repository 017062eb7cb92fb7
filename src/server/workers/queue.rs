//! The bounded queue between the main thread, which pushes, and the workers, which pop.
//!
//! The main thread blocks while it is full. A worker never blocks: it keeps a job that it cannot push. A worker that
//! finds it empty polls the reactor, and is woken there after a push.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::server::accepted::Connection;

/// An item of the queue.
pub(crate) enum Job<S> {
    /// A connection that gets a turn.
    Serve(Box<Connection<S>>),
    /// The server has stopped: the worker ends.
    Stop,
}

/// Both ends of the queue; cheap to clone.
pub(crate) struct Queue<S> {
    sender: Sender<Job<S>>,
    receiver: Receiver<Job<S>>,
}

impl<S> Clone for Queue<S> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            receiver: self.receiver.clone(),
        }
    }
}

impl<S> Queue<S> {
    /// A queue that holds up to `bound` jobs.
    pub(crate) fn new(bound: usize) -> Self {
        let (sender, receiver) = bounded(bound);
        Self { sender, receiver }
    }

    /// Pushes, and blocks while the queue is full, after `before_blocking`. Only the main thread calls it.
    pub(crate) fn push(&self, job: Job<S>, before_blocking: impl FnOnce()) {
        if let Err(job) = self.try_push(job) {
            before_blocking();
            // It cannot be disconnected: this value holds a receiver.
            let _ = self.sender.send(job);
        }
    }

    /// Pushes unless the queue is full. Workers call it.
    pub(crate) fn try_push(&self, job: Job<S>) -> Result<(), Job<S>> {
        self.sender.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
        })
    }

    /// Pops unless the queue is empty.
    pub(crate) fn try_pop(&self) -> Option<Job<S>> {
        self.receiver.try_recv().ok()
    }

    /// The number of jobs.
    pub(crate) fn len(&self) -> usize {
        self.receiver.len()
    }

    /// Whether the queue is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}
