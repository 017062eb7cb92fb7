//! The time limit of one portion of work. Other connections have their turns between two portions.
//!
//! A count alone does not limit the time of a portion, since the cost of one step depends on the kernel. Creating a
//! directory takes 3 µs in the root, and 100 µs below two thousand others in a sandbox that walks up to the root each time.
//! So work in portions does at least one step, and continues until the slice is over or the count is reached.
//!
//! The budget of a whole turn is in `connection`.

use std::time::{Duration, Instant};

/// Twice the budget of a turn: each portion of directories finds its place in the path again, and at a great depth that
/// takes as long.
const LENGTH: Duration = Duration::from_micros(100);

/// The time of one portion.
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

    /// Whether the portion must end. It is called after each step.
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
