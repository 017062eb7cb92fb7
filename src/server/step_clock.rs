//! The clock of one worker: the reading at the end of a step is also the beginning of the next.
//!
//! A reading takes as long as parsing a short head, so a measured step has one reading, not two. The worker clears the
//! clock when time between two steps belongs to no session: after its sleep and after a commit.

use std::cell::Cell;
use std::time::Instant;

/// See the module's description.
#[derive(Debug, Default)]
pub struct StepClock(Cell<Option<Instant>>);

impl StepClock {
    /// The end of the last step; the current time if that step did not read the clock, or if the clock was cleared.
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

    /// Forgets the reading: the next step begins later than the last one ended.
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
