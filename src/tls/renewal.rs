//! The renewal of a self-signed certificate. It is checked at each reload, and twice a day while there are handshakes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::self_signed::prepare_self_signed;

/// The time between two checks.
const INTERVAL: Duration = Duration::from_secs(12 * 60 * 60);

/// The location of the certificate, its names, and the time of the last check.
pub(super) struct Renewal {
    directory: PathBuf,
    names: Vec<String>,
    start: Instant,
    /// Seconds after `start` at which the next check is due.
    next: AtomicU64,
}

impl Renewal {
    pub(super) fn new(directory: &Path, names: Vec<String>) -> Self {
        Self {
            directory: directory.to_path_buf(),
            names,
            start: Instant::now(),
            next: AtomicU64::new(INTERVAL.as_secs()),
        }
    }

    /// Whether another check is due; true for only one caller.
    pub(super) fn is_due(&self) -> bool {
        self.is_due_after(self.start.elapsed())
    }

    fn is_due_after(&self, elapsed: Duration) -> bool {
        let (now, next) = (elapsed.as_secs(), self.next.load(Ordering::Relaxed));
        let later = now + INTERVAL.as_secs();
        now >= next
            && (self.next)
                .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Generates another certificate if this one expires soon.
    pub(super) fn renew(&self) {
        if let Err(error) = prepare_self_signed(&self.directory, &self.names) {
            log::error!("the certificate is not renewed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_is_looked_at_twice_a_day() {
        let renewal = Renewal::new(Path::new("none"), Vec::new());
        let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
        for (after, is_due) in [
            (0, false),
            (11, false),
            (12, true),
            (12, false),
            (23, false),
            (24, true),
            (100, true),
            (111, false),
        ] {
            assert_eq!(renewal.is_due_after(hours(after)), is_due, "{after}");
        }
    }
}
