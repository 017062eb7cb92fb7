//! The order of several logs that are read as one: the order of the command line, or, for logs of several servers of one
//! root, the order of the versions in their seals.
//!
//! Logs are of several servers if their seals name more than one. Then a first pass reads only the seals, and keeps 32
//! bytes for each change.

use crate::failure::Failure;
use crate::logs::LogWithSeal;
use crate::seal_files::expected;
use crate::version_order::{NumberedChange, VersionNumbers};
use httpserver::change_version::ChangeVersion;
use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::verify::{SealStart, torn_entries};
use httpserver::seal::line::{EntryLine, LineContent, TornOutcome};
use httpserver::seal::read::{SealError, SealReader};
use indicatif::ProgressBar;
use std::collections::BTreeMap;

/// See the module's description.
#[derive(Debug)]
pub(crate) enum LogOrder {
    /// The order of the command line.
    Given,
    /// The logs of each server, the oldest first, and the numbers of all changes.
    Merged(Vec<Vec<usize>>, VersionNumbers),
}

impl LogOrder {
    /// The order of these logs.
    ///
    /// # Errors
    /// If there is no order: a log without a server's name, versions or a seal beside others, or two changes with one version.
    pub(crate) fn of(logs: &[LogWithSeal]) -> Result<Self, Failure> {
        if logs.len() < 2 {
            return Ok(Self::Given);
        }
        let starts = logs.iter().map(LogWithSeal::seal_start);
        let starts: Vec<_> = starts.collect::<Result<_, _>>()?;
        let Some((one, other)) = two_servers(&starts) else {
            return Ok(Self::Given);
        };
        let mut servers = BTreeMap::<_, Vec<_>>::new();
        for (index, (log, start)) in logs.iter().zip(&starts).enumerate() {
            let of = start
                .as_ref()
                .and_then(|start| Some((start, start.server.as_ref()?)));
            let Some((start, server)) = of else {
                return Err(Failure::NoServer {
                    log: log.name().to_owned(),
                    reason: match log.seal {
                        None => format!("it has no seal, {}", expected(log.name())),
                        Some(_) => "its seal names no server (--server-id)".to_owned(),
                    },
                    one: one.to_owned(),
                    other: other.to_owned(),
                });
            };
            servers.entry(server).or_default().push((start, index));
        }
        let servers = servers.into_values();
        let servers = servers.map(|files| in_order(files, logs));
        let servers = servers.collect::<Result<_, _>>()?;
        let mut numbers = VersionNumbers::new();
        for (index, log) in logs.iter().enumerate() {
            read_numbers(index, log, &mut numbers)?;
        }
        numbers.sort(|log| logs[log].name())?;
        Ok(Self::Merged(servers, numbers))
    }

    /// The same for logs that are read as one: the files of one server must be given the oldest first.
    ///
    /// # Errors
    /// Also if they are not.
    pub(crate) fn of_history(logs: &[LogWithSeal]) -> Result<Self, Failure> {
        let order = Self::of(logs)?;
        if matches!(order, Self::Given) {
            LogWithSeal::require_order(logs)?;
        }
        Ok(order)
    }

    /// Describes the missing versions; empty if the logs are of one server.
    pub(crate) fn holes(&self, logs: &[LogWithSeal]) -> Vec<String> {
        match self {
            Self::Given => Vec::new(),
            Self::Merged(_, numbers) => numbers.holes(|log| logs[log].name()),
        }
    }
}

/// The names of two servers, if the logs have more than one.
pub(crate) fn two_servers(starts: &[Option<SealStart>]) -> Option<(&str, &str)> {
    let mut names = starts
        .iter()
        .filter_map(|start| start.as_ref()?.server.as_deref());
    let one = names.next()?;
    Some((one, names.find(|name| *name != one)?))
}

/// The files of one server, the oldest first.
fn in_order(
    mut files: Vec<(&SealStart, usize)>,
    logs: &[LogWithSeal],
) -> Result<Vec<usize>, Failure> {
    // A server may have begun another seal; the files of one have numbers.
    let mut begun = BTreeMap::new();
    for (start, _) in &files {
        let time = begun.entry(start.identity).or_insert(start.time);
        *time = start.time.min(*time);
    }
    files.sort_by_key(|(start, _)| (begun[&start.identity], start.identity, start.file));
    for pair in files.windows(2) {
        if let [(one, index), (other, again)] = pair
            && (one.identity, one.file) == (other.identity, other.file)
        {
            return Err(Failure::SameFile {
                log: logs[*again].name().to_owned(),
                other: logs[*index].name().to_owned(),
            });
        }
    }
    Ok(files.into_iter().map(|(_, index)| index).collect())
}

/// Reads the versions of a log from its seal.
fn read_numbers(
    index: usize,
    log: &LogWithSeal,
    numbers: &mut VersionNumbers,
) -> Result<(), Failure> {
    let Some(seal) = &log.seal else {
        return Ok(());
    };
    let hidden = ProgressBar::hidden();
    let torn = torn_entries(seal.bytes(&hidden)?).map_err(Failure::file(seal.name()))?;
    let mut reader = SealReader::new(seal.bytes(&hidden)?);
    loop {
        let line = match reader.next_line() {
            Ok(Some(line)) if line.is_chained => line,
            // The faults of a seal are reported when the entries are read.
            Ok(Some(_)) | Err(SealError::NotALine { .. }) => continue,
            Ok(None) | Err(SealError::Torn { .. }) => return Ok(()),
            Err(SealError::Input(error)) => return Err(Failure::file(seal.name())(error)),
        };
        let LineContent::Entry(entry) = line.line else {
            continue;
        };
        let change = NumberedChange {
            number: 0,
            log: index,
            entry: entry.number,
            is_in_log: torn.get(&entry.number) != Some(&TornOutcome::Cut),
        };
        for (stripe, number) in numbers_of(&entry, log.name())? {
            numbers.add(stripe, NumberedChange { number, ..change });
        }
    }
}

/// The numbers of an entry by stripe; none if it changed nothing.
fn numbers_of(entry: &EntryLine<'_>, log: &str) -> Result<Vec<(u8, u64)>, Failure> {
    let Some(name) = LoggedRequest::read(entry.first_line)
        .as_ref()
        .and_then(changed_name)
    else {
        return Ok(Vec::new());
    };
    let version = entry.version.and_then(ChangeVersion::parse);
    match version {
        Some(version) => Ok(version.of_stripes(&name).collect()),
        None => Err(Failure::NoVersion {
            log: log.to_owned(),
            entry: format!("entry {}", entry.number),
        }),
    }
}

/// The name that a request changed.
pub(crate) fn changed_name(request: &LoggedRequest) -> Option<Vec<u8>> {
    match request {
        LoggedRequest::Success {
            method: "PUT" | "DELETE",
            name,
            ..
        } => Some(decode_name(name)),
        LoggedRequest::Success { .. } | LoggedRequest::Failure { .. } => None,
    }
}
