//! Percentiles, and promises that are kept or broken.

use std::time::Duration;

/// The p99 beside others may be so many times the p99 alone.
const MOST_RATIO: f64 = 2.0;

/// Whether every promise was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All were.
    Kept,
    /// One was not.
    Broken,
}

/// Prints promises, and remembers whether one was broken.
#[derive(Debug)]
pub(crate) struct Promises(Verdict);

impl Promises {
    pub(crate) fn new() -> Self {
        println!();
        Self(Verdict::Kept)
    }

    /// Prints whether `promise` was kept, with the figure it is about.
    pub(crate) fn check(&mut self, kept: bool, promise: &str, figure: &str) {
        let word = if kept { "kept" } else { "BROKEN" };
        println!("{word:<6}  {promise:<48} {figure}");
        if !kept {
            self.0 = Verdict::Broken;
        }
    }

    /// Prints whether the p99 is at most [`MOST_RATIO`] times that alone.
    pub(crate) fn check_p99(&mut self, what: &str, alone: &Latencies, beside: &Latencies) {
        let ratio = ratio(beside.percentile(99), alone.percentile(99));
        let promise = format!("p99 of {what} is at most {MOST_RATIO} times that alone");
        self.check(ratio <= MOST_RATIO, &promise, &format!("{ratio:.2}"));
    }

    pub(crate) fn verdict(self) -> Verdict {
        self.0
    }
}

/// Latencies of many requests, in order of size.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// Adds those of others.
    pub(crate) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
        self.0.sort_unstable();
    }

    /// The latency that this percentage of the requests does not exceed; zero without requests.
    pub(crate) fn percentile(&self, hundredths: usize) -> Duration {
        let rank = (self.0.len() * hundredths).div_ceil(100);
        self.0
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// The longest.
    pub(crate) fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

/// Microseconds with a unit, right-aligned in a column.
pub(crate) fn micros(time: Duration) -> String {
    format!("{:>8.1}", time.as_secs_f64() * 1e6)
}

/// How often `after` is `before`.
pub(crate) fn ratio(after: Duration, before: Duration) -> f64 {
    after.as_secs_f64() / before.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
