//! `stats`: counts and sizes of what is in a log.

use crate::cli::StatsArguments;
use crate::failure::Failure;
use crate::log_reader::LogItem;
use crate::progress;
use crate::source::LogSource;
use crate::text::count;
use crate::verdict::Verdict;
use httpserver::request_log::format::line::LoggedRequest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

/// Methods that are counted each by itself. A client can invent any number of them.
const METHODS: usize = 100;

/// Counts a log and prints the numbers.
pub(crate) fn run(options: &StatsArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let source = LogSource::open(&options.file)?;
    let bar = progress::bytes("counting", source.length());
    let mut log = source.read(&bar)?;
    let totals = LogStatistics::read(|| log.next_item());
    bar.finish_and_clear();
    let mut totals = totals?;
    totals.bytes = log.position();
    let printed = if options.json {
        writeln!(out, "{}", totals.to_json())
    } else {
        totals.print(source.name(), out)
    };
    printed.map_err(Failure::output)?;
    Ok(Verdict::Sound)
}

#[derive(Debug, Default)]
struct LogStatistics {
    /// Bytes of the log.
    bytes: u64,
    entries: u64,
    torn: u64,
    /// Requests by method, as the log has it, and by status, `None` being success.
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
    fn read(mut next: impl FnMut() -> Result<Option<LogItem>, Failure>) -> Result<Self, Failure> {
        let mut totals = Self::default();
        while let Some(item) = next()? {
            match item {
                LogItem::Whole(head) => totals.add(head.number, head.kind),
                LogItem::Torn(..) => totals.torn += 1,
            }
        }
        Ok(totals)
    }

    fn add(&mut self, number: u64, kind: LoggedRequest) {
        self.entries += 1;
        match kind {
            LoggedRequest::Success {
                method,
                name,
                length,
            } => {
                self.count(method, None);
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
            LoggedRequest::Failure { method, status, .. } => self.count(&method, Some(status)),
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

    /// Each method with its statuses and numbers; those beyond the first are together, without a name.
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
