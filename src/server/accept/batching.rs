//! Accepting in batches while many clients connect.

use std::time::{Duration, Instant};

/// Whether connections come so fast that it pays to accept them in batches.
///
/// A connection that is accepted alone costs two thread switches, to this thread and to a worker, and its request has
/// not arrived yet, so the worker finds an empty socket. While batching is on, this thread sleeps before each batch.
/// The connections of one batch share the switches, and their requests have arrived.
#[derive(Debug, Default)]
pub(crate) struct AcceptBatching {
    is_on: bool,
    /// The start of this window.
    window: Option<Instant>,
    /// Batches in this window, of one connection or many.
    batches: u64,
    /// The processor time that the main thread had used before this window.
    used: Duration,
    /// Connections in this window.
    accepted: u64,
    /// Windows before batching may begin again.
    rest: u32,
}

/// The time for which connections collect for one batch, and so the longest delay.
pub(crate) const BATCH_INTERVAL: Duration = Duration::from_micros(200);

/// The length of a window: dozens of batches.
const WINDOW: Duration = Duration::from_millis(5);

/// Batching begins when the main thread is busy for at least one in this many parts of a window. The share shows how close
/// the rate of connections is to the most that *this* machine can accept one by one.
const BUSY: u32 = 5;

/// Fewer connections in a batch, over a window, end it: a few clients that wait for their responses before they connect
/// again must not be slowed down.
const FEW: u64 = 5;

/// Windows without batching after it has ended, so that trials slow down a few clients by only one percent.
const REST: u32 = 30;

impl AcceptBatching {
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Counts a batch of `accepted` connections that is complete at `now`. `processor_time` returns the processor time of the
    /// main thread since its start.
    pub(crate) fn note(
        &mut self,
        accepted: u64,
        now: Instant,
        processor_time: impl Fn() -> Duration,
    ) {
        self.batches += 1;
        self.accepted += accepted;
        let since = *self.window.get_or_insert_with(|| {
            self.used = processor_time();
            now
        });
        let elapsed = now.duration_since(since);
        if elapsed < WINDOW {
            return;
        }
        let used = processor_time();
        let busy = used.saturating_sub(self.used);
        if self.is_on {
            self.is_on = self.accepted >= self.batches * FEW;
            self.rest = REST;
        } else if self.rest > 0 {
            self.rest -= 1;
        } else {
            self.is_on = self.accepted > 0 && busy * BUSY >= elapsed;
        }
        (self.window, self.used) = (Some(now), used);
        (self.batches, self.accepted) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state after a window with a batch of `connections` every `pause`, in which the main thread was busy for `percent`
    /// of the time.
    fn after(
        mut batching: AcceptBatching,
        pause: Duration,
        connections: u64,
        percent: u32,
    ) -> AcceptBatching {
        let start = Instant::now();
        let mut now = start;
        batching.window = Some(now);
        while now < start + WINDOW {
            now += pause;
            batching.note(connections, now, || (now - start) * percent / 100);
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
    fn batching_begins_when_accepting_keeps_the_main_thread_busy() {
        let pause = Duration::from_micros(75);
        for (pause, connections, percent, begins) in [
            (pause, 1, 100, true),
            (pause, 1, 100 / BUSY, true),
            (pause, 1, 100 / BUSY - 1, false),
            (pause, 64, 100 / BUSY - 1, false),
            (pause, 0, 100, false),
            (WINDOW * 100, 1, 100 / BUSY - 1, false),
        ] {
            let batching = after(AcceptBatching::default(), pause, connections, percent);
            let case = format!("{connections} every {pause:?}, {percent} %");
            assert_eq!(batching.is_on(), begins, "{case}");
        }
    }

    #[test]
    fn only_the_time_of_the_last_window_counts() {
        let start = Instant::now();
        let mut batching = AcceptBatching::default();
        let used = Duration::from_secs(1000);
        for (window, used) in [(0, used), (1, used), (2, used), (3, used + WINDOW)] {
            assert!(!batching.is_on());
            batching.note(1, start + WINDOW * window, || used);
        }
        assert!(batching.is_on());
    }

    #[test]
    fn batching_lasts_as_long_as_batches_are_large_enough() {
        for (pause, connections, lasts) in [
            (BATCH_INTERVAL, FEW, true),
            (BATCH_INTERVAL, FEW - 1, false),
            (BATCH_INTERVAL, 0, false),
            (WINDOW * 100, 1, false),
        ] {
            let batching = after(on(), pause, connections, 100);
            assert_eq!(batching.is_on(), lasts, "{connections} every {pause:?}");
        }
    }

    #[test]
    fn one_small_batch_does_not_end_it() {
        let mut batching = on();
        let start = Instant::now();
        for number in 0..200 {
            let connections = if number % 5 == 0 { 1 } else { FEW * 2 };
            batching.note(
                connections,
                start + BATCH_INTERVAL * number,
                Duration::default,
            );
            assert!(batching.is_on());
        }
    }
}
