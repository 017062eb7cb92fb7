//! Whether stderr is the journal; see `sd-daemon(3)` and `systemd.exec(5)`.

use std::os::fd::AsFd;

use rustix::fs::fstat;

use super::variables::{Variable, value};

/// Whether `stderr` is the stream to the journal that `JOURNAL_STREAM` names by its device and inode number: then a line that
/// begins with `<3>` is an error there, and the journal knows the time of each line.
pub(crate) fn is_journal(variables: &[Variable], stderr: impl AsFd) -> bool {
    let Some(stream) = value(variables, "JOURNAL_STREAM") else {
        return false;
    };
    fstat(stderr).is_ok_and(|stat| *stream == *format!("{}:{}", stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    use super::super::variables::variables;
    use super::*;

    #[test]
    fn journal_is_the_stream_with_these_numbers() {
        let file = File::open("/").unwrap();
        let metadata = file.metadata().unwrap();
        let (device, inode) = (metadata.dev(), metadata.ino());
        for (stream, expected) in [
            (format!("{device}:{inode}"), true),
            (format!("{device}:{}", inode + 1), false),
            (format!("{}:{inode}", device + 1), false),
            (format!("{device}"), false),
            (String::new(), false),
        ] {
            let set = variables(&[("JOURNAL_STREAM", &stream)]);
            assert_eq!(is_journal(&set, &file), expected, "{stream}");
        }
        assert!(!is_journal(&[], &file));
    }
}
