//! A queue whose jobs impose no memory order: the weakest possible bounded channel.

use std::collections::VecDeque;
use std::sync::Mutex;

use loom::sync::atomic::{AtomicUsize, Ordering};

use crate::server::accepted::Connection;

pub(crate) enum Job<S> {
    Serve(Box<Connection<S>>),
    Stop,
}

pub(crate) struct Queue<S> {
    bound: usize,
    /// A lock that loom does not see, and that is free whenever a thread takes a step.
    jobs: Mutex<VecDeque<Job<S>>>,
    /// The number of jobs, for the look without a memory order.
    length: AtomicUsize,
}

impl<S> Queue<S> {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            bound,
            jobs: Mutex::default(),
            length: AtomicUsize::new(0),
        }
    }

    pub(crate) fn push(&self, job: Job<S>, _before_blocking: impl FnOnce()) {
        assert!(
            self.try_push(job).is_ok(),
            "the models' queues are large enough"
        );
    }

    pub(crate) fn try_push(&self, job: Job<S>) -> Result<(), Job<S>> {
        let mut jobs = self.jobs.lock().unwrap();
        if jobs.len() == self.bound {
            return Err(job);
        }
        jobs.push_back(job);
        drop(jobs);
        self.length.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn try_pop(&self) -> Option<Job<S>> {
        let job = self.jobs.lock().unwrap().pop_front();
        if job.is_some() {
            self.length.fetch_sub(1, Ordering::Relaxed);
        } else {
            // Another thread may be between the two steps of a pop.
            loom::thread::yield_now();
        }
        job
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length.load(Ordering::Relaxed) == 0
    }
}
