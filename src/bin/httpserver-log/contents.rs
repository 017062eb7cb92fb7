//! The second pass through logs, for the contents of PUT entries in their order.
//!
//! A plain log is read from the entry on; a compressed one is decompressed again from its start.

use crate::failure::Failure;
use crate::journal::PutEntry;
use crate::log_reader::LogReader;
use crate::source::LogSource;
use indicatif::ProgressBar;

/// Up to this distance, bytes are read instead of skipped, since a seek costs a new buffer.
const NEAR: u64 = 1024 * 1024;

/// See the module's description.
pub(crate) struct Contents<'s> {
    sources: Vec<&'s LogSource>,
    /// The one that is read, and which it is.
    log: LogReader<'s>,
    current: usize,
}

impl<'s> Contents<'s> {
    /// Starts at the beginning of the first log.
    pub(crate) fn open(sources: Vec<&'s LogSource>) -> Result<Self, Failure> {
        let Some(first) = sources.first() else {
            return Err(Failure::Usage("<FILE> is missing".to_owned()));
        };
        let log = first.read(&ProgressBar::hidden())?;
        Ok(Self {
            sources,
            log,
            current: 0,
        })
    }

    /// Goes to an entry. Entries must be visited in order.
    pub(crate) fn find(&mut self, put: &PutEntry) -> Result<(), Failure> {
        let source = self.sources[put.log];
        if put.log != self.current {
            self.log = source.read(&ProgressBar::hidden())?;
            self.current = put.log;
        }
        if put.at.saturating_sub(self.log.position()) > NEAR
            && let Some(log) = source.read_from(put.at, put.number)
        {
            self.log = log;
        }
        while let Some(head) = self.log.next_head()? {
            if head.offset == put.at {
                return Ok(());
            }
        }
        Err(Failure::Changed {
            log: source.name().to_owned(),
        })
    }

    /// The next piece of that entry's content, `None` at the end.
    pub(crate) fn next_piece(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.log.content()
    }

    /// The log, read up to that entry's content.
    pub(crate) fn into_log(self) -> LogReader<'s> {
        self.log
    }
}
