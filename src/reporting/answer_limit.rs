//! The number of responses after which the server stops.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts responses up to the limit.
pub struct AnswerLimit {
    /// The remaining responses.
    left: AtomicU64,
    stop: Box<dyn Fn() + Send + Sync>,
}

impl AnswerLimit {
    /// Calls `stop` once, after this many responses.
    #[must_use]
    pub fn new(answers: NonZeroU64, stop: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            left: AtomicU64::new(answers.get()),
            stop: Box::new(stop),
        }
    }

    /// A request was answered.
    pub(super) fn count(&self) {
        let one_less = |left: u64| left.checked_sub(1);
        let before = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        if before == Ok(1) {
            (self.stop)();
        }
    }
}

impl fmt::Debug for AnswerLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AnswerLimit({:?})", self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn server_stops_once_after_so_many_answers() {
        for answers in [1, 2, 5] {
            let stops = Arc::new(AtomicU64::new(0));
            let counter = Arc::clone(&stops);
            let limit = AnswerLimit::new(NonZeroU64::new(answers).unwrap(), move || {
                counter.fetch_add(1, Ordering::Relaxed);
            });
            for number in 1..=answers + 2 {
                limit.count();
                let expected = u64::from(number >= answers);
                assert_eq!(stops.load(Ordering::Relaxed), expected, "{number}");
            }
        }
    }
}
