//! Reads the entries of one or several logs that a selection takes.

use crate::failure::Failure;
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::record::EntryRecord;
use crate::records::Hashing;
use crate::selection::{EntrySelection, Match};
use indicatif::ProgressBar;

/// Calls `each` with the selected entries of all logs, in their order. Returns how many bytes of the logs were read.
pub(crate) fn read_selected(
    logs: &[LogWithSeal],
    selection: &EntrySelection,
    bar: &ProgressBar,
    notes: &mut Notes,
    mut each: impl FnMut(&LogWithSeal, EntryRecord) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut bytes = 0;
    for log in logs {
        let mut records = log.records(Hashing::Sealed, bar)?;
        let mut unknown = 0;
        loop {
            let record = records.next();
            bar.suspend(|| notes.say(records.pairing()));
            let Some(record) = record? else { break };
            match selection.matches(&record) {
                Match::Selected => each(log, record)?,
                Match::Other => {}
                Match::Unknown => unknown += 1,
                Match::Past => break,
            }
        }
        bar.suspend(|| Notes::say_unknown(log.name(), unknown));
        bytes += records.position();
    }
    Ok(bytes)
}
