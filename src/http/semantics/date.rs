//! Modification times as text: for fields (RFC 9110 §5.6.7) and for listings (RFC 3339).
//!
//! A file system may report times before 1970 or after 9999, which these formats cannot express. Such a time is
//! replaced by the nearest one that they can.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::utc;

/// The last second of the year 9999, in seconds since the epoch.
const LAST_SECOND: u64 = 253_402_300_799;

/// The time in whole seconds since the epoch, rounded down: the resolution of Last-Modified.
#[must_use]
pub fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    since.as_secs().min(LAST_SECOND)
}

/// The value of a Last-Modified field: an IMF-fixdate (RFC 9110 §5.6.7).
#[must_use]
pub fn imf_fixdate(time: SystemTime) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds(time)))
}

/// The date in a field value, in any of the three forms of RFC 9110 §5.6.7; `None` when it is not a date.
#[must_use]
pub fn parse(field: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(field).ok()?;
    httpdate::parse_http_date(text).ok()
}

/// The time in UTC to the second, as in `2026-11-21T02:23:32Z` (RFC 3339 §5.6).
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let mut text = String::with_capacity(20);
    push_utc(&mut text, time, "T");
    text.push('Z');
    text
}

/// Appends the date and the time in UTC to the second, with a text between them.
pub fn push_utc(text: &mut String, time: SystemTime, between: &str) {
    let time = utc::civil(time);
    // A listing has thousands of dates, and a formatter takes ten times as long.
    push_two_digits(text, time.year() / 100);
    push_two_digits(text, time.year() % 100);
    for (before, part) in [
        ("-", time.month()),
        ("-", time.day()),
        (between, time.hour()),
        (":", time.minute()),
        (":", time.second()),
    ] {
        text.push_str(before);
        push_two_digits(text, part.into());
    }
}

/// Appends a number below 100.
fn push_two_digits(text: &mut String, number: i16) {
    const NUMBERS: &str = "\
        00010203040506070809101112131415161718192021222324252627282930313233343536373839\
        40414243444546474849505152535455565758596061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899";
    let start = usize::try_from(number).unwrap_or_default() * 2;
    text.push_str(NUMBERS.get(start..start + 2).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_written_as_imf_fixdate() {
        let table = [
            (
                at(0),
                "1970-01-01T00:00:00Z",
                "Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            (
                at(784_111_777),
                "1994-11-06T08:49:37Z",
                "Sun, 06 Nov 1994 08:49:37 GMT",
            ),
            (
                at(951_782_400),
                "2000-02-29T00:00:00Z",
                "Tue, 29 Feb 2000 00:00:00 GMT",
            ),
            (
                at(951_868_799),
                "2000-02-29T23:59:59Z",
                "Tue, 29 Feb 2000 23:59:59 GMT",
            ),
            (
                at(951_868_800),
                "2000-03-01T00:00:00Z",
                "Wed, 01 Mar 2000 00:00:00 GMT",
            ),
            (
                at(4_107_542_400),
                "2100-03-01T00:00:00Z",
                "Mon, 01 Mar 2100 00:00:00 GMT",
            ),
            // Between two seconds, and outside of what the formats can express.
            (
                at(59) + Duration::from_nanos(999_999_999),
                "1970-01-01T00:00:59Z",
                "Thu, 01 Jan 1970 00:00:59 GMT",
            ),
            (
                UNIX_EPOCH - Duration::from_secs(1),
                "1970-01-01T00:00:00Z",
                "Thu, 01 Jan 1970 00:00:00 GMT",
            ),
            (
                at(LAST_SECOND),
                "9999-12-31T23:59:59Z",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ),
            (
                at(LAST_SECOND + 1),
                "9999-12-31T23:59:59Z",
                "Fri, 31 Dec 9999 23:59:59 GMT",
            ),
        ];
        for (time, iso, imf) in table {
            assert_eq!(rfc3339(time), iso);
            assert_eq!(imf_fixdate(time), imf);
        }
    }

    #[test]
    fn dates_of_all_three_forms_are_parsed() {
        // RFC 9110 §5.6.7: the three forms of one time.
        for form in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(form.as_bytes()), Some(at(784_111_777)), "{form}");
        }
        for form in [
            &b""[..],
            b"0",
            b"yesterday",
            b"Sun, 06 Nov 1994 08:49:37",
            b"\xff",
        ] {
            assert_eq!(parse(form), None, "{}", String::from_utf8_lossy(form));
        }
    }

    proptest! {
        /// Two independent calendars agree on every day.
        #[test]
        fn both_formats_mean_the_same_time(seconds in 0..=LAST_SECOND) {
            let (iso, imf) = (rfc3339(at(seconds)), imf_fixdate(at(seconds)));
            prop_assert_eq!(&iso[..4], &imf[12..16]);
            prop_assert_eq!(&iso[8..10], &imf[5..7]);
            prop_assert_eq!(&iso[11..19], &imf[17..25]);
            let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
            let month: usize = iso[5..7].parse().unwrap();
            prop_assert_eq!(&months[3 * month - 3..3 * month], &imf[8..11]);
        }
    }
}
