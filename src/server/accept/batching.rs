//! Accepting in batches while many clients connect.

use std::time::{Duration, Instant};

/// Whether connections come so fast that it pays to accept them in batches.
///
/// A connection that is accepted by itself costs two thread switches, to this thread and to a worker, and it comes
/// before its request does, so that the worker meets an empty socket. While batching is on, this thread sleeps before
/// each batch. The connections of one batch share the switches, and their requests have arrived.
#[derive(Debug, Default)]
pub(crate) struct AcceptBatching {
    is_on: bool,
    /// Since when is counted.
    window: Option<Instant>,
    /// Batches in this window, of one connection or many.
    batches: u64,
    /// Connections in this window.
    accepted: u64,
    /// Windows before batching may begin again.
    rest: u32,
}

/// How long connections gather for one batch, and so the longest that one waits for it.
pub(crate) const BATCH_INTERVAL: Duration = Duration::from_micros(200);

/// How long is counted before a decision: some dozens of batches.
const WINDOW: Duration = Duration::from_millis(5);

/// Batching begins when connections are no further apart than this over a window: two thirds of what the machine that
/// this was measured on can take one by one.
const APART: Duration = Duration::from_micros(75);

/// Fewer connections in a batch, over a window, end it: a few clients that wait for their responses before they connect
/// again must not be slowed down.
const FEW: u64 = 5;

/// Windows without batching after it has ended: a few clients lose a hundredth by trials.
const REST: u32 = 30;

impl AcceptBatching {
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Counts a batch of so many connections that was accepted by now.
    pub(crate) fn note(&mut self, accepted: u64, now: Instant) {
        self.batches += 1;
        self.accepted += accepted;
        let since = *self.window.get_or_insert(now);
        let elapsed = now.duration_since(since);
        if elapsed < WINDOW {
            return;
        }
        if self.is_on {
            self.is_on = self.accepted >= self.batches * FEW;
            self.rest = REST;
        } else if self.rest > 0 {
            self.rest -= 1;
        } else {
            let accepted = u32::try_from(self.accepted).unwrap_or(u32::MAX);
            let apart = elapsed.checked_div(accepted);
            self.is_on = apart.is_some_and(|apart| apart <= APART);
        }
        (self.window, self.batches, self.accepted) = (Some(now), 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same after a window with a batch every `pause`, each with so many connections.
    fn after(mut batching: AcceptBatching, pause: Duration, connections: u64) -> AcceptBatching {
        let mut now = Instant::now();
        batching.window = Some(now);
        let end = now + WINDOW;
        while now < end {
            now += pause;
            batching.note(connections, now);
        }
        batching
    }

    fn on() -> AcceptBatching {
        AcceptBatching {
            is_on: true,
            ..AcceptBatching::default()
        }
    }

    #[test]
    fn it_begins_when_connections_are_close_together() {
        for (pause, connections, begins) in [
            (APART, 1, true),
            (APART * 2, 1, false),
            (APART * 2, 2, true),
            (APART / 2, 0, false),
            (WINDOW * 100, 1, false),
            (WINDOW * 100, 64, false),
        ] {
            let batching = after(AcceptBatching::default(), pause, connections);
            assert_eq!(batching.is_on(), begins, "{connections} every {pause:?}");
        }
    }

    #[test]
    fn it_lasts_as_long_as_batches_are_large_enough() {
        for (pause, connections, lasts) in [
            (BATCH_INTERVAL, FEW, true),
            (BATCH_INTERVAL, FEW - 1, false),
            (BATCH_INTERVAL, 0, false),
            (WINDOW * 100, 1, false),
        ] {
            let batching = after(on(), pause, connections);
            assert_eq!(batching.is_on(), lasts, "{connections} every {pause:?}");
        }
    }

    #[test]
    fn one_small_batch_does_not_end_it() {
        let mut batching = on();
        let start = Instant::now();
        for number in 0..200 {
            let connections = if number % 5 == 0 { 1 } else { FEW * 2 };
            batching.note(connections, start + BATCH_INTERVAL * number);
            assert!(batching.is_on());
        }
    }
}
