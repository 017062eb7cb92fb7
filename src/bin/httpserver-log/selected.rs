//! Reads the selected entries of one or several logs.

use crate::failure::Failure;
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::ordered_records::{OrderedRecords, Reading};
use crate::record::EntryRecord;
use crate::records::Hashing;
use crate::selection::{EntrySelection, Match};
use indicatif::ProgressBar;

/// Calls `each` with the selected entries of all logs, in this order. Returns how many bytes of the logs were read.
pub(crate) fn read_selected(
    logs: &[LogWithSeal],
    order: &LogOrder,
    selection: &EntrySelection,
    bar: &ProgressBar,
    notes: &mut Notes,
    mut each: impl FnMut(&LogWithSeal, EntryRecord) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut unknown = vec![0; logs.len()];
    let mut records = OrderedRecords::new(logs, order, Reading::WithSeal(Hashing::Sealed), bar);
    loop {
        let record = records.next();
        records.say(notes);
        let Some((log, record)) = record? else { break };
        match selection.matches(&record) {
            Match::Selected => each(&logs[log], record)?,
            Match::Other => {}
            Match::Unknown => unknown[log] += 1,
            // The times of several servers are in no order.
            Match::Past if records.is_merged() => {}
            Match::Past => records.skip_log(),
        }
    }
    for (log, unknown) in logs.iter().zip(unknown) {
        bar.suspend(|| Notes::say_unknown(log.name(), unknown));
    }
    Ok(records.position())
}
