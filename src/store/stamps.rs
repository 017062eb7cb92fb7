//! Modification times of uploads, for conditional requests: each is later than those of all uploads before.
//!
//! The kernel's clock ticks every 1 to 10 ms, and file systems give the inode number of a removed file to the next. So
//! a file that is replaced twice within a tick could have the same metadata again, and a precompressed sibling could be
//! as old as a file that was stored after it.

use std::sync::atomic::{AtomicI64, Ordering};

use rustix::fs::{Timespec, Timestamps, UTIME_OMIT};
use rustix::time::{ClockId, clock_gettime};

/// The least difference of two modification times in nanoseconds; some file systems store no finer times.
const STEP: i64 = 1_000;

const SECOND: i64 = 1_000_000_000;

/// The last time, in nanoseconds since the epoch.
#[derive(Default)]
pub(super) struct Stamps(AtomicI64);

impl Stamps {
    /// The time of a file that is committed now, later than `last` of another process; and its number for the next
    /// process.
    pub(super) fn next_after(&self, last: i64) -> (Timestamps, i64) {
        self.0.fetch_max(last, Ordering::Relaxed);
        let times = self.next();
        let Timespec { tv_sec, tv_nsec } = times.last_modification;
        let number = tv_sec.saturating_mul(SECOND).saturating_add(tv_nsec);
        (times, number)
    }

    /// The time of a file that is committed now; the access time stays unchanged.
    pub(super) fn next(&self) -> Timestamps {
        let modified = self.after(clock_gettime(ClockId::RealtimeCoarse));
        Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: modified.div_euclid(SECOND),
                tv_nsec: modified.rem_euclid(SECOND),
            },
        }
    }

    /// `now`, or a little later than the last time. After the clock is set back, times start again from there.
    fn after(&self, now: Timespec) -> i64 {
        let now = now
            .tv_sec
            .saturating_mul(SECOND)
            .saturating_add(now.tv_nsec);
        let later = |last: i64| {
            let is_ahead = last >= now && last - now < SECOND;
            if is_ahead { last + STEP } else { now }
        };
        let last = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(later(last))
            });
        last.map_or(now, later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_later_than_the_last() {
        let stamps = Stamps::default();
        for (now, expected) in [
            ((5, 0), 5_000_000_000),
            ((5, 0), 5_000_001_000),
            ((5, 0), 5_000_002_000),
            ((5, 1_000), 5_000_003_000),
            ((5, 4_000_000), 5_004_000_000),
            // The clock was set back.
            ((3, 7), 3_000_000_007),
            ((3, 7), 3_000_001_007),
            ((-2, 500_000_000), -1_500_000_000),
        ] {
            let now = Timespec {
                tv_sec: now.0,
                tv_nsec: now.1,
            };
            assert_eq!(stamps.after(now), expected, "{now:?}");
        }
    }

    #[test]
    fn time_is_later_than_that_of_another_process() {
        let (one, other) = (Stamps::default(), Stamps::default());
        let mut last = 0;
        for stamps in [&one, &other, &one, &one, &other] {
            let (times, number) = stamps.next_after(last);
            assert!(number > last);
            let Timespec { tv_sec, tv_nsec } = times.last_modification;
            assert_eq!(tv_sec * SECOND + tv_nsec, number);
            last = number;
        }
    }
}
