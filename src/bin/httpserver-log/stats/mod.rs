//! `stats`: counts and sizes of a log.

pub(crate) mod grouping;

use self::grouping::Groups;
use crate::cli::StatsArguments;
use crate::failure::Failure;
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::progress;
use crate::record::EntryRecord;
use crate::selected::read_selected;
use crate::selection::require_seals;
use crate::text::count;
use crate::verdict::Verdict;
use httpserver::request_log::format::line::LoggedRequest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

/// The most methods that are counted separately, since a client can invent any number of them.
const METHODS: usize = 100;

/// Counts logs and prints the numbers.
pub(crate) fn run(options: &StatsArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let logs = LogWithSeal::open_all(&options.files)?;
    options.selection.require_seals(&logs, &options.files)?;
    if options.by.is_some() {
        require_seals("--by", &logs, &options.files)?;
    }
    let name = match &logs[..] {
        [log] => log.name().to_owned(),
        logs => format!("{} logs", logs.len()),
    };
    let bar = progress::bytes("counting", LogWithSeal::total_length(&logs));
    let mut notes = Notes::default();
    let mut totals = LogStatistics::default();
    let mut groups = options.by.map(Groups::new);
    let order = &LogOrder::Given;
    let selection = &options.selection;
    let read = read_selected(&logs, order, selection, &bar, &mut notes, |_, record| {
        match &mut groups {
            Some(groups) => groups.add(&record),
            None => totals.add(record),
        }
        Ok(())
    });
    bar.finish_and_clear();
    let bytes = read?;
    if !options.selection.is_given() {
        totals.bytes = bytes;
    }
    let printed = match (&groups, options.json) {
        (Some(groups), true) => writeln!(out, "{}", groups.to_json()),
        (Some(groups), false) => groups.print(out),
        (None, true) => writeln!(out, "{}", totals.to_json()),
        (None, false) => totals.print(&name, out),
    };
    printed.map_err(Failure::output)?;
    Ok(notes.verdict())
}

#[derive(Debug, Default)]
struct LogStatistics {
    /// Bytes of the logs, or of the entries that were selected.
    bytes: u64,
    entries: u64,
    torn: u64,
    /// Requests by method, as in the log, and by status; `None` is success.
    methods: BTreeMap<String, BTreeMap<Option<u16>, u64>>,
    /// Requests with methods beyond the first [`METHODS`].
    more_methods: BTreeMap<Option<u16>, u64>,
    /// Content bytes in all PUTs.
    stored: u64,
    /// The largest PUT: length, number and name.
    largest: Option<(u64, u64, String)>,
    /// Names of requests that succeeded.
    names: HashSet<String>,
}

impl LogStatistics {
    fn add(&mut self, record: EntryRecord) {
        self.bytes += record.length;
        if record.torn.is_some() {
            self.torn += 1;
            return;
        }
        self.entries += 1;
        let status = record.status();
        match (record.kind, record.number) {
            (
                Some(LoggedRequest::Success {
                    method,
                    name,
                    length,
                }),
                Some(number),
            ) => {
                self.count(method, status);
                if method == "PUT" {
                    self.stored += length;
                    if self
                        .largest
                        .as_ref()
                        .is_none_or(|largest| length > largest.0)
                    {
                        self.largest = Some((length, number, name.clone()));
                    }
                }
                self.names.insert(name);
            }
            (Some(LoggedRequest::Failure { method, .. }), _) => self.count(&method, status),
            // An entry without a first line or a number is torn.
            _ => {}
        }
    }

    fn count(&mut self, method: &str, status: Option<u16>) {
        let known = self.methods.len();
        let statuses = match self.methods.get_mut(method) {
            Some(statuses) => statuses,
            None if known < METHODS => self.methods.entry(method.to_owned()).or_default(),
            None => &mut self.more_methods,
        };
        *statuses.entry(status).or_default() += 1;
    }

    /// Each method with its statuses and counts; the methods beyond the limit are counted together, without a name.
    fn requests(&self) -> impl Iterator<Item = (Option<&str>, Option<u16>, u64)> {
        let named = self
            .methods
            .iter()
            .map(|(name, all)| (Some(&name[..]), all));
        named
            .chain([(None, &self.more_methods)])
            .flat_map(|(method, statuses)| {
                let statuses = statuses.iter();
                statuses.map(move |(status, requests)| (method, *status, *requests))
            })
    }

    fn to_json(&self) -> Value {
        let requests = self.requests().map(|(method, status, requests)| {
            let status = status.map_or_else(|| Value::from("ok"), Value::from);
            json!({ "method": method, "status": status, "requests": requests })
        });
        json!({
            "entries": self.entries,
            "torn": self.torn,
            "bytes": self.bytes,
            "requests": requests.collect::<Vec<_>>(),
            "stored": self.stored,
            "largest": self.largest.as_ref().map(|(length, number, name)| {
                json!({ "name": name, "length": length, "number": number })
            }),
            "names": self.names.len(),
        })
    }

    fn print(&self, log: &str, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{log}: {}, {}",
            count(self.entries, "entry", "entries"),
            count(self.bytes, "byte", "bytes")
        )?;
        writeln!(out)?;
        writeln!(out, "    requests  status  method")?;
        for (method, status, requests) in self.requests() {
            let status = status.map_or_else(|| "ok".to_owned(), |status| status.to_string());
            let method = method.unwrap_or("(others)");
            writeln!(out, "{requests:>12}  {status:<6}  {method}")?;
        }
        writeln!(out)?;
        writeln!(out, "stored   {}", count(self.stored, "byte", "bytes"))?;
        if let Some((length, number, name)) = &self.largest {
            writeln!(
                out,
                "largest  {}, entry {number}, {name}",
                count(*length, "byte", "bytes")
            )?;
        }
        writeln!(out, "names    {}", self.names.len())?;
        writeln!(out, "torn     {}", self.torn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_are_counted_together_from_some_number_on() {
        let mut totals = LogStatistics::default();
        for number in 0..2 * METHODS {
            totals.count(&format!("M{number:03}"), Some(500));
        }
        totals.count("M000", Some(500));
        let requests: Vec<_> = totals.requests().collect();
        assert_eq!(requests.len(), METHODS + 1);
        assert_eq!(requests[0], (Some("M000"), Some(500), 2));
        assert_eq!(requests[METHODS], (None, Some(500), METHODS as u64));
    }
}
