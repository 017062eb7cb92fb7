//! What lines are written to, and what becomes of those that cannot be written.
//!
//! After a write that was cut short the rest of its last line is lost too, so the next line begins with a newline of its
//! own, also after a kill: a reader sees one broken line, never two joined.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::{Errno, retry_on_intr};

use super::{Destination, count};

/// How long one look at a destination that takes nothing lasts.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Looks in a row that find a destination which takes nothing; then the lines are lost.
const LOOKS: u32 = 10;

/// A look that does not wait, at a destination of which it is known that it takes nothing.
const GLANCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

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
        let (opened, path, name) = match destination {
            Destination::File(path) => {
                let name = path.display().to_string();
                (append_to(path)?, Some(path.to_path_buf()), name)
            }
            Destination::Stdout => {
                let fd = io::stdout().as_fd().try_clone_to_owned()?;
                (Opened::whole(fd), None, "standard output".to_owned())
            }
            Destination::Stderr => {
                let fd = io::stderr().as_fd().try_clone_to_owned()?;
                (Opened::whole(fd), None, "standard error".to_owned())
            }
        };
        Ok(Self {
            may_block: may_block(opened.fd.as_fd()),
            fd: opened.fd,
            is_torn: opened.is_torn,
            path,
            name,
            losing: None,
        })
    }

    /// Opens the file that the path names now. If that fails, lines go on to the old one.
    pub(super) fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match append_to(path) {
            Ok(opened) => {
                self.may_block = may_block(opened.fd.as_fd());
                self.fd = opened.fd;
                self.is_torn = opened.is_torn;
            }
            Err(error) => log::error!("{}: stays in its old file: {error}", self.name),
        }
    }

    /// Writes lines; those that cannot be written are lost. `gives_up` ends the wait for a destination that takes
    /// nothing.
    pub(super) fn write(&mut self, lines: &[u8], gives_up: impl Fn() -> bool) {
        let mut left = lines;
        if !left.is_empty() && self.is_torn {
            match self.write_some(b"\n", &gives_up) {
                Ok(_) => self.is_torn = false,
                Err(error) => return self.lose(count(left), &error),
            }
        }
        while !left.is_empty() {
            match self.write_some(left, &gives_up) {
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

    fn write_some(&self, bytes: &[u8], gives_up: &impl Fn() -> bool) -> io::Result<usize> {
        let mut bytes = bytes;
        if self.may_block {
            self.wait_for_room(gives_up)?;
            bytes = &bytes[..bytes.len().min(PIPE_BUF)];
        }
        match retry_on_intr(|| rustix::io::write(&self.fd, bytes))? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => Ok(written),
        }
    }

    fn wait_for_room(&self, gives_up: &impl Fn() -> bool) -> io::Result<()> {
        let (looks, look) = match self.losing {
            None => (LOOKS, &LOOK),
            Some(_) => (1, &GLANCE),
        };
        for _ in 0..looks {
            let mut fds = [PollFd::new(&self.fd, PollFlags::OUT)];
            match poll(&mut fds, Some(look)) {
                Ok(0) if gives_up() => break,
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()), // or an error, which the write shows
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// What lines go to from now on.
struct Opened {
    fd: OwnedFd,
    is_torn: bool,
}

impl Opened {
    fn whole(fd: OwnedFd) -> Self {
        Self { fd, is_torn: false }
    }
}

/// Opens a file to append to. A pipe that nobody reads is an error, not a wait.
fn append_to(path: &Path) -> io::Result<Opened> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let open = |with: &mut OpenOptions| {
        with.append(true)
            .create(true)
            .custom_flags(flags)
            .open(path)
    };
    // To read its last byte, if that is allowed. A pipe that is opened to be read, too, would have a reader for ever.
    let is_file = path.metadata().is_ok_and(|found| found.is_file());
    let file = match is_file.then(|| open(OpenOptions::new().read(true))) {
        Some(Ok(file)) => file,
        Some(Err(_)) | None => {
            open(&mut OpenOptions::new()).map_err(|error| match Errno::from_io_error(&error) {
                Some(Errno::NXIO) => io::Error::other("nobody reads from this pipe"),
                _ => error,
            })?
        }
    };
    let is_torn = is_file && is_cut_short(&file);
    Ok(Opened {
        fd: file.into(),
        is_torn,
    })
}

/// Whether a file is not empty, and its last byte is no newline.
fn is_cut_short(file: &File) -> bool {
    let mut last = [b'\n'];
    let length = file.metadata().map_or(0, |found| found.len());
    length > 0 && file.read_exact_at(&mut last, length - 1).is_ok() && last != [b'\n']
}

fn may_block(fd: BorrowedFd<'_>) -> bool {
    !fstat(fd).is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use rustix::fs::{CWD, Mode, mkfifoat};

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
    fn a_line_that_was_cut_short_is_ended_first() {
        let directory = tempfile::tempdir().unwrap();
        for (before, after) in [
            ("", "new\n"),
            ("old\n", "old\nnew\n"),
            ("cut sho", "cut sho\nnew\n"),
        ] {
            let path = directory.path().join("access.log");
            fs::write(&path, before).unwrap();
            let mut sink = Sink::open(Destination::File(&path)).unwrap();
            sink.write(b"new\n", || false);
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn a_named_pipe_needs_a_reader() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let error = Sink::open(Destination::File(&path)).err().unwrap();
        assert_eq!(error.to_string(), "nobody reads from this pipe");
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut options = OpenOptions::new();
        let mut reader = options.read(true).custom_flags(flags).open(&path).unwrap();
        let mut sink = Sink::open(Destination::File(&path)).unwrap();
        sink.write(b"line\n", || false);
        let mut read = [0; 8];
        assert_eq!(reader.read(&mut read).unwrap(), 5);
        drop(reader);
        sink.write(b"line\n", || false);
        assert_eq!(sink.losing, Some(1));
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
