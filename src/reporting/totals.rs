//! The totals of requests and bytes for a summary.

use std::collections::BTreeMap;
use std::fmt;

use super::tally::Tally;
use super::turn_time::TurnTime;

/// Counts of requests that have ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Those with a status of 400 or more, or without a response.
    pub failures: u64,
    /// Those with a response, by its status.
    pub by_status: BTreeMap<u16, u64>,
    /// Bytes received, as they were on the wire.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Entries in the request log.
    pub entries: u64,
    /// The longest turn of a connection.
    pub longest_turn: TurnTime,
}

impl Totals {
    /// The totals of these counts.
    pub(super) fn of(tally: &Tally) -> Self {
        let mut totals = Self {
            requests: tally.requests(),
            bytes_in: tally.exchanged.received,
            bytes_out: tally.exchanged.sent,
            entries: tally.entries,
            longest_turn: tally.longest_turn,
            ..Self::default()
        };
        for ((_, status), count) in &tally.requests {
            if status.is_none_or(|status| status >= 400) {
                totals.failures += count;
            }
            if let Some(status) = status {
                *totals.by_status.entry(*status).or_default() += count;
            }
        }
        totals
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}, {}; {} in, {} out; {}",
            counted(self.requests, "request", "requests"),
            counted(self.failures, "failure", "failures"),
            counted(self.bytes_in, "byte", "bytes"),
            counted(self.bytes_out, "byte", "bytes"),
            counted(self.entries, "log entry", "log entries"),
        )
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{count} {noun}")
}

#[cfg(test)]
mod tests {
    use super::super::tally::{MethodLabel, Moved};
    use super::*;

    #[test]
    fn summary_is_drawn_from_what_was_counted() {
        let none = Totals::of(&Tally::default());
        assert_eq!(
            none.to_string(),
            "0 requests, 0 failures; 0 bytes in, 0 bytes out; 0 log entries"
        );
        let mut tally = Tally {
            requests: BTreeMap::from([((MethodLabel::Get, Some(200)), 1)]),
            exchanged: Moved {
                received: 1,
                sent: 126,
            },
            entries: 1,
            ..Tally::default()
        };
        assert_eq!(
            Totals::of(&tally).to_string(),
            "1 request, 0 failures; 1 byte in, 126 bytes out; 1 log entry"
        );
        tally.requests.extend([
            ((MethodLabel::Put, Some(200)), 2),
            ((MethodLabel::Put, Some(399)), 3),
            ((MethodLabel::Other, Some(400)), 4),
            ((MethodLabel::Get, None), 5),
        ]);
        let totals = Totals::of(&tally);
        assert_eq!((totals.requests, totals.failures), (15, 9));
        let by_status = [(200, 3), (399, 3), (400, 4)];
        assert_eq!(totals.by_status, BTreeMap::from(by_status));
    }
}
