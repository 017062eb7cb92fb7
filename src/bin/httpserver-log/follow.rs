//! `list --follow`: entries as they are written, across rotations, as `tail -F` follows a file.
//!
//! 1. Show each entry when it is complete (`growing`), with its line of the seal (`pairing`).
//! 2. If there is no further entry, check whether another file has the log's name, and wait.
//! 3. If another file has the name, read the old one to its end, since the entries with a place in it are finished
//!    there. Then follow the new one.

use crate::failure::Failure;
use crate::growing::{GrowingLog, Grown, LogWriting};
use crate::interruption::{Interruption, wait};
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::pairing::{Pairing, hash_of};
use crate::record::EntryRecord;
use crate::seal_entries::SealEntries;
use crate::text::count;
use httpserver::seal::state::Tip;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The interval between checks of a log that does not grow.
const INTERVAL: Duration = Duration::from_millis(100);

/// The time after which a renamed log that does not grow counts as finished.
const QUIET: Duration = Duration::from_secs(1);

/// The same for a sealed log, whose seal should name the next log; also the time to wait for the next log's seal.
const QUIET_SEALED: Duration = Duration::from_secs(5);

/// Whether to continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    On,
    Stop,
}

/// Takes what is followed.
pub(crate) trait FollowSink {
    /// The next entry.
    fn entry(&mut self, record: &EntryRecord) -> Result<Flow, Failure>;

    /// There is no further entry for now: the sink must print its output.
    fn pause(&mut self) -> Result<(), Failure>;
}

/// A log that is followed by its name.
pub(crate) struct Follower<'f, S> {
    path: &'f Path,
    interruption: Interruption,
    notes: &'f mut Notes,
    sink: &'f mut S,
}

/// Why following a file ends.
enum FileEnd {
    /// The sink has finished.
    Stopped,
    /// Another file has its name. The last line of its seal, if it has one.
    Replaced(Option<Tip>),
}

impl<'f, S: FollowSink> Follower<'f, S> {
    /// Follows the log at `path`.
    pub(crate) fn new(
        path: &'f Path,
        notes: &'f mut Notes,
        sink: &'f mut S,
    ) -> Result<Self, Failure> {
        Ok(Self {
            path,
            interruption: Interruption::watch()?,
            notes,
            sink,
        })
    }

    /// Passes entries to the sink until one of the reasons to end.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let mut log = LogWithSeal::open(self.path)?;
        let mut before = None;
        loop {
            match self.follow(&log, before)? {
                FileEnd::Stopped => return Ok(()),
                FileEnd::Replaced(tip) => before = tip,
            }
            let Some(next) = self.open_next(&log)? else {
                return Ok(());
            };
            let lost = log.seal.is_some() && next.seal.is_none();
            let without = if lost { ", without a seal" } else { "" };
            eprintln!(
                "httpserver-log: {}: a new log begins here{without}",
                log.name()
            );
            log = next;
        }
    }

    /// Follows one file to its end.
    fn follow(&mut self, log: &LogWithSeal, before: Option<Tip>) -> Result<FileEnd, Failure> {
        let seal = log.seal.as_ref().map(SealEntries::follow).transpose()?;
        if let (Some(before), Some(seal)) = (before, &seal) {
            say_gap(log.name(), &before, seal);
        }
        let mut pairing = Pairing::new(log.name(), seal);
        let mut growing = GrowingLog::new(&log.source);
        let mut replaced = None;
        let mut grown = Instant::now();
        loop {
            if self.interruption.came() {
                return self.stop();
            }
            let writing = match replaced {
                None => LogWriting::GoesOn,
                Some(_) => LogWriting::Ended,
            };
            match self.read(&mut growing, &mut pairing, writing)? {
                FollowStep::Read(Flow::On) => {
                    grown = Instant::now();
                    continue;
                }
                FollowStep::Read(Flow::Stop) => return self.stop(),
                FollowStep::Unfinished => {}
                FollowStep::End => {
                    if let Some(since) = replaced
                        && is_over(&mut pairing, grown.max(since))?
                    {
                        return self.end(&mut pairing, growing.position());
                    }
                }
            }
            self.sink.pause()?;
            if replaced.is_none() && is_replaced(self.path, log) {
                replaced = Some(Instant::now());
            }
            wait(INTERVAL)?;
        }
    }

    fn stop(&mut self) -> Result<FileEnd, Failure> {
        self.sink.pause()?;
        Ok(FileEnd::Stopped)
    }

    /// Reads the next entry of a log, and passes it to the sink.
    fn read(
        &mut self,
        growing: &mut GrowingLog<'_>,
        pairing: &mut Pairing<'_>,
        writing: LogWriting,
    ) -> Result<FollowStep, Failure> {
        let mut hasher = pairing.is_sealed().then(Sha256::new);
        let grown = growing.next(writing, |piece| {
            if let Some(hasher) = &mut hasher {
                hasher.update(piece);
            }
        })?;
        let (item, place) = match grown {
            Grown::Item(item, place) => (item, place),
            Grown::End => return Ok(FollowStep::End),
            Grown::Unfinished => return Ok(FollowStep::Unfinished),
        };
        let hash = hash_of(&item, hasher);
        pairing.add(item, &growing.first_line(), place, hash)?;
        self.notes.say(pairing);
        while let Some(record) = pairing.take() {
            if self.sink.entry(&record)? == Flow::Stop {
                return Ok(FollowStep::Read(Flow::Stop));
            }
        }
        Ok(FollowStep::Read(Flow::On))
    }

    /// Passes on the entries that a seal has beyond the end of a finished log.
    fn end(&mut self, pairing: &mut Pairing<'_>, position: u64) -> Result<FileEnd, Failure> {
        let tip = pairing.tip();
        while let Some(record) = pairing.next_behind(position)? {
            if self.sink.entry(&record)? == Flow::Stop {
                return self.stop();
            }
        }
        self.notes.say(pairing);
        self.sink.pause()?;
        Ok(FileEnd::Replaced(tip))
    }

    /// Opens the log that has the name now. Its seal may appear a little later. `None` after a signal.
    fn open_next(&self, old: &LogWithSeal) -> Result<Option<LogWithSeal>, Failure> {
        let since = Instant::now();
        loop {
            if self.interruption.came() {
                return Ok(None);
            }
            let mut next = match LogWithSeal::open(self.path) {
                Ok(next) => next,
                // Yet another rotation.
                Err(error) if since.elapsed() > QUIET_SEALED => return Err(error),
                Err(_) => {
                    wait(INTERVAL)?;
                    continue;
                }
            };
            let Some(old_seal) = &old.seal else {
                return Ok(Some(next));
            };
            let is_new = next
                .seal
                .as_ref()
                .is_some_and(|seal| seal.identity() != old_seal.identity() && seal.is_begun());
            if is_new {
                return Ok(Some(next));
            }
            if since.elapsed() > QUIET_SEALED {
                next.seal = None;
                return Ok(Some(next));
            }
            wait(INTERVAL)?;
        }
    }
}

/// The result of a check of a log.
enum FollowStep {
    Read(Flow),
    /// The log ends here for now.
    End,
    /// An entry is incomplete.
    Unfinished,
}

/// Whether a renamed log that does not grow is finished.
fn is_over(pairing: &mut Pairing<'_>, since: Instant) -> Result<bool, Failure> {
    let quiet = if pairing.is_sealed() {
        if pairing.is_ended()? {
            return Ok(true);
        }
        QUIET_SEALED
    } else {
        QUIET
    };
    Ok(since.elapsed() >= quiet)
}

/// Whether another file has the name of a log.
fn is_replaced(path: &Path, log: &LogWithSeal) -> bool {
    fs::metadata(path).is_ok_and(|found| log.source.identity() != Some((found.dev(), found.ino())))
}

/// Reports that a log does not continue the one that was followed.
fn say_gap(log: &str, before: &Tip, seal: &SealEntries<'_>) {
    let Some(start) = seal.beginning() else {
        return;
    };
    if start.identity == before.identity && start.previous == before.chain {
        return;
    }
    let missed = start.file.saturating_sub(before.file + 1);
    if start.identity == before.identity && missed > 0 {
        let files = count(missed, "log", "logs");
        eprintln!(
            "httpserver-log: {log}: {files} in between were replaced before they could be read"
        );
    } else {
        eprintln!("httpserver-log: {log}: its seal does not continue that of the log before it");
    }
}
