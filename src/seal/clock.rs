//! The clock of one seal. It never runs backwards, even if the system's clock does.
//!
//! When the system's clock is set back, the seal's clock continues at the same rate, and stays ahead from then on. A
//! line of the seal records the difference, so that the system's time can be computed.

use super::time::Moment;

/// The state of a seal's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// Its last reading.
    last: Moment,
    /// Microseconds that it is ahead of the system's.
    ahead: u64,
}

/// A reading of a seal's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// The time. It is never before an earlier reading.
    pub time: Moment,
    /// The system's time, if the system's clock was set back since the last reading.
    pub set_back: Option<Moment>,
}

impl Clock {
    /// A clock that continues from a moment at which it was this many microseconds ahead of the system's.
    #[must_use]
    pub fn resume(last: Moment, ahead: u64) -> Self {
        Self { last, ahead }
    }

    /// The time of the seal when the system's time is `system`.
    pub fn read(&mut self, system: Moment) -> ClockReading {
        let time = Moment::from_microseconds(system.microseconds().saturating_add(self.ahead));
        if time >= self.last {
            self.last = time;
            return ClockReading {
                time,
                set_back: None,
            };
        }
        self.ahead = self.last.microseconds() - system.microseconds();
        ClockReading {
            time: self.last,
            set_back: Some(system),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_when_the_clock_is_set_back() {
        let mut clock = Clock::default();
        let at = Moment::from_microseconds;
        for (system, time, is_set_back) in [
            (1_000, 1_000, false),
            (1_500, 1_500, false),
            (1_500, 1_500, false),
            // Set back by 1,000: from here on it is ahead by 1,000.
            (500, 1_500, true),
            (700, 1_700, false),
            (699, 1_700, true),
            (5_000, 6_001, false),
        ] {
            let expected = ClockReading {
                time: at(time),
                set_back: is_set_back.then_some(at(system)),
            };
            assert_eq!(clock.read(at(system)), expected, "{system}");
        }
    }

    #[test]
    fn clock_goes_on_where_an_earlier_one_was() {
        let at = Moment::from_microseconds;
        let mut clock = Clock::resume(at(2_000), 500);
        assert_eq!(clock.read(at(1_600)).time, at(2_100));
        let reading = Clock::resume(at(2_000), 0).read(at(1_600));
        assert_eq!(
            (reading.time, reading.set_back),
            (at(2_000), Some(at(1_600)))
        );
    }
}
