//! What lines are written to, and what becomes of those that cannot be written.
//!
//! After a write that was cut short the rest of its last line is lost too, so the next line begins with a newline of its
//! own: a reader sees one broken line, never two joined.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, retry_on_intr};

use super::{Destination, count};

/// How long one look at a destination that takes nothing lasts, before the lines are given up if a stop is asked for.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Looks in a row that find a destination which takes nothing; then the lines are lost.
const LOOKS: u32 = 10;

/// What poll(2) promises room for in a pipe; see `PIPE_BUF` in pipe(7).
const PIPE_BUF: usize = 4096;

/// See the module's description.
pub(super) struct Sink {
    fd: OwnedFd,
    /// `None`: it cannot be opened again.
    path: Option<PathBuf>,
    name: String,
    /// Whether write(2) may wait for a reader.
    may_block: bool,
    /// Whether the last line was cut short.
    is_torn: bool,
    /// Lines lost since the loss was reported, while it lasts.
    losing: Option<u64>,
}

impl Sink {
    pub(super) fn open(destination: Destination<'_>) -> io::Result<Self> {
        let (fd, path, name) = match destination {
            Destination::File(path) => {
                let file = append_to(path)?;
                let name = path.display().to_string();
                (OwnedFd::from(file), Some(path.to_path_buf()), name)
            }
            Destination::Stdout => {
                let fd = io::stdout().as_fd().try_clone_to_owned()?;
                (fd, None, "standard output".to_owned())
            }
            Destination::Stderr => {
                let fd = io::stderr().as_fd().try_clone_to_owned()?;
                (fd, None, "standard error".to_owned())
            }
        };
        let may_block = may_block(fd.as_fd());
        Ok(Self {
            fd,
            path,
            name,
            may_block,
            is_torn: false,
            losing: None,
        })
    }

    /// Opens the file that the path names now. If that fails, lines go on to the old one.
    pub(super) fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match append_to(path) {
            Ok(file) => {
                self.fd = OwnedFd::from(file);
                self.may_block = may_block(self.fd.as_fd());
                self.is_torn = false;
            }
            Err(error) => log::error!("{}: stays in its old file: {error}", self.name),
        }
    }

    /// Writes lines; those that cannot be written are lost. `is_stopping` ends the wait for a destination that takes
    /// nothing.
    pub(super) fn write(&mut self, lines: &[u8], is_stopping: impl Fn() -> bool) {
        let mut left = lines;
        if !left.is_empty() && self.is_torn {
            match self.write_some(b"\n", &is_stopping) {
                Ok(_) => self.is_torn = false,
                Err(error) => return self.lose(count(left), &error),
            }
        }
        while !left.is_empty() {
            match self.write_some(left, &is_stopping) {
                Ok(written) => {
                    left = &left[written..];
                    self.is_torn = written > 0 && lines[lines.len() - left.len() - 1] != b'\n';
                }
                Err(error) => return self.lose(count(left), &error),
            }
        }
        if !lines.is_empty()
            && let Some(lost) = self.losing.take()
        {
            log::warn!("{}: lines are written again; {lost} were lost", self.name);
        }
    }

    /// Counts lines that were lost before they came here.
    pub(super) fn note_lost(&mut self, lines: u64) {
        if lines > 0 {
            let error = io::Error::from(io::ErrorKind::WouldBlock);
            self.lose(lines, &error);
        }
    }

    fn lose(&mut self, lines: u64, error: &io::Error) {
        if self.losing.is_none() {
            let why = match error.kind() {
                io::ErrorKind::WouldBlock => "it takes no more".to_owned(),
                _ => error.to_string(),
            };
            log::warn!("{}: lines are lost from here on: {why}", self.name);
        }
        *self.losing.get_or_insert(0) += lines;
    }

    fn write_some(&self, bytes: &[u8], is_stopping: &impl Fn() -> bool) -> io::Result<usize> {
        let mut bytes = bytes;
        if self.may_block {
            self.wait_for_room(is_stopping)?;
            bytes = &bytes[..bytes.len().min(PIPE_BUF)];
        }
        match retry_on_intr(|| rustix::io::write(&self.fd, bytes))? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => Ok(written),
        }
    }

    fn wait_for_room(&self, is_stopping: &impl Fn() -> bool) -> io::Result<()> {
        for _ in 0..LOOKS {
            let mut fds = [PollFd::new(&self.fd, PollFlags::OUT)];
            match poll(&mut fds, Some(&LOOK)) {
                Ok(0) if is_stopping() => break,
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()), // or an error, which the write shows
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

fn may_block(fd: BorrowedFd<'_>) -> bool {
    !fstat(fd).is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn pipe() -> (io::PipeReader, Sink) {
        let (reader, writer) = io::pipe().unwrap();
        let sink = Sink {
            fd: writer.into(),
            path: None,
            name: "a pipe".to_owned(),
            may_block: true,
            is_torn: false,
            losing: None,
        };
        (reader, sink)
    }

    #[test]
    fn a_pipe_that_nobody_reads_loses_lines_and_recovers() {
        let (mut reader, mut sink) = pipe();
        let line = [&[b'x'; 99][..], b"\n"].concat();
        let lines = line.repeat(1_000); // more than a pipe holds
        sink.write(&lines, || true);
        let lost = sink.losing.unwrap();
        assert!(lost > 0);
        let mut read = vec![0; lines.len()];
        let mut filled = reader.read(&mut read).unwrap();
        sink.write(b"again\n", || true);
        assert_eq!(sink.losing, None);
        drop(sink);
        filled += reader.read(&mut read[filled..]).unwrap();
        let text = String::from_utf8(read[..filled].to_vec()).unwrap();
        assert_eq!(text.lines().last(), Some("again"));
    }

    #[test]
    fn a_full_disk_is_no_panic() {
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            return;
        };
        let (_reader, mut sink) = pipe();
        sink.fd = full.into();
        sink.write(b"a\nb\n", || false);
        assert_eq!(sink.losing, Some(2));
        sink.note_lost(3);
        assert_eq!(sink.losing, Some(5));
    }
}
