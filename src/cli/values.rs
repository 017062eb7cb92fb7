//! Parsers of option values: counts, sizes and times. Text in, values out.

use std::num::NonZeroUsize;
use std::time::Duration;

use thiserror::Error;

/// The longest time: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The rule that a value breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum ValueError {
    #[error("it must be a whole number, such as 8")]
    Count,
    #[error("it must not be negative")]
    Negative,
    #[error("it must be at least 1")]
    TooFew,
    #[error("it must be at most {0}")]
    TooMany(u64),
    #[error("it must be a number of bytes, or a whole number of K, M or G, such as 64K or 10M")]
    Size,
    #[error("it must be a number of seconds, or have a unit: 500ms, 10s, 2m or 1h")]
    Time,
    #[error("it must be longer than 0")]
    TooShort,
    #[error("it must be at most a year, which is 8760h")]
    TooLong,
}

/// A whole number from 1 to `MOST`.
pub(super) fn count<const MOST: usize>(typed: &str) -> Result<NonZeroUsize, ValueError> {
    if is_negative(typed) {
        return Err(ValueError::TooFew);
    }
    if !is_number(typed) {
        return Err(ValueError::Count);
    }
    let too_many = ValueError::TooMany(MOST as u64);
    // A number that does not fit has the right form but is too large.
    let number = typed.parse().map_err(|_| too_many)?;
    match NonZeroUsize::new(number) {
        None => Err(ValueError::TooFew),
        Some(number) if number.get() > MOST => Err(too_many),
        Some(number) => Ok(number),
    }
}

/// A number of bytes: plain, or with `K`, `M` or `G` for powers of 1024. Lower case is accepted, too.
pub(super) fn size(typed: &str) -> Result<u64, ValueError> {
    let (digits, unit) = match typed.as_bytes().last().map(u8::to_ascii_uppercase) {
        Some(b'K') => (&typed[..typed.len() - 1], 1 << 10),
        Some(b'M') => (&typed[..typed.len() - 1], 1 << 20),
        Some(b'G') => (&typed[..typed.len() - 1], 1 << 30),
        _ => (typed, 1_u64),
    };
    if is_negative(digits) {
        return Err(ValueError::Negative);
    }
    if !is_number(digits) {
        return Err(ValueError::Size);
    }
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or(ValueError::TooMany(u64::MAX))
}

/// A time above 0: a number of seconds such as `30` or `0.5`, or a number with the unit `ms`, `s`, `m` or `h`.
pub(super) fn duration(typed: &str) -> Result<Duration, ValueError> {
    // `ms` is first, since it also ends with `s`.
    let (number, unit) = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)]
        .into_iter()
        .find_map(|(name, unit)| Some((typed.strip_suffix(name)?, unit)))
        .unwrap_or((typed, 1.0));
    if is_negative(number) {
        return Err(ValueError::TooShort);
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if !is_number(whole) || !is_number(fraction) {
        return Err(ValueError::Time);
    }
    let number: f64 = number.parse().map_err(|_| ValueError::Time)?;
    let duration = Duration::try_from_secs_f64(number * unit).map_err(|_| ValueError::TooLong)?;
    if duration.is_zero() {
        Err(ValueError::TooShort)
    } else if duration > LONGEST {
        Err(ValueError::TooLong)
    } else {
        Ok(duration)
    }
}

/// Whether this is a negative number, which has an error of its own.
fn is_negative(typed: &str) -> bool {
    let number = typed.strip_prefix('-');
    number.is_some_and(|number| is_number(&number.replacen('.', "", 1)))
}

/// Whether this is one digit or more, and nothing else.
pub(super) fn is_number(typed: &str) -> bool {
    !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_numbers_from_1_to_the_most() {
        use ValueError::{Count, TooFew, TooMany};
        for (typed, expected) in [
            ("1", Ok(1)),
            ("007", Ok(7)),
            ("100", Ok(100)),
            ("101", Err(TooMany(100))),
            ("18446744073709551616", Err(TooMany(100))),
            ("0", Err(TooFew)),
            ("000", Err(TooFew)),
            ("-0", Err(TooFew)),
            ("-1", Err(TooFew)),
            ("-18446744073709551616", Err(TooFew)),
            ("", Err(Count)),
            ("-", Err(Count)),
            ("+1", Err(Count)),
            ("--1", Err(Count)),
            ("1.5", Err(Count)),
            ("1e2", Err(Count)),
            ("0x10", Err(Count)),
            (" 1", Err(Count)),
            ("eight", Err(Count)),
            ("-q", Err(Count)),
            ("\u{661}", Err(Count)),
        ] {
            let found = count::<100>(typed).map(NonZeroUsize::get);
            assert_eq!(found, expected, "{typed:?}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        use ValueError::{Negative, Size, TooMany};
        const TOO_MANY: Result<u64, ValueError> = Err(TooMany(u64::MAX));
        for (typed, expected) in [
            ("0", Ok(0)),
            ("1000000", Ok(1_000_000)),
            ("1K", Ok(1024)),
            ("64k", Ok(65_536)),
            ("10M", Ok(10_485_760)),
            ("10m", Ok(10_485_760)),
            ("2G", Ok(2_147_483_648)),
            ("0G", Ok(0)),
            ("18446744073709551615", Ok(u64::MAX)),
            ("18446744073709551616", TOO_MANY),
            ("17179869183G", Ok(u64::MAX - ((1 << 30) - 1))),
            ("17179869184G", TOO_MANY),
            ("18446744073709551616K", TOO_MANY),
            ("", Err(Size)),
            ("K", Err(Size)),
            ("10T", Err(Size)),
            ("10MB", Err(Size)),
            ("10MiB", Err(Size)),
            ("10 M", Err(Size)),
            ("1.5G", Err(Size)),
            ("-5", Err(Negative)),
            ("-5M", Err(Negative)),
            ("-M", Err(Size)),
            ("+5", Err(Size)),
            ("1e3", Err(Size)),
            ("5\u{e9}", Err(Size)),
        ] {
            assert_eq!(size(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        use ValueError::{Time, TooLong, TooShort};
        for (typed, milliseconds) in [
            ("30", Ok(30_000)),
            ("0.25", Ok(250)),
            ("10s", Ok(10_000)),
            ("2m", Ok(120_000)),
            ("1.5m", Ok(90_000)),
            ("1h", Ok(3_600_000)),
            ("500ms", Ok(500)),
            ("1ms", Ok(1)),
            ("8760h", Ok(31_536_000_000)),
            ("31536000", Ok(31_536_000_000)),
            ("8761h", Err(TooLong)),
            ("31536001", Err(TooLong)),
            ("99999999999999999999999999", Err(TooLong)),
            ("0", Err(TooShort)),
            ("0.0s", Err(TooShort)),
            ("0ms", Err(TooShort)),
            ("0.0000000000001", Err(TooShort)),
            ("-1", Err(TooShort)),
            ("-0.5m", Err(TooShort)),
            ("-s", Err(Time)),
            ("1e1", Err(Time)),
            ("nan", Err(Time)),
            ("inf", Err(Time)),
            ("soon", Err(Time)),
            ("5 s", Err(Time)),
            ("5S", Err(Time)),
            ("5d", Err(Time)),
            (".5", Err(Time)),
            ("5.", Err(Time)),
            ("1.2.3", Err(Time)),
            ("s", Err(Time)),
            ("ms", Err(Time)),
            ("", Err(Time)),
            ("5\u{e9}", Err(Time)),
        ] {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(duration(typed), expected, "{typed:?}");
        }
    }
}
