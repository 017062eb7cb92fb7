//! `list`: one line per entry.

mod plain;
mod printer;
mod row;
mod sealed;

use self::printer::Printer;
use crate::cli::ListArguments;
use crate::failure::Failure;
use crate::follow::{Flow, FollowSink, Follower};
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::record::EntryRecord;
use crate::selected::read_selected;
use crate::selection::Match;
use crate::verdict::Verdict;
use indicatif::ProgressBar;
use std::io::Write;

/// Lists the entries that the options select.
pub(crate) fn run(options: &ListArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let mut logs = LogWithSeal::open_all(&options.files)?;
    options.selection.require_seals(&logs, &options.files)?;
    let mut printer = Printer::new(options, &logs, out)?;
    let mut notes = Notes::default();
    let followed = options.files.last().filter(|_| options.follow);
    if followed.is_some() {
        logs.pop();
    }
    let order = match followed {
        None => LogOrder::of(&logs)?,
        Some(_) => LogOrder::Given,
    };
    notes.say_holes(&order.holes(&logs));
    let hidden = ProgressBar::hidden();
    read_selected(
        &logs,
        &order,
        &options.selection,
        &hidden,
        &mut notes,
        |log, record| printer.print(log.name(), &record, out),
    )?;
    if let Some(path) = followed {
        let name = crate::text::path(path);
        let mut lines = FollowedLines {
            options,
            name: &name,
            printer: &mut printer,
            out,
            unknown: 0,
        };
        Follower::new(path, &mut notes, &mut lines)?.run()?;
        Notes::say_unknown(&name, lines.unknown);
    }
    printer.print_kept(out)?;
    Ok(notes.verdict())
}

/// The lines of a log that is followed.
struct FollowedLines<'l, W> {
    options: &'l ListArguments,
    name: &'l str,
    printer: &'l mut Printer,
    out: &'l mut W,
    /// Entries that the selection could not judge.
    unknown: u64,
}

impl<W: Write> FollowSink for FollowedLines<'_, W> {
    fn entry(&mut self, record: &EntryRecord) -> Result<Flow, Failure> {
        match self.options.selection.matches(record) {
            Match::Selected => self.printer.print(self.name, record, self.out)?,
            Match::Other => {}
            Match::Unknown => self.unknown += 1,
            Match::Past => return Ok(Flow::Stop),
        }
        Ok(Flow::On)
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.printer.print_kept(self.out)?;
        self.out.flush().map_err(Failure::output)
    }
}
