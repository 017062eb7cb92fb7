//! The proof that logs and their seals give, and its gaps: the end, the head, the codes.

use crate::failure::Failure;
use crate::sealed::SealedLog;
use crate::text::{self, count};
use crate::verdict::Verdict;
use httpserver::request_log::verify::SealReport;
use httpserver::seal::checkpoint::{Checkpoint, VerifyingKey};
use httpserver::seal::key::Key;
use httpserver::seal::state::{SealState, Tip};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// The evidence besides the seals.
#[derive(Default)]
pub(crate) struct Proof {
    pub(crate) key: Option<Key>,
    /// A value with its name in messages.
    state: Option<(String, SealState)>,
    checkpoint: Option<SignedCheckpoint>,
}

struct SignedCheckpoint {
    name: String,
    checkpoint: Checkpoint,
    /// Whether its signature was verified with a given key.
    is_verified: bool,
}

/// Reads a short text file.
fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(Failure::file(path))
}

/// The failure of a file with other content.
fn wrong(path: &Path, error: impl std::error::Error) -> Failure {
    Failure::file(path)(io::Error::other(error.to_string()))
}

impl Proof {
    /// Reads the files that the options name.
    pub(crate) fn read(
        key: Option<&Path>,
        state: Option<&Path>,
        checkpoint: Option<&Path>,
        verify_key: Option<&Path>,
    ) -> Result<Self, Failure> {
        let key = key.map(|path| Key::parse(&read(path)?).map_err(|error| wrong(path, error)));
        let state = state.map(|path| {
            let state = SealState::parse(&read(path)?).map_err(|error| wrong(path, error))?;
            Ok((text::path(path), state))
        });
        let checkpoint = checkpoint.map(|path| {
            let note = read(path)?;
            let checkpoint = Checkpoint::parse(&note).map_err(|error| wrong(path, error))?;
            if let Some(key_path) = verify_key {
                let key = VerifyingKey::parse(&read(key_path)?);
                let key = key.map_err(|error| wrong(key_path, error))?;
                key.verify(&note).map_err(|error| wrong(path, error))?;
            }
            Ok(SignedCheckpoint {
                name: text::path(path),
                checkpoint,
                is_verified: verify_key.is_some(),
            })
        });
        Ok(Self {
            key: key.transpose()?,
            state: state.transpose()?,
            checkpoint: checkpoint.transpose()?,
        })
    }

    /// Whether it needs a seal.
    pub(crate) fn needs_seal(&self) -> bool {
        self.key.is_some() || self.state.is_some() || self.checkpoint.is_some()
    }

    /// The numbers of lines for which it needs the chain values.
    pub(crate) fn wanted(&self) -> Vec<u64> {
        let state = self.state.iter().map(|(_, state)| state.tip.lines);
        let checkpoint = self.checkpoint.iter().map(|signed| signed.checkpoint.lines);
        state.chain(checkpoint).collect()
    }

    /// Compares it with consecutive logs, and prints what is not proven.
    pub(crate) fn apply(
        &self,
        logs: &[SealedLog],
        out: &mut impl Write,
    ) -> Result<Verdict, Failure> {
        let mut faults = Vec::new();
        let mut proven = Vec::new();
        if let Some((name, state)) = &self.state {
            match compare_state(&state.tip, logs) {
                Ok(()) => proven.push(format!("the end: {name} is of the last line")),
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
        if let Some(signed) = &self.checkpoint {
            let SignedCheckpoint {
                name, checkpoint, ..
            } = signed;
            match compare_checkpoint(checkpoint, logs) {
                Ok(()) => proven.push(format!(
                    "since {name} ({}) only lines were added",
                    count(checkpoint.lines, "line", "lines")
                )),
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
        if self.key.is_some() {
            faults.extend(lines_without_code(logs));
        }
        let verdict = if faults.is_empty() {
            Verdict::Sound
        } else {
            Verdict::Faulty
        };
        let faults = faults.into_iter();
        let proven = proven.into_iter().map(|what| format!("proven: {what}"));
        let open = self.not_proven(logs);
        let open = open.into_iter().map(|what| format!("not proven: {what}"));
        for line in faults.chain(proven).chain(open) {
            writeln!(out, "{line}").map_err(Failure::output)?;
        }
        Ok(verdict)
    }

    /// Statements that the given evidence does not prove.
    fn not_proven(&self, logs: &[SealedLog]) -> Vec<String> {
        let mut open = Vec::new();
        let (Some(first), Some(last)) = (logs.first(), logs.last()) else {
            return open;
        };
        if let Some(beginning) = &first.report.beginning
            && beginning.file > 1
        {
            let before = count(beginning.file - 1, "file", "files");
            open.push(format!(
                "what is before {}: {before} of the seal",
                first.name
            ));
        }
        for log in logs {
            let start = log.report.beginning.as_ref().map_or(0, |begin| begin.start);
            if start > 0 {
                let name = &log.name;
                open.push(format!(
                    "the first {start} bytes of {name}: they were not sealed"
                ));
            }
        }
        open.extend(self.codes_not_proven(logs));
        if let Some(next) = &last.report.next {
            open.push(format!(
                "anything after {}: the log continues in {next}",
                last.name
            ));
        }
        if self.state.is_none() {
            let what = match self.checkpoint {
                None => "the end",
                Some(_) => "the end, after the checkpoint",
            };
            open.push(format!(
                "{what}: it could have been cut off the log and its seal; --state or a newer checkpoint shows that"
            ));
        }
        if self
            .checkpoint
            .as_ref()
            .is_some_and(|signed| !signed.is_verified)
        {
            open.push("the signature of the checkpoint: --verify-key verifies it".to_owned());
        }
        open
    }

    fn codes_not_proven(&self, logs: &[SealedLog]) -> Option<String> {
        let sum = |count: fn(&SealReport) -> u64| logs.iter().map(|log| count(&log.report)).sum();
        let codes: u64 = sum(|report| report.codes);
        let verified: u64 = sum(|report| report.verified_codes);
        if self.key.is_some() {
            let open = codes - verified;
            (open > 0).then(|| format!("{open} of {codes} authentication codes"))
        } else if codes == 0 {
            Some(
                "the origin of the seal: it has no authentication codes, and can be recomputed"
                    .to_owned(),
            )
        } else {
            let codes = count(codes, "authentication code", "authentication codes");
            Some(format!(
                "the origin of the seal: {codes}, which --key verifies"
            ))
        }
    }
}

/// The part of the last file without an authentication code.
fn lines_without_code(logs: &[SealedLog]) -> Option<String> {
    let last = logs.last()?;
    let (name, lines) = (&last.seal_name, last.report.lines_after_code);
    if logs.iter().all(|log| log.report.codes == 0) {
        Some(format!(
            "{name}: there are no authentication codes: they were removed, or never made"
        ))
    } else if lines > 0 {
        let lines = count(lines, "line has", "lines have");
        Some(format!(
            "{name}: the last {lines} no authentication code: added, or the server was killed while it wrote"
        ))
    } else {
        None
    }
}

/// The chain value of a line, over all files.
fn chain_at(logs: &[SealedLog], line: u64) -> Option<httpserver::seal::chain::Hash> {
    logs.iter()
        .find_map(|log| log.report.chain_at.get(&line).copied())
}

/// Whether a state belongs to the last line.
fn compare_state(state: &Tip, logs: &[SealedLog]) -> Result<(), String> {
    let Some(last) = logs.last().map(|log| &log.report.tip) else {
        return Ok(());
    };
    if state.lines == 0 {
        return Err("nothing was sealed with it yet".to_owned());
    }
    if state.identity != last.identity {
        return Err("it belongs to another seal".to_owned());
    }
    let (known, there) = (state.lines, last.lines);
    if known > there {
        return Err(format!(
            "the end was cut off, or the newest files are missing: it knows of {known} lines, and the seal has {there}"
        ));
    }
    if chain_at(logs, known).is_some_and(|chain| chain != state.chain) {
        return Err("the seal was recomputed: it has another line in place of the last one that the state knows".to_owned());
    }
    if known < there {
        let behind = count(there - known, "line", "lines");
        return Err(format!(
            "it is {behind} behind the seal: the server runs or was killed, or an older state was put in its place"
        ));
    }
    Ok(())
}

/// Whether a seal only grew since a checkpoint.
fn compare_checkpoint(checkpoint: &Checkpoint, logs: &[SealedLog]) -> Result<(), String> {
    let (Some(first), Some(last)) = (logs.first(), logs.last()) else {
        return Ok(());
    };
    if checkpoint.identity != last.report.tip.identity {
        return Err("it is of another seal".to_owned());
    }
    let (known, there) = (checkpoint.lines, last.report.tip.lines);
    if known > there {
        return Err(format!(
            "the end was cut off, or the newest files are missing: it is of {known} lines, and the seal has {there}"
        ));
    }
    match chain_at(logs, known) {
        Some(chain) if chain == checkpoint.chain => Ok(()),
        Some(_) => Err(
            "the seal was recomputed: it has another line in place of the one in the checkpoint"
                .to_owned(),
        ),
        None => {
            let name = &first.name;
            Err(format!(
                "it is of a file before {name}: give that file, too"
            ))
        }
    }
}
