//! An eventfd: a wake-up while no thread sleeps ends the next sleep.

use std::io;

use loom::sync::{Condvar, Mutex};

pub(crate) struct Waker {
    is_woken: Mutex<bool>,
    woken: Condvar,
}

impl Waker {
    #[expect(clippy::unnecessary_wraps, reason = "as the real one")]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            is_woken: Mutex::new(false),
            woken: Condvar::new(),
        })
    }

    pub(crate) fn wake(&self) {
        *self.is_woken.lock().unwrap() = true;
        self.woken.notify_one();
    }

    pub(crate) fn drain(&self) {
        *self.is_woken.lock().unwrap() = false;
    }

    /// Sleeps until it is woken, as poll(2) does.
    pub(crate) fn wait(&self) {
        let mut is_woken = self.is_woken.lock().unwrap();
        while !*is_woken {
            is_woken = self.woken.wait(is_woken).unwrap();
        }
    }
}
