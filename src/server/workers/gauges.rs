//! The current activity of each worker, for the status of the server.
//!
//! A worker writes its own gauge, in a cache line of its own, and no thread waits for it. No protocol depends on the
//! values here, so these atomics are those of the standard library in every build.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The activity of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doing {
    /// It waits for work: it polls, or is spare.
    Nothing,
    /// It gives connections their turns.
    Work,
    /// The same, in a blocking section.
    BlockingWork,
}

/// The gauge of one worker, by itself in a cache line or two.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WorkerGauge {
    doing: AtomicU8,
    /// The number of changes of the activity. Only the worker writes it.
    changes: AtomicU64,
    /// `/proc/thread-self/stat` of the worker's thread.
    stat: OnceLock<Arc<File>>,
}

/// A blocking section, as the gauge shows it, until this is dropped.
#[must_use = "the section ends when this is dropped"]
pub(crate) struct ShownSection<'g>(Option<&'g WorkerGauge>);

impl WorkerGauge {
    /// Sets the activity of the worker from now on.
    pub(crate) fn set(&self, doing: Doing) {
        self.doing.store(doing as u8, Ordering::Relaxed);
        let changes = self.changes.load(Ordering::Relaxed);
        self.changes
            .store(changes.wrapping_add(1), Ordering::Relaxed);
    }

    /// The number of changes of the activity.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// The activity of the worker.
    pub(crate) fn doing(&self) -> Doing {
        match self.doing.load(Ordering::Relaxed) {
            0 => Doing::Nothing,
            1 => Doing::Work,
            _ => Doing::BlockingWork,
        }
    }

    /// Sets the thread of the worker: the one with this `/proc/thread-self/stat`.
    pub(crate) fn bind_to_thread(&self, stat: Arc<File>) {
        drop(self.stat.set(stat));
    }

    /// The processor time of the worker's thread so far, if it is known.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let mut text = [0; 512];
        let length = self.stat.get()?.read_at(&mut text, 0).ok()?;
        let ticks = ticks(&text[..length])?;
        // No system has so many ticks that one takes no time.
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let tick = 1_000_000_000 / per_second;
        Some(Duration::from_nanos(tick.saturating_mul(ticks)))
    }
}

/// Begins a blocking section of the worker with this gauge.
pub(crate) fn show_section(gauge: Option<&WorkerGauge>) -> ShownSection<'_> {
    if let Some(gauge) = gauge {
        gauge.set(Doing::BlockingWork);
    }
    ShownSection(gauge)
}

impl Drop for ShownSection<'_> {
    fn drop(&mut self) {
        if let Some(gauge) = self.0 {
            gauge.set(Doing::Work);
        }
    }
}

/// `utime` and `stime` together, in clock ticks; see `proc_pid_stat(5)`.
fn ticks(stat: &[u8]) -> Option<u64> {
    // The name, in parentheses, may have spaces and parentheses itself. The third field follows it.
    let name_end = memchr::memrchr(b')', stat)?;
    let mut fields = str::from_utf8(&stat[name_end + 1..])
        .ok()?
        .split_ascii_whitespace();
    let user: u64 = fields.nth(14 - 3)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_the_sum_of_user_and_system_time() {
        let line = b"7 (a) b) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0 20 0";
        assert_eq!(ticks(line), Some(154));
        let years = b"7 (a) S 1 2 3 4 5 6 7 8 9 10 5000000000 5000000000 0";
        assert_eq!(ticks(years), Some(10_000_000_000));
        for broken in [
            &b""[..],
            b"7 (a",
            b"7 (a) S 1 2",
            b"7 (a) S 1 2 3 4 5 6 7 8 9 10 x 34",
        ] {
            assert_eq!(ticks(broken), None, "{}", broken.escape_ascii());
        }
    }

    #[test]
    fn processor_time_of_a_thread_grows() {
        let gauge = WorkerGauge::default();
        assert_eq!(gauge.processor_time(), None);
        gauge.bind_to_thread(Arc::new(File::open("/proc/thread-self/stat").unwrap()));
        let before = gauge.processor_time().unwrap();
        while gauge.processor_time() == Some(before) {}
        assert!(gauge.processor_time().unwrap() > before);
    }

    #[test]
    fn a_blocking_section_is_shown_until_it_ends() {
        let gauge = WorkerGauge::default();
        assert_eq!(gauge.doing(), Doing::Nothing);
        gauge.set(Doing::Work);
        let section = show_section(Some(&gauge));
        assert_eq!(gauge.doing(), Doing::BlockingWork);
        drop(section);
        assert_eq!(gauge.doing(), Doing::Work);
        assert_eq!(gauge.changes(), 3);
        drop(show_section(None));
    }
}
