//! The lines of a sealed log: also when, from where, and by whom.

use super::row::RowText;
use crate::record::EntryRecord;
use crate::table::Column;
use crate::text::{address_and_port, dash, seconds};

/// How many columns there are.
pub(super) const COLUMNS: usize = 8;

/// What they are. The name is last, so that it can have any length.
pub(super) const TABLE: [Column; COLUMNS] = [
    Column::Number("number"),
    Column::Text("time"),
    Column::Text("peer"),
    Column::Text("user"),
    Column::Text("status"),
    Column::Number("bytes"),
    Column::Text("method"),
    Column::Text("name"),
];

/// The line of an entry.
pub(super) fn cells(record: &EntryRecord, row: &RowText<'_>) -> [String; COLUMNS] {
    let absent = || "-".to_owned();
    let line = record.sealed();
    [
        dash(record.number),
        line.map_or_else(absent, |line| seconds(line.time)),
        line.map_or_else(absent, |line| address_and_port(&line.peer).0),
        line.and_then(|line| line.user.clone())
            .unwrap_or_else(absent),
        record.status_word(),
        dash(record.bytes()),
        row.method.to_owned(),
        row.name.clone().into_owned(),
    ]
}
