//! The complete lines of a file that is still growing.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Bytes that are searched for a line feed at a time; more than the longest line of a seal.
const LOOK: usize = 128 * 1024;

/// Reads a file up to its last line feed. A reader that has reached that point continues there when more lines are
/// complete.
#[derive(Debug)]
pub(crate) struct WholeLines<'f> {
    file: &'f File,
    at: u64,
    /// The end of the last line feed found.
    end: u64,
    /// The buffer for the search.
    buffer: Vec<u8>,
}

impl<'f> WholeLines<'f> {
    pub(crate) fn new(file: &'f File) -> Self {
        Self {
            file,
            at: 0,
            end: 0,
            buffer: vec![0; LOOK],
        }
    }

    /// Looks for more lines.
    fn find_end(&mut self) -> io::Result<()> {
        let length = self.file.read_at(&mut self.buffer, self.at)?;
        let end = match memchr::memrchr(b'\n', &self.buffer[..length]) {
            Some(last) => last + 1,
            // No valid line is this long. The reader of lines reports it.
            None if length == LOOK => length,
            None => 0,
        };
        self.end = self.at + end as u64;
        Ok(())
    }
}

impl Read for WholeLines<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.end {
            self.find_end()?;
        }
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = left.min(out.len());
        let count = self.file.read_at(&mut out[..wanted], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn line_is_read_when_it_is_complete() {
        let mut file = tempfile::tempfile().unwrap();
        let writer = file.try_clone().unwrap();
        let mut lines = WholeLines::new(&writer);
        let read = |lines: &mut WholeLines<'_>| {
            let mut text = String::new();
            lines.read_to_string(&mut text).unwrap();
            text
        };
        for (written, expected) in [
            ("", ""),
            ("one", ""),
            (" line\n", "one line\n"),
            ("two\nthree\nfo", "two\nthree\n"),
            ("ur", ""),
            ("\n", "four\n"),
        ] {
            file.write_all(written.as_bytes()).unwrap();
            assert_eq!(read(&mut lines), expected, "{written}");
        }
        let long = vec![b'x'; LOOK + 1];
        file.write_all(&long).unwrap();
        assert_eq!(read(&mut lines).len(), LOOK);
    }

    #[test]
    fn small_buffers_get_all_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        let text = "a line\n".repeat(50_000);
        file.write_all(text.as_bytes()).unwrap();
        file.write_all(b"a part").unwrap();
        let mut lines = WholeLines::new(&file);
        let mut read = Vec::new();
        let mut buffer = [0; 7_777];
        loop {
            match lines.read(&mut buffer).unwrap() {
                0 => break,
                count => read.extend_from_slice(&buffer[..count]),
            }
        }
        assert!(read == text.as_bytes());
    }
}
