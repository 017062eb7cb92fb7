//! Continues a seal after its last line, in the same file or in the next one.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::rand::{GetRandomFlags, getrandom};

use super::error::LogError;
use super::location::Location;
use super::recover::cut_to_torn;
use super::seal_file::ChainEnd;
use super::seal_lines::SealLines;
use super::seal_pair::{Pair, length, name_of, rewound, seal_failed, seal_of};
use super::sealer::{Continued, Sealer};
use super::space::LogFile;
use super::space_file::Area;
use crate::request_log::verify::{
    Evidence, Finding, LogFault, SealFault, SealReport, torn_entries, verify,
};
use crate::seal::line::{Torn, TornOutcome};
use crate::seal::state::{SealState, Tip};
use crate::seal::text::{push_next, push_torn};

impl Sealer {
    /// Ends the seal of an old log, and returns the end of its chain.
    pub(super) fn finish(
        &self,
        seal: File,
        location: &Location,
        state: Option<SealState>,
        name: &str,
    ) -> Result<ChainEnd, LogError> {
        let failed = seal_failed(location);
        if length(&seal).map_err(&failed)? == 0 {
            return first_chain_end(state);
        }
        let evidence = Evidence {
            key: state.as_ref().map(|state| state.key.clone()),
            wanted: state.iter().map(|state| state.tip.lines).collect(),
            ..Evidence::default()
        };
        // A server that begins a new log does not verify the old one; `httpserver-log check` does that.
        let report =
            verify(rewound(&seal).map_err(&failed)?, io::empty(), evidence).map_err(&failed)?;
        let mut findings = report.findings.iter();
        let altered = findings.find(|finding| !is_of_a_kill(finding, &report));
        let is_cut = check_state(&report, state.as_ref()).err();
        if let Some(reason) = altered.map(ToString::to_string).or(is_cut) {
            log::error!(
                "the seal of the old log, {}: {reason}; `httpserver-log check` says more",
                location.path().display()
            );
        }
        let chain_end = ChainEnd {
            tip: report.tip,
            key: report.key,
        };
        if report.next.is_some() {
            return Ok(chain_end);
        }
        let end = report.seal_end;
        let seal = self.seal_file(seal, end, chain_end).map_err(&failed)?;
        let mut lines = SealLines::new(Area::new(end, 0), report.last_entry, report.clock);
        lines.push_other(|text, time| push_next(text, time, name));
        let (chain_end, written) = seal.finish(|group, end| lines.take(group, end));
        written.map_err(&failed)?;
        Ok(chain_end)
    }

    /// Continues after the last complete entry and the last complete line.
    pub(super) fn resume(
        &self,
        pair: Pair,
        location: &Location,
        state: Option<SealState>,
    ) -> Result<Arc<LogFile>, LogError> {
        let seal_location = seal_of(location);
        let failed = seal_failed(&seal_location);
        if length(&pair.seal).map_err(&failed)? == 0 {
            let chain_end = first_chain_end(state)?;
            let file = self.new_file(pair, location)?;
            file.begin_seal(chain_end, &name_of(location))
                .map_err(&failed)?;
            self.write_key();
            return Ok(file);
        }
        let report = examine(&pair, location, state.as_ref())?;
        self.check_server(&report)
            .map_err(|reason| refused(location, reason))?;
        let refused = |error: io::Error| refused(location, error);
        let cut = cut_to_torn(&pair.log, report.whole_end, location);
        let cut = cut.map_err(refused)?;
        if cut > 0 {
            log::warn!(
                "{}: {cut} bytes after the last whole entry were moved to its .torn",
                location.path().display()
            );
        }
        let torn = newly_torn(&report);
        warn_of_torn(&torn, location);
        let chain_end = ChainEnd {
            tip: report.tip,
            key: report.key.clone(),
        };
        let continued = Continued {
            log_end: report.whole_end,
            seal_end: report.seal_end,
            chain_end,
            last_entry: report.last_entry,
            clock: report.clock,
        };
        let file = self.log_file(pair, location, continued)?;
        let push = |text: &mut Vec<u8>, time, (number, place): (u64, TornOutcome)| {
            push_torn(
                text,
                &Torn {
                    number,
                    time,
                    place,
                },
            );
        };
        file.push_lines(torn, push).map_err(&failed)?;
        self.write_key();
        Ok(file)
    }

    /// A log has the entries of one server only.
    fn check_server(&self, report: &SealReport) -> Result<(), String> {
        let beginning = report.beginning.as_ref();
        let sealed = beginning.and_then(|beginning| beginning.server.as_deref());
        if sealed == self.server() {
            return Ok(());
        }
        let called = |server: Option<&str>| match server {
            Some(server) => format!("is called '{server}'"),
            None => "has no name".to_owned(),
        };
        Err(format!(
            "its server {}, and this one {}; use that --server-id, or start a new log",
            called(sealed),
            called(self.server())
        ))
    }
}

/// Compares a log with its seal before the log is continued.
///
/// # Errors
/// `Recover` if a kill of the server cannot be the cause of a difference.
fn examine(
    pair: &Pair,
    location: &Location,
    state: Option<&SealState>,
) -> Result<SealReport, LogError> {
    let seal_location = seal_of(location);
    let failed = seal_failed(&seal_location);
    let evidence = Evidence {
        torn: rewound(&pair.seal)
            .and_then(torn_entries)
            .map_err(&failed)?,
        key: state.map(|state| state.key.clone()),
        wanted: state.iter().map(|state| state.tip.lines).collect(),
    };
    let (seal, log) = (rewound(&pair.seal), rewound(&pair.log));
    let report = seal
        .and_then(|seal| verify(seal, log?, evidence))
        .map_err(&failed)?;
    let mut findings = report.findings.iter();
    if let Some(finding) = findings.find(|finding| !is_of_a_kill(finding, &report)) {
        return Err(refused(location, finding));
    }
    check_state(&report, state).map_err(|reason| refused(location, reason))?;
    if let Some(next) = &report.next {
        let reason = format!("its seal says that the log continues in a new {next}");
        return Err(refused(location, reason));
    }
    Ok(report)
}

fn refused(location: &Location, reason: impl Display) -> LogError {
    LogError::Recover {
        path: location.path().to_path_buf(),
        reason: format!("{reason}; `httpserver-log check` says more"),
    }
}

/// The chain that a seal without a predecessor in its place continues: the one for which the key was used last, or
/// none.
fn first_chain_end(state: Option<SealState>) -> Result<ChainEnd, LogError> {
    if let Some(SealState { key, tip }) = state {
        return Ok(ChainEnd {
            tip,
            key: Some(key),
        });
    }
    let mut identity = [0; 8];
    let read = getrandom(&mut identity[..], GetRandomFlags::empty());
    read.map_err(|error| LogError::Seal {
        path: PathBuf::from("getrandom"),
        reason: error.to_string(),
    })?;
    Ok(ChainEnd {
        tip: Tip::none(u64::from_le_bytes(identity)),
        key: None,
    })
}

/// Whether a kill of the server or a power cut can cause this.
fn is_of_a_kill(finding: &Finding, report: &SealReport) -> bool {
    match finding {
        Finding::Seal(SealFault::TornLine { .. }) | Finding::Log(LogFault::MissingAtEnd { .. }) => {
            true
        }
        Finding::Log(LogFault::NotSealed { offset, .. }) => *offset >= report.whole_end,
        Finding::Seal(_) | Finding::Log(_) => false,
    }
}

/// Whether the state of the key belongs to this seal, and to no later line than its last.
fn check_state(report: &SealReport, state: Option<&SealState>) -> Result<(), String> {
    let Some(SealState { tip, .. }) = state.filter(|state| state.tip.lines > 0) else {
        return Ok(());
    };
    if tip.identity != report.tip.identity {
        return Err("the state of the sealing key belongs to another seal".to_owned());
    }
    if tip.lines > report.tip.lines {
        return Err(format!(
            "the end of the seal was cut off: it has {} lines, and the state of its key knows of {}",
            report.tip.lines, tip.lines
        ));
    }
    match report.chain_at.get(&tip.lines) {
        Some(chain) if *chain != tip.chain => {
            Err("the seal is another one than the state of its key knows of".to_owned())
        }
        _ => Ok(()),
    }
}

fn warn_of_torn(torn: &[(u64, TornOutcome)], location: &Location) {
    let Some((number, _)) = torn.first() else {
        return;
    };
    let path = location.path().display();
    let count = match torn.len() {
        1 => "one is".to_owned(),
        count => format!("{count} are"),
    };
    log::warn!(
        "{path}: the server was killed before it had written all of its entries: {count} torn, the first is entry {number}"
    );
}

/// The newly found torn entries, and their treatment.
fn newly_torn(report: &SealReport) -> Vec<(u64, TornOutcome)> {
    let found = report.torn.iter().filter(|torn| torn.place.is_none());
    let mut torn: Vec<_> = found
        .map(|torn| {
            let place = if torn.offset < report.whole_end {
                TornOutcome::Left
            } else {
                TornOutcome::Cut
            };
            (torn.entry.number, place)
        })
        .collect();
    for finding in &report.findings {
        if let Finding::Log(LogFault::MissingAtEnd { from, to }) = finding {
            torn.extend((from.number..=to.number).map(|number| (number, TornOutcome::Cut)));
        }
    }
    torn
}
