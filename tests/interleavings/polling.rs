//! Poll against wake: no job is in the queue while all workers sleep.

use std::collections::VecDeque;
use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::explore::{Model, explore_and_weaken};
use crate::server::epoll::{self, Events};
use crate::server::reactor::busy_polling::BusyPolling;
use crate::server::reactor::pollers::{Pollers, QueuedWork};
use crate::server::reactor::{PollMode, Polled, Reactor};
use crate::server::waker::Waker;

/// The state that a push into the queue and a poller share.
struct Shared {
    pollers: Pollers,
    waker: Waker,
    /// Jobs in a queue that imposes no memory order.
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
fn no_poller_sleeps_through_a_push() {
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
fn number_of_pollers_stays_within_its_limit() {
    Model::bounded(3, "three would poll", three_would_poll).explore();
}

/// A reactor without connections, and jobs in a queue that imposes no memory order.
struct Looking {
    reactor: Reactor<()>,
    jobs: AtomicUsize,
}

impl Looking {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            reactor: Reactor::new(epoll::SOCKETS, 2).unwrap(),
            jobs: AtomicUsize::new(0),
        })
    }

    fn push(&self) {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        self.reactor.wake_poller();
    }

    /// Polls until there is a job, and takes it. It looks twice before it first sleeps.
    fn work(&self) {
        let mut busy_polling = BusyPolling::On(2);
        let mut batch = VecDeque::new();
        let take = |jobs: usize| jobs.checked_sub(1);
        while self
            .jobs
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_err()
        {
            let polled = self.reactor.poll_ready(
                PollMode::Wait,
                || self.jobs.load(Ordering::Relaxed) > 0,
                &mut busy_polling,
                &mut Events::new(),
                &mut batch,
            );
            assert_eq!(polled, Polled::Yes);
            assert!(batch.is_empty());
        }
        // As `Batch` does when it has popped: one event may stand for two pushes.
        if self.jobs.load(Ordering::Relaxed) > 0 {
            self.reactor.wake_poller();
        }
    }
}

fn push_beside_a_look() {
    let looking = Looking::new();
    let worker = thread::spawn({
        let looking = looking.clone();
        move || looking.work()
    });
    looking.push();
    worker.join().unwrap();
}

/// A poller stops its looks when another one polls.
fn pushes_beside_two_that_look() {
    let looking = Looking::new();
    let other = thread::spawn({
        let looking = looking.clone();
        move || looking.work()
    });
    let pushing = thread::spawn({
        let looking = looking.clone();
        move || {
            looking.push();
            looking.push();
        }
    });
    looking.work();
    pushing.join().unwrap();
    other.join().unwrap();
}

#[test]
fn push_is_never_missed_by_a_look() {
    Model::bounded(4, "push beside a look", push_beside_a_look).explore();
    Model::bounded(2, "two that look", pushes_beside_two_that_look).explore();
}
