//! Prints entries in one of three forms: JSON, the columns of a log, or those of a sealed log.

use super::plain::Columns;
use super::row::RowText;
use super::sealed::{COLUMNS, TABLE, cells};
use crate::cli::ListArguments;
use crate::failure::Failure;
use crate::json::{self, Extra};
use crate::logs::LogWithSeal;
use crate::record::EntryRecord;
use crate::table::{Table, Titles};
use std::io::Write;

/// Prints entries in one of the forms.
pub(super) struct Printer {
    form: Form,
    is_decoded: bool,
    has_several_logs: bool,
}

enum Form {
    Json,
    /// For logs without a seal.
    Plain(Columns),
    Sealed(Box<Table<COLUMNS>>),
}

impl Printer {
    pub(super) fn new(
        options: &ListArguments,
        logs: &[LogWithSeal],
        out: &mut impl Write,
    ) -> Result<Self, Failure> {
        let form = if options.json {
            Form::Json
        } else if logs.iter().any(|log| log.seal.is_some()) {
            Form::Sealed(Box::new(Table::new(TABLE, Titles::on_terminal())))
        } else {
            let lengths = logs.iter().map(|log| log.source.length());
            let columns = Columns::for_log(
                lengths
                    .max_by_key(|length| length.unwrap_or(u64::MAX))
                    .flatten(),
            );
            if Titles::on_terminal() == Titles::Shown {
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

    pub(super) fn print(
        &mut self,
        log: &str,
        record: &EntryRecord,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let row = || RowText::new(record, self.is_decoded);
        match &mut self.form {
            Form::Json => {
                let extra = if self.is_decoded {
                    Extra::Decoded
                } else {
                    Extra::Nothing
                };
                json::print(self.has_several_logs.then_some(log), record, extra, out)
            }
            Form::Plain(columns) => columns.print(record, &row(), out),
            Form::Sealed(table) => table.print(cells(record, &row()), out),
        }
        .map_err(Failure::output)
    }

    /// Prints lines that were kept so far.
    pub(super) fn print_kept(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        match &mut self.form {
            Form::Sealed(table) => table.print_kept(out).map_err(Failure::output),
            Form::Json | Form::Plain(_) => Ok(()),
        }
    }
}
