//! How long a piece of work may take that is divided into portions, between which others have their turns.
//!
//! A portion cannot be bounded by a count alone: what one step of it costs depends on the kernel. To make a directory takes
//! three microseconds in the root, and a hundred below two thousand others in a sandbox that walks up to the root each
//! time. So whoever works in portions does one step, and goes on until the slice is over or the count is reached.
//!
//! It knows no turns: what a whole turn may take is the budget of `connection`.

use std::time::{Duration, Instant};

/// A few times what it costs to give another connection its turn, and a fraction of what a turn may take.
const LENGTH: Duration = Duration::from_micros(300);

/// The time of one portion, which begins when this is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeSlice {
    ends: Instant,
}

impl TimeSlice {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        Self {
            ends: Instant::now() + LENGTH,
        }
    }

    /// Whether the next step is for another portion. To be asked after each step.
    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slice_is_over_after_its_length() {
        let before = Instant::now();
        let slice = TimeSlice::begin();
        while !slice.is_over() {
            std::hint::spin_loop();
        }
        assert!(before.elapsed() >= LENGTH);
    }
}
