//! Continues the log of a killed server: the torn tail after the last complete entry is cut off and kept in another
//! file.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use rustix::fs::OFlags;

use super::error::LogError;
use super::location::Location;
use crate::request_log::read::Reader;
use crate::request_log::read::fault::{Nature, ReadError};

/// The suffix of the file for torn tails.
const TORN: &str = "torn";

/// Finds the offset for the next entry of the log at `location`. A torn tail after the last complete entry is moved to
/// `FILE.torn`.
///
/// Torn entries that are followed by complete ones stay: moving them would mean rewriting the log.
///
/// # Errors
/// `Recover` if the log is corrupt; it stays unchanged.
pub(super) fn recover(mut file: &File, location: &Location) -> Result<u64, LogError> {
    let failed = |reason: String| LogError::Recover {
        path: location.path().to_path_buf(),
        reason,
    };
    let whole = end_of_last_whole_entry(file).map_err(failed)?;
    let torn = cut_to_torn(file, whole, location).map_err(|error| failed(error.to_string()))?;
    if torn > 0 {
        log::warn!(
            "{}: {torn} bytes of torn entries at its end were moved to {}",
            location.path().display(),
            location.path_with(TORN).display()
        );
    }
    file.seek(SeekFrom::Start(whole))
        .map_err(|error| failed(error.to_string()))
}

fn end_of_last_whole_entry(mut file: &File) -> Result<u64, String> {
    file.seek(SeekFrom::Start(0))
        .map_err(|error| error.to_string())?;
    let mut reader = Reader::new(file);
    let mut end = 0;
    loop {
        let entry = reader
            .next_entry()
            .and_then(|entry| entry.map(|_| reader.finish_entry()).transpose());
        match entry {
            Ok(Some(())) => end = reader.position(),
            Ok(None) => return Ok(end),
            Err(ReadError::Fault(fault)) if fault.nature == Nature::Torn => {
                log::debug!("in the log that is continued: {fault}");
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Moves all bytes from `end` on to `FILE.torn`; returns their number.
///
/// # Errors
/// From reading and writing; then nothing is cut.
pub(super) fn cut_to_torn(mut file: &File, end: u64, location: &Location) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if length > end {
        let flags = OFlags::WRONLY | OFlags::APPEND;
        let mut torn = location.open(&location.name_with(TORN), flags)?;
        file.seek(SeekFrom::Start(end))?;
        io::copy(&mut file, &mut torn)?;
        torn.sync_all()?;
    }
    // Also if nothing is torn: this frees the space that the killed server had preallocated.
    file.set_len(end)?;
    Ok(length - end)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};

    use super::*;

    const WHOLE: &str = "GET / length 0\n========\nPUT ABCDEFGHIJKLMNOPQRSTUVWXYZa length 1\n00000000 61\n========\n";

    fn recovered(log: &str) -> (Result<u64, String>, String, Option<String>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs::write(&path, log).unwrap();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let location = Location::resolve(&path).unwrap();
        let end = recover(&file, &location).map_err(|error| error.to_string());
        let torn = fs::read_to_string(directory.path().join("log.torn")).ok();
        (end, fs::read_to_string(&path).unwrap(), torn)
    }

    #[test]
    fn a_torn_tail_is_moved_aside() {
        for tail in [
            "",
            "GET",
            "PUT ABCDEFGHIJKLMNOPQRSTUVWXYZb length 2\n00000000 61",
            "\0\0\0",
            "GET / length 0\n=======",
        ] {
            let (end, log, torn) = recovered(&format!("{WHOLE}{tail}"));
            assert_eq!(end, Ok(WHOLE.len() as u64), "{tail:?}");
            assert_eq!(log, WHOLE, "{tail:?}");
            assert_eq!(torn.unwrap_or_default(), tail);
        }
    }

    #[test]
    fn torn_entries_before_a_whole_one_stay() {
        let log = format!("{WHOLE}\0\0\0\0{WHOLE}");
        let (end, after, torn) = recovered(&log);
        assert_eq!(end, Ok(log.len() as u64));
        assert_eq!((after, torn), (log, None));
    }

    #[test]
    fn log_that_no_server_wrote_is_not_continued() {
        let log = format!("{WHOLE}shopping list\nbread\n");
        let (end, after, torn) = recovered(&log);
        let commit = format!("byte {}", WHOLE.len());
        assert!(end.unwrap_err().contains(&commit), "names the place");
        assert_eq!((after, torn), (log, None));
    }
}
