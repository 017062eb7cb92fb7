//! Responses that are committed, and that their worker sends together with those of its next blocking turns.
//!
//! A client that waits for its response must be woken, which takes a third of the time of a small upload. A client that
//! got one response is still awake when the next one follows at once. So a worker holds the responses of short blocking
//! turns while more of these turns are due, for some tens of microseconds.
//!
//! The invariant: *a held response does not wait for a disk*. While its worker is blocked, the spare worker that goes
//! to work in its place takes all held responses; where no worker is spare, none is held during a blocking turn.

use std::time::{Duration, Instant};

use crate::server::accepted::Connection;
use crate::sync::{Mutex, lock};

/// The most responses that are sent together: half of a batch, so that clients have work while the worker makes the
/// others.
const MOST: usize = 8;

/// The time after which held responses are sent, from the beginning of the first one's turn: some turns of small
/// uploads. So a turn that lasts longer holds no response.
const LONGEST: Duration = Duration::from_micros(100);

/// The responses that each worker holds.
pub(crate) struct HeldResponses<S>(Box<[HeldByWorker<S>]>);

/// Guards connections whose last turn lacks its flush. It has cache lines of its own, since the next one belongs to
/// another worker.
#[repr(align(128))]
struct HeldByWorker<S>(Mutex<Vec<Box<Connection<S>>>>);

impl<S> HeldResponses<S> {
    /// A place for each of this many workers.
    pub(crate) fn new(workers: usize) -> Self {
        let places = (0..workers).map(|_| HeldByWorker(Mutex::new(Vec::new())));
        Self(places.collect())
    }

    /// Holds the response of a connection for this worker.
    pub(crate) fn hold(&self, worker: usize, connection: Box<Connection<S>>) {
        lock(&self.0[worker].0).push(connection);
    }

    /// Takes those that this worker holds, in their order.
    pub(crate) fn take(&self, worker: usize, taken: &mut Vec<Box<Connection<S>>>) {
        if let Some(held) = self.0.get(worker) {
            taken.append(&mut lock(&held.0));
        }
    }

    /// Takes those that any worker holds.
    pub(crate) fn take_all(&self, taken: &mut Vec<Box<Connection<S>>>) {
        for held in &self.0 {
            taken.append(&mut lock(&held.0));
        }
    }
}

/// The responses that one worker has begun to hold, and until when it holds them.
pub(super) struct Hold {
    count: usize,
    /// The beginning of the turn of the first of them.
    since: Option<Instant>,
    longest: Duration,
}

impl Hold {
    pub(super) fn new() -> Self {
        Self {
            count: 0,
            since: None,
            longest: LONGEST,
        }
    }

    /// The same for a test, in which time must not matter.
    #[cfg(test)]
    pub(super) fn of(longest: Duration) -> Self {
        Self {
            longest,
            ..Self::new()
        }
    }

    /// The beginning of the hold, before a turn whose response may be held.
    pub(super) fn begin(&self) -> Instant {
        self.since.unwrap_or_else(Instant::now)
    }

    /// Whether another response may be held, in a hold that began then.
    pub(super) fn has_room(&self, begun: Instant) -> bool {
        self.count + 1 < MOST && begun.elapsed() < self.longest
    }

    /// Counts a response that is held.
    pub(super) fn add(&mut self, begun: Instant) {
        self.count += 1;
        self.since = Some(begun);
    }

    /// Ends the hold; true if responses are held, unless another worker has taken them.
    pub(super) fn end(&mut self) -> bool {
        self.since = None;
        std::mem::take(&mut self.count) > 0
    }
}
