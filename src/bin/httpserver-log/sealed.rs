//! Verification of logs by their seals: one file, or several consecutive ones.

use crate::failure::Failure;
use crate::progress;
use crate::read_ahead::read_ahead;
use crate::source::LogSource;
use crate::text::count;
use crate::verdict::Verdict;
use httpserver::request_log::verify::{
    Evidence, SealReport, SealStart, TornEntry, torn_entries, verify,
};
use httpserver::seal::key::Key;
use httpserver::seal::line::TornOutcome;
use indicatif::ProgressBar;
use std::io::Write;
use std::path::Path;

/// A log that was compared with its seal.
pub(crate) struct SealedLog {
    /// The names of the log and its seal in messages.
    pub(crate) name: String,
    pub(crate) seal_name: String,
    pub(crate) report: SealReport,
}

impl SealedLog {
    /// Compares a log with its seal, and keeps the chain values of the `wanted` lines.
    pub(crate) fn verify(
        log: &LogSource,
        seal: &Path,
        key: Option<&Key>,
        wanted: &[u64],
    ) -> Result<Self, Failure> {
        let seal = LogSource::open_for_two_readings(seal, "a seal")?;
        let hidden = ProgressBar::hidden();
        let torn = torn_entries(seal.bytes(&hidden)?).map_err(Failure::file(seal.name()))?;
        let evidence = Evidence {
            torn,
            key: key.cloned(),
            wanted: wanted.to_vec(),
        };
        let bar = progress::bytes("verifying", log.length());
        let seal_bytes = seal.bytes(&hidden)?;
        let report = read_ahead(log.log_bytes(&bar)?, |log| {
            verify(seal_bytes, log, evidence)
        });
        bar.finish_and_clear();
        Ok(Self {
            name: log.name().to_owned(),
            seal_name: seal.name().to_owned(),
            report: report.map_err(Failure::file(log.name()))?,
        })
    }

    /// Prints the findings.
    pub(crate) fn say(&self, out: &mut impl Write) -> Result<Verdict, Failure> {
        self.write(out).map_err(Failure::output)
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<Verdict> {
        let Self {
            name,
            seal_name,
            report,
        } = self;
        for finding in &report.findings {
            writeln!(out, "{name}: {finding}")?;
        }
        for torn in &report.torn {
            writeln!(out, "{name}: {}", torn_text(torn))?;
        }
        let is_cut = |torn: &&TornEntry| torn.place == Some(TornOutcome::Cut);
        let cut = report.torn.iter().filter(is_cut).count() as u64;
        let torn = report.torn.len() as u64 - cut;
        let entries = count(report.entries - cut - torn, "entry", "entries");
        let bytes = count(report.whole_end, "byte", "bytes");
        let is_altered = !report.findings.is_empty();
        let verdict = if is_altered || torn > 0 {
            Verdict::Faulty
        } else {
            Verdict::Sound
        };
        if !is_altered {
            match torn {
                0 => writeln!(out, "{name}: {entries}, {bytes}, no gap, no overlap")?,
                _ => writeln!(out, "{name}: {entries} whole, {torn} torn, {bytes}")?,
            }
        }
        let result = match report.findings.len() as u64 {
            0 => "nothing was altered".to_owned(),
            faults => count(faults, "alteration", "alterations"),
        };
        let sealed = count(report.entries, "sealed entry", "sealed entries");
        let time = match &report.beginning {
            Some(beginning) => format!(" from {} to {}", beginning.time, report.last_time),
            None => String::new(),
        };
        writeln!(out, "{seal_name}: {sealed}{time}: {result}")?;
        Ok(verdict)
    }
}

fn torn_text(torn: &TornEntry) -> String {
    let entry = &torn.entry;
    match torn.place {
        None => format!(
            "{entry} is torn: the server was killed while it wrote it, or it was overwritten"
        ),
        Some(TornOutcome::Left) => format!("{entry} is torn: a server found it so at its start"),
        Some(TornOutcome::Cut) => {
            format!("{entry} was torn: a server found it so at its start, and cut it off")
        }
    }
}

/// Sorts logs by their seals, and reports whether each continues the one before it.
pub(crate) fn link(logs: &mut [SealedLog], out: &mut impl Write) -> Result<Verdict, Failure> {
    let place = |log: &SealedLog| {
        let beginning = log.report.beginning.as_ref();
        let place =
            |beginning: &SealStart| (beginning.server.clone(), beginning.identity, beginning.file);
        beginning.map(place)
    };
    logs.sort_by_cached_key(place);
    let mut verdict = Verdict::Sound;
    for pair in logs.windows(2) {
        let [before, after] = pair else { continue };
        let Some(beginning) = &after.report.beginning else {
            continue;
        };
        if are_of_two_servers(before, beginning) {
            continue;
        }
        if let Some(gap) = gap(before, beginning) {
            verdict = Verdict::Faulty;
            let (after, before) = (&after.name, &before.name);
            writeln!(out, "{after}: does not continue {before}: {gap}").map_err(Failure::output)?;
        }
    }
    Ok(verdict)
}

/// Whether their seals name two servers: then neither continues the other.
fn are_of_two_servers(before: &SealedLog, after: &SealStart) -> bool {
    let beginning = before.report.beginning.as_ref();
    let server = beginning.and_then(|beginning| beginning.server.as_deref());
    matches!((server, after.server.as_deref()), (Some(one), Some(other)) if one != other)
}

/// The gap between two files that should follow each other.
fn gap(before: &SealedLog, after: &SealStart) -> Option<String> {
    let tip = before.report.tip;
    if tip.identity != after.identity {
        return Some("they have different seals".to_owned());
    }
    match after.file - tip.file.min(after.file) {
        0 => Some("both are the same file of the seal".to_owned()),
        1 if tip.chain == after.previous && tip.lines == after.lines => None,
        1 if tip.lines < after.lines => {
            let missing = count(after.lines - tip.lines, "line was", "lines were");
            Some(format!("{missing} cut off its end"))
        }
        1 => Some("it is not the seal that was continued".to_owned()),
        files => {
            let missing = count(files - 1, "file is", "files are");
            Some(format!("{missing} missing in between"))
        }
    }
}
