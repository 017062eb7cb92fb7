//! Capacity at its limit: the main thread never sleeps at the limit while a connection could be accepted.

use std::sync::Arc;

use loom::thread;

use crate::explore::{Model, explore_and_weaken};
use crate::server::waker::Waker;
use crate::server::workers::capacity::Capacity;

struct Shared {
    capacity: Capacity,
    main: Waker,
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            capacity: Capacity::new(),
            main: Waker::new().unwrap(),
        })
    }

    /// Waits at the limit of `most` connections, and accepts one.
    fn accept(&self, most: usize) {
        while !self.capacity.find(|| self.capacity.open() < most) {
            self.main.wait();
            self.main.drain();
        }
        self.capacity.add();
    }
}

/// One connection is open, and another waits.
fn one_closes() {
    let shared = Shared::new();
    shared.capacity.add();
    let worker = thread::spawn({
        let shared = shared.clone();
        move || shared.capacity.remove(|| shared.main.wake())
    });
    shared.accept(1);
    worker.join().unwrap();
    assert_eq!(shared.capacity.open(), 1);
}

/// Two connections are open, and two others wait.
fn two_close() {
    let shared = Shared::new();
    shared.capacity.add();
    shared.capacity.add();
    let workers = [(); 2].map(|()| {
        let shared = shared.clone();
        thread::spawn(move || shared.capacity.remove(|| shared.main.wake()))
    });
    shared.accept(2);
    shared.accept(2);
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(shared.capacity.open(), 2);
}

#[test]
fn connection_that_waits_at_the_limit_is_accepted_when_another_closes() {
    let models = [
        Model::every("one closes", one_closes),
        Model::bounded(3, "two close", two_close),
    ];
    explore_and_weaken(&models, &[]);
}
