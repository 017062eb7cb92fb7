//! `stats`: what a log tells, in numbers.

use crate::Verdict;
use crate::cli::Stats;
use crate::failure::Failure;
use crate::log_file::{Item, open_plain};
use crate::text::count;
use httpserver::request_log::format::layout::METHODS;
use httpserver::request_log::format::line::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

/// Counts a log and prints the numbers.
pub(crate) fn run(options: &Stats, out: &mut impl Write) -> Result<Verdict, Failure> {
    let mut log = open_plain(&options.file)?;
    let mut totals = Totals::default();
    while let Some(item) = log.next_item()? {
        match item {
            Item::Whole(head) => totals.add(head.number, head.kind),
            Item::Torn(..) => totals.torn += 1,
        }
    }
    totals.bytes = log.position();
    let printed = if options.json {
        writeln!(out, "{}", totals.to_json())
    } else {
        totals.print(log.name(), out)
    };
    printed.map_err(Failure::output)?;
    Ok(Verdict::Sound)
}

#[derive(Debug, Default)]
struct Totals {
    /// Bytes of the log.
    bytes: u64,
    entries: u64,
    torn: u64,
    /// Requests by method and status, `None` being success. Methods that nobody knows are one, so that a peer
    /// cannot make this grow.
    requests: BTreeMap<(&'static str, Option<u16>), u64>,
    /// Content bytes in all PUTs.
    stored: u64,
    /// The largest PUT: length, number and name.
    largest: Option<(u64, u64, String)>,
    /// Names of requests that succeeded.
    names: HashSet<String>,
}

impl Totals {
    fn add(&mut self, number: u64, kind: Kind) {
        self.entries += 1;
        let key = match kind {
            Kind::Success {
                method,
                name,
                length,
            } => {
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
                (method, None)
            }
            Kind::Failure { method, status, .. } => (
                METHODS
                    .into_iter()
                    .find(|&known| known == method)
                    .unwrap_or("other"),
                Some(status),
            ),
        };
        *self.requests.entry(key).or_default() += 1;
    }

    fn to_json(&self) -> Value {
        let requests = self.requests.iter().map(|(&(kind, status), requests)| {
            json!({ "kind": kind, "status": status.map_or_else(|| Value::from("ok"), Value::from), "requests": requests })
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
        writeln!(out, "kind     status  requests")?;
        for (&(kind, status), requests) in &self.requests {
            let status = status.map_or_else(|| "ok".to_owned(), |status| status.to_string());
            writeln!(out, "{kind:<7}  {status:<6}  {requests:>8}")?;
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
