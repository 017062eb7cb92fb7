//! The difference of two revisions of a text, in the format of `diff -u`.

use crate::failure::Failure;
use crate::journal::PutEntry;
use crate::logs::LogWithSeal;
use crate::text::one_line;
use similar::TextDiff;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Bytes of the longest content for a comparison: both contents are in memory.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The time limit for finding the shortest difference. After that, a longer difference is printed.
const TIME: Duration = Duration::from_secs(5);

/// A revision that is compared.
pub(super) struct Revision {
    /// Its number, from 1.
    pub(super) number: u64,
    pub(super) put: PutEntry,
    /// When it was stored, if that is known.
    pub(super) time: Option<String>,
}

/// Prints the change from `old` to `new`.
pub(super) fn print_diff(
    name: &str,
    logs: &[LogWithSeal],
    old: &Revision,
    new: &Revision,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (before, after) = (text_of(name, logs, old)?, text_of(name, logs, new)?);
    let title = |revision: &Revision| {
        let time = revision.time.as_deref().unwrap_or_default();
        format!("{name}\trevision {} {time}", revision.number)
            .trim_end()
            .to_owned()
    };
    let diff = TextDiff::configure()
        .timeout(TIME)
        .diff_lines(&before, &after);
    let unified = diff
        .unified_diff()
        .header(&title(old), &title(new))
        .to_string();
    let is_terminal = io::stdout().is_terminal();
    for line in unified.split_inclusive('\n') {
        // On a terminal, control characters are escaped; programs get the original text.
        let printed = if is_terminal {
            let line = line.trim_end_matches('\n');
            let parts: Vec<_> = line.split('\t').map(one_line).collect();
            writeln!(out, "{}", parts.join("\t"))
        } else {
            write!(out, "{line}")
        };
        printed.map_err(Failure::output)?;
    }
    Ok(())
}

/// The content of a revision, which must be text.
fn text_of(name: &str, logs: &[LogWithSeal], revision: &Revision) -> Result<String, Failure> {
    let not_compared = |reason| Failure::NotCompared {
        name: name.to_owned(),
        number: revision.number,
        reason,
    };
    if revision.put.length > LIMIT {
        return Err(not_compared("has more than 16 MiB"));
    }
    let mut contents = LogWithSeal::contents(logs)?;
    contents.find(&revision.put)?;
    let mut content = Vec::new();
    while let Some(piece) = contents.next_piece()? {
        content.extend_from_slice(piece);
    }
    if content.contains(&0) {
        return Err(not_compared("is not text: it has a NUL byte"));
    }
    String::from_utf8(content).map_err(|_| not_compared("is not text in UTF-8"))
}
