//! The lines of a sealed log: also when, from where, and by whom.
//!
//! Columns are as narrow as the first lines allow, so that a line fits a terminal of 80 columns if it can: these lines
//! are kept until their widths are known. A later line that needs more makes its column wider from there on.

use super::row::RowText;
use crate::record::EntryRecord;
use crate::text::{address_and_port, dash};
use std::io::{self, Write};

/// Lines that are kept at most, and their bytes.
const LINES: usize = 500;
const BYTES: usize = 1024 * 1024;

/// Number, time, peer, user, status, bytes, method, name.
const COLUMNS: usize = 8;

const TITLES: [&str; COLUMNS] = [
    "number", "time", "peer", "user", "status", "bytes", "method", "name",
];

/// Columns of numbers, which end at the right.
const TO_THE_RIGHT: [bool; COLUMNS] = [true, false, false, false, false, true, false, false];

type Cells = [String; COLUMNS];

/// See the module's description.
pub(super) struct Table {
    widths: [usize; COLUMNS],
    titles: Titles,
    /// Lines that are kept, until the first were printed.
    kept: Vec<Cells>,
    kept_bytes: usize,
    is_begun: bool,
}

/// Whether the columns have titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Titles {
    Shown,
    Absent,
}

impl Table {
    pub(super) fn new(titles: Titles) -> Self {
        let mut table = Self {
            widths: [0; COLUMNS],
            titles,
            kept: Vec::new(),
            kept_bytes: 0,
            is_begun: false,
        };
        if titles == Titles::Shown {
            table.widen(&TITLES.map(str::to_owned));
        }
        table
    }

    /// Prints an entry, now or later.
    pub(super) fn print(
        &mut self,
        record: &EntryRecord,
        row: &RowText<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let cells = cells(record, row);
        self.widen(&cells);
        if self.is_begun {
            return self.write(&cells, out);
        }
        self.kept_bytes += cells.iter().map(String::len).sum::<usize>();
        self.kept.push(cells);
        if self.kept.len() < LINES && self.kept_bytes < BYTES {
            return Ok(());
        }
        self.print_kept(out)
    }

    /// Prints what was kept so far.
    pub(super) fn print_kept(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !self.is_begun && self.titles == Titles::Shown {
            self.write(&TITLES.map(str::to_owned), out)?;
        }
        self.is_begun = true;
        for cells in std::mem::take(&mut self.kept) {
            self.write(&cells, out)?;
        }
        Ok(())
    }

    fn widen(&mut self, cells: &Cells) {
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = cell.len().max(*width);
        }
    }

    fn write(&self, cells: &Cells, out: &mut impl Write) -> io::Result<()> {
        let last = COLUMNS - 1;
        let columns = cells.iter().zip(self.widths).zip(TO_THE_RIGHT);
        for ((cell, width), is_right) in columns.take(last) {
            if is_right {
                write!(out, "{cell:>width$} ")?;
            } else {
                write!(out, "{cell:<width$} ")?;
            }
        }
        writeln!(out, "{}", cells[last])
    }
}

fn cells(record: &EntryRecord, row: &RowText<'_>) -> Cells {
    let absent = || "-".to_owned();
    let line = record.sealed();
    [
        dash(record.number),
        line.map_or_else(absent, |line| seconds(&line.time.to_string())),
        line.map_or_else(absent, |line| address_and_port(&line.peer).0),
        line.and_then(|line| line.user.clone())
            .unwrap_or_else(absent),
        record.status_word(),
        dash(record.bytes()),
        row.method.to_owned(),
        row.name.clone().into_owned(),
    ]
}

/// A moment without its fraction.
fn seconds(moment: &str) -> String {
    match moment.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => moment.to_owned(),
    }
}
