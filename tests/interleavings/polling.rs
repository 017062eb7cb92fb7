//! Poll against wake: no job is in the queue while all workers sleep.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::explore::{Model, explore_and_weaken};
use crate::server::reactor::pollers::{Pollers, QueuedWork};
use crate::server::waker::Waker;

/// The state that a push into the queue and a poller share.
struct Shared {
    pollers: Pollers,
    waker: Waker,
    /// Jobs in a queue that orders nothing.
    jobs: AtomicUsize,
}

impl Shared {
    fn new(max_pollers: usize) -> Arc<Self> {
        Arc::new(Self {
            pollers: Pollers::new(max_pollers),
            waker: Waker::new().unwrap(),
            jobs: AtomicUsize::new(0),
        })
    }

    fn push(&self) {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        if self.pollers.must_be_woken() {
            self.waker.wake();
        }
    }

    /// Polls until there is a job.
    fn work(&self) {
        let has_work = || self.jobs.load(Ordering::Relaxed) > 0;
        while !has_work() {
            let polled = self.pollers.poll(has_work, |work| match work {
                QueuedWork::None => {
                    self.waker.wait();
                    self.waker.drain();
                }
                QueuedWork::Queued => {}
            });
            assert!(polled.is_ok());
        }
    }
}

fn one_push() {
    let shared = Shared::new(1);
    let worker = thread::spawn({
        let shared = shared.clone();
        move || shared.work()
    });
    shared.push();
    worker.join().unwrap();
}

fn two_pushes() {
    let shared = Shared::new(1);
    let worker = thread::spawn({
        let shared = shared.clone();
        move || {
            for _ in 0..2 {
                shared.work();
                shared.jobs.fetch_sub(1, Ordering::Relaxed);
            }
        }
    });
    let other = thread::spawn({
        let shared = shared.clone();
        move || shared.push()
    });
    shared.push();
    other.join().unwrap();
    worker.join().unwrap();
}

#[test]
fn push_is_never_slept_through() {
    let models = [
        Model::every("one push", one_push),
        Model::bounded(3, "two pushes", two_pushes),
    ];
    explore_and_weaken(&models, &[]);
}

fn three_would_poll() {
    let pollers = Arc::new(Pollers::new(2));
    let polling = Arc::new(AtomicUsize::new(0));
    let poll = {
        let (pollers, polling) = (pollers.clone(), polling.clone());
        move || {
            let _ = pollers.poll(
                || false,
                |_| {
                    assert!(polling.fetch_add(1, Ordering::Relaxed) < 2);
                    polling.fetch_sub(1, Ordering::Relaxed);
                },
            );
        }
    };
    let others = [thread::spawn(poll.clone()), thread::spawn(poll.clone())];
    poll();
    for other in others {
        other.join().unwrap();
    }
    assert!(!pollers.must_be_woken(), "each was uncounted");
}

#[test]
fn no_more_workers_poll_than_may() {
    Model::bounded(3, "three would poll", three_would_poll).explore();
}
