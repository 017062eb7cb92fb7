//! Moments as a seal writes them: RFC 3339, in UTC, with six digits of a second. As text they are in the order of time.
//!
//! In the line of an entry, a moment is shorter if it is in the same second as the last one of the lines before:
//! `.123456`, or `=` if it is the same moment. So most lines need few bytes, and each second is written once.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::utc;

/// Bytes of a moment as text.
pub const LENGTH: usize = 27;

/// Digits of a fraction of a second.
const FRACTION: usize = 6;

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// Microseconds since 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(u64);

/// A moment in the line of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryTime {
    /// The moment.
    pub moment: Moment,
    /// Whether it is written as a whole, and does not depend on lines before.
    pub is_whole: bool,
}

/// Writes moments, most of which are the same as the one before, or in the same second.
#[derive(Debug)]
pub struct MomentWriter {
    last: Moment,
    /// The last one.
    text: [u8; LENGTH],
}

impl Moment {
    /// The moment this many microseconds after 1970.
    #[must_use]
    pub fn from_microseconds(microseconds: u64) -> Self {
        Self(microseconds)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn microseconds(self) -> u64 {
        self.0
    }

    /// Reads the text that [`MomentWriter::push`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let is_form = bytes.len() == LENGTH
            && bytes
                .iter()
                .zip(b"0000-00-00T00:00:00.000000Z")
                .all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    form => byte == form,
                });
        if !is_form {
            return None;
        }
        let time: Timestamp = text.parse().ok()?;
        let moment = Self(u64::try_from(time.as_microsecond()).ok()?);
        // A leap second is read as the second before it.
        (moment.to_string() == text).then_some(moment)
    }

    /// The first moment that is not before this one and is this many microseconds after a full second.
    fn next_with(self, fraction: u64) -> Self {
        let second = self.0 - self.0 % SECOND;
        let moment = second.saturating_add(fraction);
        Self(if moment >= self.0 {
            moment
        } else {
            moment.saturating_add(SECOND)
        })
    }
}

impl EntryTime {
    /// Reads the text that [`MomentWriter::push_short`] writes; `last` is the last moment of the lines before.
    #[must_use]
    pub fn parse(text: &str, last: Moment) -> Option<Self> {
        let short = |moment| Self {
            moment,
            is_whole: false,
        };
        if text == "=" {
            return Some(short(last));
        }
        let Some(digits) = text.strip_prefix('.') else {
            return Moment::parse(text).map(|moment| Self {
                moment,
                is_whole: true,
            });
        };
        if digits.len() != FRACTION || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(short(last.next_with(digits.parse().ok()?)))
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(LENGTH);
        MomentWriter::default().push(&mut text, *self);
        formatter.write_str(&String::from_utf8_lossy(&text))
    }
}

impl MomentWriter {
    /// Appends a moment.
    pub fn push(&mut self, out: &mut Vec<u8>, moment: Moment) {
        self.set(moment);
        out.extend_from_slice(&self.text);
    }

    /// Appends a moment as in the line of an entry: only what differs from the last moment. No other moment may be
    /// written between the two, unless it lies between them.
    pub fn push_short(&mut self, out: &mut Vec<u8>, moment: Moment) {
        let last = self.last;
        self.set(moment);
        if moment == last {
            out.push(b'=');
        } else if moment.0 / SECOND == last.0 / SECOND {
            out.extend_from_slice(&self.text[LENGTH - ".000000Z".len()..LENGTH - 1]);
        } else {
            out.extend_from_slice(&self.text);
        }
    }

    fn set(&mut self, moment: Moment) {
        if moment != self.last {
            if moment.0 / SECOND != self.last.0 / SECOND {
                self.text = start_of(moment);
            }
            put_fraction(&mut self.text, moment);
            self.last = moment;
        }
    }
}

impl Default for MomentWriter {
    fn default() -> Self {
        Self {
            last: Moment::default(),
            text: *b"1970-01-01T00:00:00.000000Z",
        }
    }
}

/// The second that a moment is in, as text.
fn start_of(moment: Moment) -> [u8; LENGTH] {
    let second = Duration::from_secs((moment.0 / SECOND).min(1 << 40));
    let text = utc::civil(UNIX_EPOCH + second).strftime("%Y-%m-%dT%H:%M:%S.000000Z");
    let mut start = [b'0'; LENGTH];
    for (byte, written) in start.iter_mut().zip(text.to_string().bytes()) {
        *byte = written;
    }
    start
}

/// Makes the text of a moment from that of another in the same second.
fn put_fraction(text: &mut [u8; LENGTH], moment: Moment) {
    let mut fraction = moment.0 % SECOND;
    for digit in text[LENGTH - "000000Z".len()..LENGTH - 1].iter_mut().rev() {
        *digit = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        let mut writer = MomentWriter::default();
        for (microseconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1_795_780_800_123_456, "2026-11-27T12:00:00.123456Z"),
            (1_795_780_800_999_999, "2026-11-27T12:00:00.999999Z"),
            (1_795_780_801_000_007, "2026-11-27T12:00:01.000007Z"),
            (1_795_780_801_000_007, "2026-11-27T12:00:01.000007Z"),
            (253_402_207_199_000_001, "9999-12-30T21:59:59.000001Z"),
        ] {
            let moment = Moment::from_microseconds(microseconds);
            let mut out = Vec::new();
            writer.push(&mut out, moment);
            assert_eq!(String::from_utf8(out).unwrap(), text);
            assert_eq!(Moment::parse(text), Some(moment), "{text}");
        }
    }

    #[test]
    fn moments_of_entries_have_only_what_differs() {
        let mut writer = MomentWriter::default();
        let mut last = Moment::default();
        for (microseconds, text) in [
            (1_795_780_800_123_456, "2026-11-27T12:00:00.123456Z"),
            (1_795_780_800_123_456, "="),
            (1_795_780_800_123_457, ".123457"),
            (1_795_780_800_999_999, ".999999"),
            (1_795_780_801_000_007, "2026-11-27T12:00:01.000007Z"),
        ] {
            let moment = Moment::from_microseconds(microseconds);
            let mut out = Vec::new();
            writer.push_short(&mut out, moment);
            assert_eq!(String::from_utf8(out).unwrap(), text);
            let expected = EntryTime {
                moment,
                is_whole: text.len() == LENGTH,
            };
            assert_eq!(EntryTime::parse(text, last), Some(expected), "{text}");
            last = moment;
        }
        // Time never runs backwards, even if a line before was removed.
        let read = EntryTime::parse(".000006", last).unwrap();
        assert_eq!(read.moment.microseconds(), 1_795_780_802_000_006);
        for wrong in ["", "==", ".", ".12345", ".1234567", ".+12345", ".12345a"] {
            assert_eq!(EntryTime::parse(wrong, last), None, "{wrong}");
        }
    }

    #[test]
    fn other_forms_are_not_moments() {
        for text in [
            "",
            "2026-11-27T12:00:00Z",
            "2026-11-27 12:00:00.000000Z",
            "2026-11-27T12:00:00.000000+00:00",
            "2026-02-30T12:00:00.000000Z",
            "2026-11-27T12:00:60.000000Z",
            "2026-11-27T12:00:00.000000z",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
