//! The clock of one worker: a reading at the end of a step is the beginning of the next.
//!
//! A reading takes as long as parsing a short head, so a step that is measured costs one, not two. The worker clears the
//! clock whenever something that belongs to no session lies between two steps: its sleep, a commit.

use std::cell::Cell;
use std::time::Instant;

/// See the module's description.
#[derive(Debug, Default)]
pub struct StepClock(Cell<Option<Instant>>);

impl StepClock {
    /// When the last step ended; now, if it did not read the clock or the clock was cleared.
    #[must_use]
    pub fn last(&self) -> Instant {
        self.0.get().unwrap_or_else(|| self.read())
    }

    /// Reads the time.
    pub fn read(&self) -> Instant {
        let now = Instant::now();
        self.0.set(Some(now));
        now
    }

    /// The next step begins later than the last one ended.
    pub(crate) fn clear(&self) {
        self.0.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_begins_where_the_last_ended_until_the_clock_is_cleared() {
        let clock = StepClock::default();
        let begin = clock.last();
        assert_eq!(clock.last(), begin);
        while Instant::now() == begin {}
        let end = clock.read();
        assert!(end > begin);
        assert_eq!(clock.last(), end);
        while Instant::now() == end {}
        clock.clear();
        assert!(clock.last() > end);
    }
}
