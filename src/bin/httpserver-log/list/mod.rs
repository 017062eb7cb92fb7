//! `list`: one line per entry.

mod json;
mod plain;
mod row;
mod table;

use self::plain::Columns;
use self::row::RowText;
use self::table::{Table, Titles};
use crate::cli::ListArguments;
use crate::failure::Failure;
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::record::EntryRecord;
use crate::selected::read_selected;
use crate::verdict::Verdict;
use indicatif::ProgressBar;
use std::io::{self, IsTerminal, Write};

/// Lists the entries that the options select.
pub(crate) fn run(options: &ListArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let logs = LogWithSeal::open_all(&options.files)?;
    options.selection.require_seals(&logs, &options.files)?;
    let mut printer = Printer::new(options, &logs, out)?;
    let mut notes = Notes::default();
    let hidden = ProgressBar::hidden();
    read_selected(
        &logs,
        &options.selection,
        &hidden,
        &mut notes,
        |log, record| {
            if options.failed && !record.is_failed() {
                return Ok(());
            }
            printer.print(log.name(), &record, out)
        },
    )?;
    printer.end(out)?;
    Ok(notes.verdict())
}

/// Prints entries in one of the forms.
struct Printer {
    form: Form,
    is_decoded: bool,
    has_several_logs: bool,
}

enum Form {
    Json,
    /// Of logs none of which has a seal.
    Plain(Columns),
    Sealed(Table),
}

impl Printer {
    fn new(
        options: &ListArguments,
        logs: &[LogWithSeal],
        out: &mut impl Write,
    ) -> Result<Self, Failure> {
        let is_terminal = io::stdout().is_terminal();
        let form = if options.json {
            Form::Json
        } else if logs.iter().any(|log| log.seal.is_some()) {
            let titles = if is_terminal {
                Titles::Shown
            } else {
                Titles::Absent
            };
            Form::Sealed(Table::new(titles))
        } else {
            let lengths = logs.iter().map(|log| log.source.length());
            let columns = Columns::for_log(
                lengths
                    .max_by_key(|length| length.unwrap_or(u64::MAX))
                    .flatten(),
            );
            if is_terminal {
                columns.print_titles(out).map_err(Failure::output)?;
            }
            Form::Plain(columns)
        };
        Ok(Self {
            form,
            is_decoded: options.decoded,
            has_several_logs: logs.len() > 1,
        })
    }

    fn print(
        &mut self,
        log: &str,
        record: &EntryRecord,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let row = || RowText::new(record, self.is_decoded);
        match &mut self.form {
            Form::Json => json::line(
                self.has_several_logs.then_some(log),
                record,
                self.is_decoded,
            )
            .map_err(io::Error::from)
            .and_then(|line| writeln!(out, "{line}")),
            Form::Plain(columns) => columns.print(record, &row(), out),
            Form::Sealed(table) => table.print(record, &row(), out),
        }
        .map_err(Failure::output)
    }

    /// Prints what is left.
    fn end(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        match &mut self.form {
            Form::Sealed(table) => table.print_kept(out).map_err(Failure::output),
            Form::Json | Form::Plain(_) => Ok(()),
        }
    }
}
