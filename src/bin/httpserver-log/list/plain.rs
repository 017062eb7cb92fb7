//! The lines of a log without a seal.

use super::row::RowText;
use crate::record::EntryRecord;
use crate::text::dash;
use std::io::{self, Write};

/// Bytes of the shortest entry: `GET / length 0`, a separator, and two newlines.
const SHORTEST_ENTRY: u64 = 24;

/// Widths of the columns before the method. The name is last, so that it can have any length.
pub(super) struct Columns {
    number: usize,
    /// The width of offsets, and of lengths, which are smaller.
    bytes: usize,
}

impl Columns {
    /// Wide enough for a log of so many bytes, or, if that is not known, for a terabyte. A log of less than that and
    /// the classic dialect's names fill 80 columns at most.
    pub(super) fn for_log(length: Option<u64>) -> Self {
        let length = length.unwrap_or(1_000_000_000_000);
        let digits = |number: u64| number.to_string().len();
        Self {
            number: digits(length / SHORTEST_ENTRY).max(6),
            bytes: digits(length).max(12),
        }
    }

    pub(super) fn print_titles(&self, out: &mut impl Write) -> io::Result<()> {
        let titles = ["number", "offset", "bytes", "status", "method", "name"];
        self.print_cells(titles, out)
    }

    pub(super) fn print(
        &self,
        record: &EntryRecord,
        row: &RowText<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let cells = [
            &dash(record.number),
            &record.offset.to_string(),
            &dash(record.bytes()),
            &record.status_word(),
            row.method,
            &row.name,
        ];
        self.print_cells(cells, out)
    }

    fn print_cells(
        &self,
        [number, offset, bytes, status, method, name]: [&str; 6],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (first, wide) = (self.number, self.bytes);
        writeln!(
            out,
            "{number:>first$} {offset:>wide$} {bytes:>wide$}  {status:<6}  {method:<7}  {name}"
        )
    }
}
