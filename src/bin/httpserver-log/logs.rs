//! The logs of a command line, each with its seal if there is one beside it.

use crate::contents::Contents;
use crate::failure::Failure;
use crate::log_reader::LogReader;
use crate::pairing::Pairing;
use crate::records::{Hashing, Records};
use crate::seal_entries::SealEntries;
use crate::seal_files::seal_of;
use crate::source::LogSource;
use httpserver::request_log::verify::SealStart;
use httpserver::seal::line::LineContent;
use httpserver::seal::read::{SealError, SealLine, SealReader};
use indicatif::ProgressBar;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The number of attempts to open a log and its seal, if a rotation renames them in between.
const TRIES: usize = 20;

/// A log and its seal.
#[derive(Debug)]
pub(crate) struct LogWithSeal {
    pub(crate) source: LogSource,
    pub(crate) seal: Option<LogSource>,
}

impl LogWithSeal {
    /// Opens a log, and the seal beside it; `-` is standard input, which has none.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let mut log = Self::open_once(path)?;
        for _ in 0..TRIES {
            if log.is_pair(path) {
                break;
            }
            log = Self::open_once(path)?;
        }
        Ok(log)
    }

    /// Opens several.
    pub(crate) fn open_all(paths: &[impl AsRef<Path>]) -> Result<Vec<Self>, Failure> {
        paths.iter().map(|path| Self::open(path.as_ref())).collect()
    }

    /// Checks that logs that `purpose` reads twice are files.
    pub(crate) fn require_files(logs: &[Self], purpose: &'static str) -> Result<(), Failure> {
        logs.iter()
            .try_for_each(|log| log.source.require_file(purpose))
    }

    /// Checks that logs that are read as one are in the order of their seals. The order of logs without a seal, or of
    /// different seals, is not known.
    pub(crate) fn require_order(logs: &[Self]) -> Result<(), Failure> {
        let mut before: Option<(&Self, SealStart)> = None;
        for log in logs.iter().filter(|_| logs.len() > 1) {
            let Some(start) = log.seal_start()? else {
                continue;
            };
            if let Some((newer, known)) = &before
                && known.identity == start.identity
                && known.file > start.file
            {
                return Err(Failure::NewerFirst {
                    log: log.name().to_owned(),
                    newer: newer.name().to_owned(),
                });
            }
            before = Some((log, start));
        }
        Ok(())
    }

    /// The first line of the seal; `None` if there is none.
    pub(crate) fn seal_start(&self) -> Result<Option<SealStart>, Failure> {
        let Some(seal) = &self.seal else {
            return Ok(None);
        };
        let mut reader = SealReader::new(seal.bytes(&ProgressBar::hidden())?);
        match reader.next_line() {
            Ok(Some(SealLine {
                line: LineContent::Begin(begin),
                ..
            })) => Ok(Some(SealStart::from(&begin))),
            // Faults of the seal are reported when the entries are read.
            Ok(_) | Err(SealError::NotALine { .. } | SealError::Torn { .. }) => Ok(None),
            Err(SealError::Input(error)) => Err(Failure::file(seal.name())(error)),
        }
    }

    /// Bytes of all logs, if they are known.
    pub(crate) fn total_length(logs: &[Self]) -> Option<u64> {
        logs.iter().map(|log| log.source.length()).sum()
    }

    /// The contents of PUT entries in these logs.
    pub(crate) fn contents(logs: &[Self]) -> Result<Contents<'_>, Failure> {
        Contents::open(logs.iter().map(|log| &log.source).collect())
    }

    fn open_once(path: &Path) -> Result<Self, Failure> {
        let source = LogSource::open(path)?;
        let is_file = source.metadata().is_some();
        let seal = if is_file { seal_of(path) } else { None };
        let seal = seal.map(|seal| LogSource::open(&seal)).transpose()?;
        Ok(Self { source, seal })
    }

    /// Whether both still have their names, which shows that they belong together.
    fn is_pair(&self, path: &Path) -> bool {
        let Some(seal) = &self.seal else {
            return true;
        };
        let is_named = |source: &LogSource, path: &Path| {
            let named = fs::metadata(path).map(|found| (found.dev(), found.ino()));
            named.ok() == source.identity()
        };
        is_named(&self.source, path) && seal_of(path).is_some_and(|path| is_named(seal, &path))
    }

    /// The name of the log in messages.
    pub(crate) fn name(&self) -> &str {
        self.source.name()
    }

    /// Reads its entries from the first on; `bar` counts the bytes of the file.
    pub(crate) fn records(
        &self,
        hashing: Hashing,
        bar: &ProgressBar,
    ) -> Result<Records<'_>, Failure> {
        let log: LogReader<'_> = self.source.read(bar)?;
        let seal = self.seal.as_ref().map(SealEntries::open).transpose()?;
        Ok(Records::new(log, Pairing::new(self.name(), seal), hashing))
    }

    /// The same without the seal.
    pub(crate) fn unsealed_records(&self, bar: &ProgressBar) -> Result<Records<'_>, Failure> {
        let pairing = Pairing::new(self.name(), None);
        Ok(Records::new(
            self.source.read(bar)?,
            pairing,
            Hashing::Sealed,
        ))
    }
}
