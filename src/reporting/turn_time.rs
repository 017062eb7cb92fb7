//! The time of a turn of a connection.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// The time of a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TurnTime {
    /// The elapsed time, which is longer on a busy machine.
    pub wall: Duration,
    /// The processor time of its thread, user and system (`CLOCK_THREAD_CPUTIME_ID`).
    pub processor: Duration,
}

impl TurnTime {
    /// The longer of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            wall: self.wall.max(other.wall),
            processor: self.processor.max(other.processor),
        }
    }
}

impl AddAssign for TurnTime {
    fn add_assign(&mut self, more: Self) {
        self.wall += more.wall;
        self.processor += more.processor;
    }
}

impl fmt::Display for TurnTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wall, processor) = (self.wall.as_micros(), self.processor.as_micros());
        write!(formatter, "{wall} us, {processor} us of processor time")
    }
}
