//! `merge`: the logs of several servers of one root as one log.

use crate::cli::MergeArguments;
use crate::failure::Failure;
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::ordered_records::{OrderedRecords, Reading};
use crate::output_file::to_file;
use crate::progress;
use crate::records::Hashing;
use crate::text::{self, count};
use crate::verdict::Verdict;
use indicatif::ProgressBar;
use std::io::{self, Read, Write};

/// Bytes that are copied at once.
const PIECE: usize = 64 * 1024;

/// Writes the entries of all logs in their order.
pub(crate) fn run(options: &MergeArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let logs = LogWithSeal::open_all(&options.files)?;
    LogWithSeal::require_files(&logs, "merge")?;
    let order = LogOrder::of(&logs)?;
    if matches!(order, LogOrder::Given) {
        return Err(Failure::OneServer);
    }
    let mut notes = Notes::default();
    notes.say_holes(&order.holes(&logs));
    let bar = progress::bytes("merging", LogWithSeal::total_length(&logs));
    let mut merged = Merged {
        logs: &logs,
        order: &order,
        bar: &bar,
        entries: 0,
    };
    match &options.output {
        None => {
            merged.write(&mut notes, &mut |piece| {
                out.write_all(piece).map_err(Failure::output)
            })?;
            bar.finish_and_clear();
        }
        Some(path) => {
            to_file(path, |write| merged.write(&mut notes, write))?;
            bar.finish_and_clear();
            let entries = count(merged.entries, "entry", "entries");
            let logs = count(logs.len() as u64, "log", "logs");
            writeln!(out, "{}: {entries} of {logs}", text::path(path)).map_err(Failure::output)?;
        }
    }
    Ok(notes.verdict())
}

/// The merged log.
struct Merged<'l> {
    logs: &'l [LogWithSeal],
    order: &'l LogOrder,
    bar: &'l ProgressBar,
    /// The number of entries so far.
    entries: u64,
}

impl Merged<'_> {
    fn write(
        &mut self,
        notes: &mut Notes,
        write: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let hidden = ProgressBar::hidden();
        let copies = self.logs.iter().map(|log| {
            let input = log.source.log_bytes(&hidden)?;
            Ok(LogCopy {
                name: log.name(),
                input,
                at: 0,
            })
        });
        let mut copies: Vec<_> = copies.collect::<Result<_, Failure>>()?;
        let reading = Reading::WithSeal(Hashing::Sealed);
        let mut records = OrderedRecords::new(self.logs, self.order, reading, self.bar);
        loop {
            let record = records.next();
            records.say(notes);
            let Some((log, record)) = record? else {
                return Ok(());
            };
            if let Some(fault) = &record.torn {
                let name = self.logs[log].name();
                self.bar
                    .suspend(|| eprintln!("httpserver-log: {name}: left out: {fault}"));
                continue;
            }
            copies[log].copy(record.offset, record.length, write)?;
            self.entries += 1;
        }
    }
}

/// The bytes of a log, read from front to back.
struct LogCopy<'l> {
    name: &'l str,
    input: Box<dyn Read + Send + 'l>,
    at: u64,
}

impl LogCopy<'_> {
    /// Copies an entry, which is not before the last one.
    fn copy(
        &mut self,
        offset: u64,
        length: u64,
        write: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let changed = || Failure::Changed {
            log: self.name.to_owned(),
        };
        let between = offset.checked_sub(self.at).ok_or_else(changed)?;
        let mut passed = self.input.by_ref().take(between);
        io::copy(&mut passed, &mut io::sink()).map_err(Failure::file(self.name))?;
        let mut entry = self.input.by_ref().take(length);
        let mut piece = vec![0; PIECE];
        let mut copied = 0;
        loop {
            let count = entry.read(&mut piece).map_err(Failure::file(self.name))?;
            if count == 0 {
                break;
            }
            write(&piece[..count])?;
            copied += count as u64;
        }
        self.at = offset + copied;
        if copied == length {
            Ok(())
        } else {
            Err(Failure::Changed {
                log: self.name.to_owned(),
            })
        }
    }
}
