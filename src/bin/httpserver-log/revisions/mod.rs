//! `history`: lists the revisions and deletions of one name, or shows the difference of two revisions.

mod diff;

use self::diff::{Revision, print_diff};
use crate::cli::HistoryArguments;
use crate::failure::Failure;
use crate::journal::PutEntry;
use crate::json;
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::name_events::{NameEvent, TypedName};
use crate::notes::Notes;
use crate::ordered_records::{OrderedRecords, Reading};
use crate::progress;
use crate::record::EntryRecord;
use crate::records::Hashing;
use crate::table::{Column, Table, Titles};
use crate::text::{dash, seconds};
use crate::verdict::Verdict;
use std::io::Write;
use std::num::NonZeroU64;

/// Digits of a hash that are shown; all of them with `--json`.
const DIGITS: usize = 12;

const COLUMNS: usize = 9;

const TABLE: [Column; COLUMNS] = [
    Column::Number("revision"),
    Column::Number("entry"),
    Column::Text("time"),
    Column::Text("peer"),
    Column::Text("user"),
    Column::Text("status"),
    Column::Number("bytes"),
    Column::Text("sha256"),
    Column::Text("what"),
];

/// Lists the revisions of a name, or compares two.
pub(crate) fn run(options: &HistoryArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let (files, name) = options.split()?;
    let logs = LogWithSeal::open_all(files)?;
    let order = LogOrder::of_history(&logs)?;
    let wanted = options.diff.as_deref().unwrap_or_default();
    if !wanted.is_empty() {
        LogWithSeal::require_files(&logs, "--diff")?;
    }
    let mut history = NameHistory {
        name: TypedName::new(name),
        revisions: 0,
        events: 0,
        wanted,
        found: Vec::new(),
        table: Table::new(TABLE, Titles::on_terminal()),
        is_json: options.json,
    };
    let mut notes = Notes::default();
    notes.say_holes(&order.holes(&logs));
    let bar = progress::bytes("searching", LogWithSeal::total_length(&logs));
    let reading = Reading::WithSeal(Hashing::All);
    let mut records = OrderedRecords::new(&logs, &order, reading, &bar);
    loop {
        let record = records.next();
        records.say(&mut notes);
        let Some((index, record)) = record? else {
            break;
        };
        let log_name = (logs.len() > 1).then(|| logs[index].name());
        history.add(index, log_name, &record, out)?;
    }
    bar.finish_and_clear();
    history.end(&logs, out)?;
    Ok(notes.verdict())
}

/// The history of a name so far.
struct NameHistory<'o> {
    name: TypedName,
    /// The revisions that were stored.
    revisions: u64,
    events: u64,
    /// The requested revisions, and those found so far.
    wanted: &'o [NonZeroU64],
    found: Vec<Revision>,
    table: Table<COLUMNS>,
    is_json: bool,
}

impl NameHistory<'_> {
    fn add(
        &mut self,
        log: usize,
        log_name: Option<&str>,
        record: &EntryRecord,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let Some(event) = self.name.event(record) else {
            return Ok(());
        };
        self.events += 1;
        let is_revision = event == NameEvent::Stored && record.torn.is_none();
        self.revisions += u64::from(is_revision);
        let revision = is_revision.then_some(self.revisions);
        if !self.wanted.is_empty() {
            let is_wanted = |wanted: &NonZeroU64| Some(wanted.get()) == revision;
            if self.wanted.iter().any(is_wanted)
                && let Some(number) = revision
                && let Some(put) = PutEntry::of(log, record)
            {
                let time = record.sealed().map(|line| seconds(line.time));
                self.found.push(Revision { number, put, time });
            }
            return Ok(());
        }
        if self.is_json {
            json::print(log_name, record, json::Extra::Revision(revision), out)
        } else {
            self.table.print(cells(revision, log_name, record), out)
        }
        .map_err(Failure::output)
    }

    fn end(mut self, logs: &[LogWithSeal], out: &mut impl Write) -> Result<(), Failure> {
        self.table.print_kept(out).map_err(Failure::output)?;
        if self.events == 0 {
            return Err(Failure::NoHistory {
                name: self.name.as_logged().to_owned(),
            });
        }
        let &[old, new] = self.wanted else {
            return Ok(());
        };
        let find = |number: NonZeroU64| {
            let mut found = self.found.iter();
            found
                .find(|revision| revision.number == number.get())
                .ok_or_else(|| Failure::NoSuchRevision {
                    name: self.name.as_logged().to_owned(),
                    number,
                    last: self.revisions,
                })
        };
        print_diff(self.name.as_logged(), logs, find(old)?, find(new)?, out)
    }
}

/// The line of an entry.
fn cells(revision: Option<u64>, log: Option<&str>, record: &EntryRecord) -> [String; COLUMNS] {
    let [time, peer, user] = record.requester_cells();
    let stored = record
        .method_and_name()
        .filter(|(method, _)| *method == "PUT");
    let what = record
        .method_and_name()
        .map_or_else(String::new, |(method, name)| format!("{method} {name}"));
    let hash = record.hash.map(|hash| hash.to_string());
    [
        dash(revision),
        dash(record.number),
        time,
        peer,
        user,
        record.status_word(),
        dash(stored.and_then(|_| record.bytes())),
        hash.map_or_else(
            || "-".to_owned(),
            |hash| hash.chars().take(DIGITS).collect(),
        ),
        match log {
            Some(log) => format!("{what} in {log}"),
            None => what,
        },
    ]
}
