//! A typed time. It covers its whole unit: a day from its first microsecond to its last, and also a minute and a
//! second.

use httpserver::seal::time::Moment;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use std::str::FromStr;

/// The accepted forms, for errors after "is".
const FORMS: &str = "not a time: type 2026-11-27T12:30:00Z (RFC 3339), 2026-11-27, 12:30 (today, in UTC) or 2h (ago)";

/// Microseconds of units.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// See the module's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypedTime {
    /// Its first moment.
    pub(crate) first: Moment,
    /// Its last moment.
    pub(crate) last: Moment,
}

impl FromStr for TypedTime {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        parse(typed.trim(), Timestamp::now()).ok_or(FORMS)
    }
}

/// Reads a time that is typed at `now`.
fn parse(typed: &str, now: Timestamp) -> Option<TypedTime> {
    let (date, time) = match typed.find(['T', 't', ' ']) {
        // Then it begins with a date.
        Some(10) => (Some(&typed[..10]), Some(&typed[11..])),
        _ if typed.contains(':') => (None, Some(typed)),
        _ => (Some(typed), None),
    };
    match (date, time) {
        (Some(date), Some(time)) => {
            let unit = unit(time)?;
            let zoned = typed.parse::<Timestamp>();
            let begin = zoned
                .or_else(|_| utc(date.parse().ok(), time.parse().ok()))
                .ok()?;
            Some(TypedTime::of(begin, unit))
        }
        (None, Some(time)) => {
            let today = now.to_zoned(TimeZone::UTC).date();
            let begin = utc(Some(today), time.parse().ok()).ok()?;
            Some(TypedTime::of(begin, unit(time)?))
        }
        (Some(date), None) => match date.parse::<Date>() {
            Ok(date) => Some(TypedTime::of(
                utc(Some(date), Some(Time::midnight())).ok()?,
                DAY,
            )),
            Err(_) => ago(typed, now),
        },
        (None, None) => None,
    }
}

fn utc(date: Option<Date>, time: Option<Time>) -> Result<Timestamp, jiff::Error> {
    let wrong = || jiff::Error::from_args(format_args!("not a date and a time"));
    let (date, time) = (date.ok_or_else(wrong)?, time.ok_or_else(wrong)?);
    let zoned = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC)?;
    Ok(zoned.timestamp())
}

/// A time ago: `2h`, `1h30m`, `3 days ago`.
fn ago(typed: &str, now: Timestamp) -> Option<TypedTime> {
    let typed = typed.strip_suffix("ago").unwrap_or(typed).trim_end();
    if !typed.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let span: Span = typed.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(TypedTime::of(now.checked_sub(duration).ok()?, 1))
}

/// Microseconds that a time of day stands for: `12`, `12:30`, `12:30:15` or `12:30:15.5`, with an offset or without.
fn unit(time: &str) -> Option<i64> {
    let end = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let time = &time[..end];
    match (time.matches(':').count(), time.contains(['.', ','])) {
        (0, false) => Some(HOUR),
        (1, false) => Some(MINUTE),
        (2, false) => Some(SECOND),
        (2, true) => Some(1),
        _ => None,
    }
}

impl TypedTime {
    /// A range of microseconds from a moment on.
    fn of(begin: Timestamp, unit: i64) -> Self {
        let moment = |microseconds| {
            Moment::from_microseconds(u64::try_from(microseconds).unwrap_or_default())
        };
        let begin = begin.as_microsecond();
        Self {
            first: moment(begin),
            last: moment(begin.saturating_add(unit - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_time_stands_for_its_whole_day_hour_minute_or_second() {
        let now: Timestamp = "2026-11-27T15:00:00.5Z".parse().unwrap();
        for (typed, first, last) in [
            (
                "2026-11-26",
                "2026-11-26T00:00:00.000000Z",
                "2026-11-26T23:59:59.999999Z",
            ),
            (
                "2026-11-26T12",
                "2026-11-26T12:00:00.000000Z",
                "2026-11-26T12:59:59.999999Z",
            ),
            (
                "2026-11-26T12:30",
                "2026-11-26T12:30:00.000000Z",
                "2026-11-26T12:30:59.999999Z",
            ),
            (
                "2026-11-26 12:30:07",
                "2026-11-26T12:30:07.000000Z",
                "2026-11-26T12:30:07.999999Z",
            ),
            (
                "2026-11-26T12:30:07Z",
                "2026-11-26T12:30:07.000000Z",
                "2026-11-26T12:30:07.999999Z",
            ),
            (
                "2026-11-26T12:30:07+02:00",
                "2026-11-26T10:30:07.000000Z",
                "2026-11-26T10:30:07.999999Z",
            ),
            (
                "2026-11-26T12:30:07-02:00",
                "2026-11-26T14:30:07.000000Z",
                "2026-11-26T14:30:07.999999Z",
            ),
            (
                "2026-11-26T12:30:07.25Z",
                "2026-11-26T12:30:07.250000Z",
                "2026-11-26T12:30:07.250000Z",
            ),
            (
                "12:30",
                "2026-11-27T12:30:00.000000Z",
                "2026-11-27T12:30:59.999999Z",
            ),
            (
                "12:30:15",
                "2026-11-27T12:30:15.000000Z",
                "2026-11-27T12:30:15.999999Z",
            ),
            (
                "2h",
                "2026-11-27T13:00:00.500000Z",
                "2026-11-27T13:00:00.500000Z",
            ),
            (
                "2h ago",
                "2026-11-27T13:00:00.500000Z",
                "2026-11-27T13:00:00.500000Z",
            ),
            (
                "1h30m",
                "2026-11-27T13:30:00.500000Z",
                "2026-11-27T13:30:00.500000Z",
            ),
            (
                "90s",
                "2026-11-27T14:58:30.500000Z",
                "2026-11-27T14:58:30.500000Z",
            ),
            (
                "3 days ago",
                "2026-11-24T15:00:00.500000Z",
                "2026-11-24T15:00:00.500000Z",
            ),
            (
                "1w",
                "2026-11-20T15:00:00.500000Z",
                "2026-11-20T15:00:00.500000Z",
            ),
            (
                "1960-01-01",
                "1970-01-01T00:00:00.000000Z",
                "1970-01-01T00:00:00.000000Z",
            ),
        ] {
            let found = parse(typed, now);
            let found = found.map(|time| (time.first.to_string(), time.last.to_string()));
            assert_eq!(found, Some((first.to_owned(), last.to_owned())), "{typed}");
        }
    }

    #[test]
    fn other_texts_are_not_times() {
        let now = Timestamp::now();
        for typed in [
            "",
            "now",
            "yesterday",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "25:00",
            "12:60",
            "2026-11-27T",
            "-2h",
            "2",
            "2 months",
            "12:30:15:10",
            "2026-11-27T12:30:00Zx",
            "2h30",
            "27.11.2026",
            "\u{1f980}",
            "2026-11-2\u{e9}T",
            "9999999999h",
        ] {
            assert_eq!(parse(typed, now), None, "{typed}");
        }
    }
}
