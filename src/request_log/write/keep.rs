//! Renames an old log to its name, a dot, and the UTC time of its last change.
//!
//! A time is used instead of a number, since logrotate uses `FILE.1`.

use std::time::SystemTime;

use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use super::error::LogError;
use super::location::Location;
use crate::rename::rename_new;
use crate::utc;

/// The result for an old log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeepOutcome {
    /// It has another name.
    Renamed,
    /// It cannot be renamed, since it is a mount point, as in a container. The log is continued, with a warning.
    Mounted,
}

/// Renames the log to `FILE.20261127T103312Z`, or with `-2`, `-3`, … behind that if it is taken. Files that are kept
/// together, with the log first, get the same suffix.
///
/// # Errors
/// `Keep`, from renameat2(2).
pub(super) fn keep(together: &[&Location], changed: SystemTime) -> Result<KeepOutcome, LogError> {
    let stamp = stamp(changed);
    let mut number = 1_u64;
    loop {
        let suffix = match number {
            1 => stamp.clone(),
            number => format!("{stamp}-{number}"),
        };
        let failed = |location: &Location, source: Errno| LogError::Keep {
            from: location.path().to_path_buf(),
            to: location.path_with(&suffix),
            source: source.into(),
        };
        let is_taken = |location: &&Location| {
            let to = location.name_with(&suffix);
            statat(location.directory(), &to[..], AtFlags::SYMLINK_NOFOLLOW).is_ok()
        };
        if together.iter().any(is_taken) {
            number += 1;
            continue;
        }
        let mut locations = together.iter();
        let Some(log) = locations.next() else {
            return Ok(KeepOutcome::Renamed);
        };
        let to = log.name_with(&suffix);
        match rename_new(log.directory(), log.name(), &to) {
            Ok(()) => {}
            Err(Errno::EXIST) => continue,
            Err(Errno::BUSY) => {
                log::warn!(
                    "the log {} is continued: it is a mount point, which cannot be renamed",
                    log.path().display()
                );
                return Ok(KeepOutcome::Mounted);
            }
            Err(source) => return Err(failed(log, source)),
        }
        for other in locations {
            let to = other.name_with(&suffix);
            let renamed = rename_new(other.directory(), other.name(), &to);
            renamed.map_err(|source| failed(other, source))?;
        }
        return Ok(KeepOutcome::Renamed);
    }
}

/// A time in UTC as in `20261127T103312Z` (ISO 8601, basic format).
fn stamp(time: SystemTime) -> String {
    utc::civil(time).strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn stamps_are_utc_to_the_second() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        for (time, expected) in [
            (at(0), "19700101T000000Z"),
            (at(1_795_775_592), "20261127T103312Z"),
            (
                at(951_782_400) + Duration::from_millis(999),
                "20000229T000000Z",
            ),
        ] {
            assert_eq!(stamp(time), expected);
        }
    }

    #[test]
    fn taken_names_are_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let stamp = "19700101T000000Z";
        fs::create_dir(directory.path().join(format!("log.{stamp}-2"))).unwrap();
        for number in ["1", "2", "3"] {
            fs::write(&log, number).unwrap();
            let location = Location::resolve(&log).unwrap();
            assert_eq!(
                keep(&[&location], UNIX_EPOCH).unwrap(),
                KeepOutcome::Renamed
            );
            assert!(!log.exists());
        }
        for (suffix, content) in [("", "1"), ("-3", "2"), ("-4", "3")] {
            let kept = directory.path().join(format!("log.{stamp}{suffix}"));
            assert_eq!(fs::read_to_string(kept).unwrap(), content);
        }
    }
}
