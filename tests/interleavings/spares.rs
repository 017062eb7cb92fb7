//! Spares against monitor: while a worker is blocked, a spare worker is not asleep.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::explore::{Model, Unshown, explore_and_weaken};
use crate::server::waker::Waker;
use crate::server::workers::spares::SpareWorkers;

/// Workers, and a disk that hangs until all spare workers are at work.
struct Shared {
    spares: SpareWorkers,
    disk: Waker,
}

impl Shared {
    fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            spares: SpareWorkers::new(workers),
            disk: Waker::new().unwrap(),
        })
    }

    /// A worker's blocking section that lasts until the disk continues.
    fn block(&self, worker: usize) {
        let section = self.spares.enter_blocking_section(worker);
        self.disk.wait();
        drop(section);
        self.disk.wake(); // also for other workers
    }
}

fn one_is_blocked() {
    let shared = Shared::new(2);
    let blocked = thread::spawn({
        let shared = shared.clone();
        move || shared.block(0)
    });
    shared.spares.wait();
    shared.disk.wake();
    blocked.join().unwrap();
}

/// The monitor that was called for the short one must not leave before it has seen the other.
fn one_is_blocked_after_a_short_section() {
    let shared = Shared::new(2);
    let blocked = thread::spawn({
        let shared = shared.clone();
        move || {
            drop(shared.spares.enter_blocking_section(0));
            shared.block(0);
        }
    });
    shared.spares.wait();
    shared.disk.wake();
    blocked.join().unwrap();
}

/// The spare worker that works in place of a blocked one is blocked, too.
fn two_are_blocked() {
    let shared = Shared::new(3);
    let spares_at_work = Arc::new(AtomicUsize::new(0));
    let work = |worker| {
        let (shared, spares_at_work) = (shared.clone(), spares_at_work.clone());
        move || {
            shared.spares.wait();
            if spares_at_work.fetch_add(1, Ordering::Relaxed) == 0 {
                shared.block(worker);
            } else {
                shared.disk.wake();
            }
        }
    };
    let spares = [thread::spawn(work(1)), thread::spawn(work(2))];
    shared.block(0);
    for spare in spares {
        spare.join().unwrap();
    }
}

/// A worker enters a section as another goes to sleep, which is called like the last workers of a server.
fn one_is_called_beside_a_section() {
    let shared = Shared::new(2);
    let other = thread::spawn({
        let shared = shared.clone();
        move || {
            drop(shared.spares.enter_blocking_section(0));
            shared.spares.call();
        }
    });
    shared.spares.wait();
    other.join().unwrap();
}

#[test]
fn spare_worker_works_in_place_of_a_blocked_one() {
    let models = [
        Model::every("one is blocked", one_is_blocked),
        Model::bounded(
            4,
            "one is blocked after a short section",
            one_is_blocked_after_a_short_section,
        ),
        Model::bounded(
            3,
            "one is called beside a section",
            one_is_called_beside_a_section,
        ),
        Model::bounded(2, "two are blocked", two_are_blocked),
    ];
    let unshown = [Unshown {
        access: "self.exists.load(Ordering::SeqCst) && !self.exists.swap(true, Ordering::SeqCst)",
        reason: "loom's fence before the look at `waiting` orders what follows that, too",
    }];
    explore_and_weaken(&models, &unshown);
}
