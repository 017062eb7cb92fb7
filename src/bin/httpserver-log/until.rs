//! The end of reading: a time or an entry.

use crate::failure::Failure;
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::ordered_records::{OrderedRecords, Reading};
use crate::record::{EntryRecord, SealMatch};
use crate::records::Hashing;
use crate::selection::require_seals;
use crate::typed_time::TypedTime;
use httpserver::request_log::verify::SealStart;
use indicatif::ProgressBar;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::str::FromStr;

/// See the module's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Time(TypedTime),
    /// The entry with this number is the last.
    Entry(NonZeroU64),
}

impl FromStr for Until {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match typed.strip_prefix('#') {
            Some(number) => number
                .parse()
                .map(Self::Entry)
                .map_err(|_| "not `#` and the number of an entry, which is 1 or more"),
            None => typed.parse().map(Self::Time),
        }
    }
}

impl Until {
    /// A time needs seals, and a number one log.
    pub(crate) fn require_seals(
        &self,
        option: &'static str,
        logs: &[LogWithSeal],
        paths: &[PathBuf],
    ) -> Result<(), Failure> {
        match self {
            Self::Time(_) => require_seals(option, logs, paths),
            Self::Entry(_) if logs.len() > 1 => Err(Failure::NumberInSeveralLogs),
            Self::Entry(_) => Ok(()),
        }
    }

    /// Whether an entry of the log `log` is before or at the end. With a time, the entry's time must be known.
    pub(crate) fn includes(
        &self,
        record: &EntryRecord,
        beginning: Option<&SealStart>,
        log: &str,
    ) -> Result<bool, Failure> {
        let time = match self {
            Self::Entry(last) => {
                return Ok(record.number.is_none_or(|number| number <= last.get()));
            }
            Self::Time(time) => time,
        };
        let unknown = |reason| Failure::TimeUnknown {
            log: log.to_owned(),
            offset: record.offset,
            reason,
        };
        match (&record.seal, beginning) {
            (SealMatch::Line(line), _) => Ok(line.time <= time.last),
            // All entries before the seal are older.
            (SealMatch::Absent, Some(beginning)) if beginning.time <= time.last => Ok(true),
            (SealMatch::Absent, Some(beginning)) => Err(unknown(format!(
                "it was made before the log was sealed, at {}",
                beginning.time
            ))),
            (SealMatch::Mismatch, _) | (SealMatch::Absent, None) => Err(unknown(
                "it does not match the seal; `httpserver-log check` shows what was altered"
                    .to_owned(),
            )),
        }
    }
}

/// Passes the entries up to `until` to `each`, with the number of their log, from 0.
pub(crate) fn read_until(
    logs: &[LogWithSeal],
    order: &LogOrder,
    until: Option<&Until>,
    bar: &ProgressBar,
    mut each: impl FnMut(usize, &EntryRecord) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut last = 0;
    let reading = match until {
        Some(Until::Time(_)) => Reading::WithSeal(Hashing::Sealed),
        Some(Until::Entry(_)) | None => Reading::Log,
    };
    let mut records = OrderedRecords::new(logs, order, reading, bar);
    while let Some((index, record)) = records.next()? {
        if let Some(until) = until
            && !until.includes(&record, records.beginning(), logs[index].name())?
        {
            // The times of several servers are in no order.
            if records.is_merged() {
                continue;
            }
            return Ok(());
        }
        last = record.number.unwrap_or(last);
        each(index, &record)?;
    }
    match (until, logs) {
        (Some(Until::Entry(number)), [log]) if number.get() > last => Err(Failure::NoSuchEntry {
            log: log.name().to_owned(),
            number: *number,
            last,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_numbers_are_distinguished_from_times() {
        let entry = |number| Until::Entry(NonZeroU64::new(number).unwrap());
        assert_eq!("#7".parse(), Ok(entry(7)));
        assert!(matches!("12:30".parse(), Ok(Until::Time(_))));
        for typed in ["#0", "#", "#-1", "#1.5", "# 1", "7"] {
            assert!(typed.parse::<Until>().is_err(), "{typed}");
        }
    }
}
