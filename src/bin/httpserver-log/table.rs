//! Aligned columns, as narrow as the first lines allow, so that a line fits a terminal if it can.
//!
//! The first lines are buffered to determine the widths. A longer value in a later line widens its column from there
//! on. The last column can have any length.

use std::io::{self, IsTerminal, Write};

/// The most lines that are buffered, and their bytes.
const LINES: usize = 500;
const BYTES: usize = 1024 * 1024;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// Text begins at the left.
    Text(&'static str),
    /// Numbers end at the right.
    Number(&'static str),
}

/// See the module's description.
pub(crate) struct Table<const N: usize> {
    columns: [Column; N],
    widths: [usize; N],
    titles: Titles,
    /// Buffered lines, until the first ones are printed.
    kept: Vec<[String; N]>,
    kept_bytes: usize,
    is_begun: bool,
}

/// Whether the columns have titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Titles {
    Shown,
    Absent,
}

impl Titles {
    /// Titles are printed on a terminal only.
    pub(crate) fn on_terminal() -> Self {
        if io::stdout().is_terminal() {
            Self::Shown
        } else {
            Self::Absent
        }
    }
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(columns: [Column; N], titles: Titles) -> Self {
        let mut table = Self {
            columns,
            widths: [0; N],
            titles,
            kept: Vec::new(),
            kept_bytes: 0,
            is_begun: false,
        };
        if titles == Titles::Shown {
            table.widen(&table.title_cells());
        }
        table
    }

    /// Prints a line, now or later.
    pub(crate) fn print(&mut self, cells: [String; N], out: &mut impl Write) -> io::Result<()> {
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

    /// Prints the buffered lines.
    pub(crate) fn print_kept(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        if self.titles == Titles::Shown {
            self.write(&self.title_cells(), out)?;
        }
        self.is_begun = true;
        for cells in std::mem::take(&mut self.kept) {
            self.write(&cells, out)?;
        }
        Ok(())
    }

    fn title_cells(&self) -> [String; N] {
        self.columns.map(|column| match column {
            Column::Text(title) | Column::Number(title) => title.to_owned(),
        })
    }

    fn widen(&mut self, cells: &[String; N]) {
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }

    fn write(&self, cells: &[String; N], out: &mut impl Write) -> io::Result<()> {
        let mut columns = cells.iter().zip(self.widths).zip(self.columns).peekable();
        while let Some(((cell, width), column)) = columns.next() {
            match column {
                _ if columns.peek().is_none() => writeln!(out, "{cell}")?,
                Column::Number(_) => write!(out, "{cell:>width$} ")?,
                Column::Text(_) => write!(out, "{cell:<width$} ")?,
            }
        }
        Ok(())
    }
}
