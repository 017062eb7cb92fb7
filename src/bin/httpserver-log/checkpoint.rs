//! `checkpoint` signs the current end of a seal, to be kept elsewhere. `sign-key` makes the key.

use crate::cli;
use crate::failure::Failure;
use crate::seal_files::require_seal;
use crate::secret;
use crate::source::LogSource;
use crate::text::one_line;
use crate::verdict::Verdict;
use httpserver::request_log::verify::{Evidence, Finding, verify};
use httpserver::seal::checkpoint::{Checkpoint, SigningKey};
use indicatif::ProgressBar;
use std::fs;
use std::io::{self, Write};

/// Prints a checkpoint of the seal of a log.
pub(crate) fn run(
    options: &cli::CheckpointArguments,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let failed = |error: String| Failure::file(&options.sign_key)(io::Error::other(error));
    let key = fs::read_to_string(&options.sign_key).map_err(Failure::file(&options.sign_key))?;
    let key = SigningKey::parse(&key).map_err(|error| failed(error.to_string()))?;
    let seal = LogSource::open(&require_seal(&options.file)?)?;
    // The seal must be complete. The log is not verified; `check` does that.
    let report = verify(
        seal.bytes(&ProgressBar::hidden())?,
        io::empty(),
        Evidence::default(),
    );
    let report = report.map_err(Failure::file(seal.name()))?;
    let mut findings = report.findings.iter();
    if let Some(finding) = findings.find(|finding| matches!(finding, Finding::Seal(_))) {
        return Err(Failure::Altered {
            seal: seal.name().to_owned(),
            finding: finding.to_string(),
        });
    }
    let checkpoint = Checkpoint {
        origin: key.name().to_owned(),
        lines: report.tip.lines,
        chain: report.tip.chain,
        identity: report.tip.identity,
        entries: report.entries,
    };
    write!(out, "{}", checkpoint.sign(&key)).map_err(Failure::output)?;
    Ok(Verdict::Sound)
}

/// Makes a key that signs checkpoints. Its file is new, and only its owner may read it.
pub(crate) fn make_key(
    options: &cli::SignKeyArguments,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let key = SigningKey::new(&options.name, secret::random()?)
        .map_err(|error| Failure::Usage(format!("`{}`: {error}", one_line(&options.name))))?;
    secret::write_new(&options.file, &format!("{}\n", key.to_text()))?;
    writeln!(out, "{}", key.verifying_key().to_text()).map_err(Failure::output)?;
    Ok(Verdict::Sound)
}
