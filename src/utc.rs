//! A moment as civil time in UTC: what listings show, and what kept logs are named for.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use jiff::civil::DateTime;

/// The civil time in UTC, with the fraction of the second cut off. A time before 1970 or after 9999, which a file system
/// may report, is moved to the nearest in between.
pub(crate) fn civil(time: SystemTime) -> DateTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let last = DateTime::constant(9999, 12, 31, 23, 59, 59, 0);
    DateTime::constant(1970, 1, 1, 0, 0, 0, 0)
        .checked_add(SignedDuration::from_secs(seconds))
        .map_or(last, |time| time.min(last))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_stay_within_four_digits_of_a_year() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        for (time, expected) in [
            (at(0), "1970-01-01T00:00:00"),
            (UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00"),
            (
                at(951_782_400) + Duration::from_millis(999),
                "2000-02-29T00:00:00",
            ),
            (at(1_795_775_592), "2026-11-27T10:33:12"),
            (at(253_402_300_799), "9999-12-31T23:59:59"),
            (at(253_402_300_800), "9999-12-31T23:59:59"),
            (at(9_000_000_000_000), "9999-12-31T23:59:59"),
        ] {
            assert_eq!(civil(time).to_string(), expected);
        }
    }
}
