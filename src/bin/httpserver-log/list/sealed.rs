//! The lines of a sealed log, with time, peer and user.

use super::row::RowText;
use crate::record::EntryRecord;
use crate::table::Column;
use crate::text::dash;

/// How many columns there are.
pub(super) const COLUMNS: usize = 8;

/// The columns. The name is last, so that it can have any length.
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
    let [time, peer, user] = record.requester_cells();
    [
        dash(record.number),
        time,
        peer,
        user,
        record.status_word(),
        dash(record.bytes()),
        row.method.to_owned(),
        row.name.clone().into_owned(),
    ]
}
