//! The sink of lines, and the handling of lines that cannot be written.
//!
//! After a write that was cut short, the rest of its last line is lost, too. The next line then begins with a newline
//! of its own, also after a kill: a reader sees one broken line, never two joined lines.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, Stat, fstat};
use rustix::io::{Errno, retry_on_intr};

use super::destination::Destination;

/// The duration of one poll of a blocked destination.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// The number of consecutive polls of a blocked destination before lines are lost.
const LOOKS: u32 = 10;

/// A poll without waiting, for a destination that is known to be blocked.
const GLANCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The space in a pipe that poll(2) guarantees; see `PIPE_BUF` in pipe(7).
const PIPE_BUF: usize = 4096;

/// The time between two reports of lost lines, since a slow reader may cause many losses.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// See the module's description.
pub(super) struct Sink {
    name: String,
    opened: Opened,
    losses: Losses,
}

/// The current destination.
pub(super) struct Opened {
    fd: OwnedFd,
    /// Whether write(2) may wait for a reader.
    may_block: bool,
    /// Whether the last line was cut short.
    is_torn: bool,
}

/// Lines that were lost.
#[derive(Default)]
struct Losses {
    /// Whether lines are being lost now.
    is_losing: bool,
    /// The number of lost lines since the last report of the end of a loss.
    lost: u64,
    /// The time of the last report of a loss.
    reported: Option<Instant>,
    /// Whether the present loss was reported.
    is_reported: bool,
}

impl Opened {
    /// Opens a destination.
    ///
    /// # Errors
    /// From open(2) and dup(2).
    pub(super) fn open(destination: Destination<'_>) -> io::Result<Self> {
        match destination {
            Destination::File(path) => Self::append_to(path),
            Destination::Stdout => Ok(Self::new(io::stdout().as_fd().try_clone_to_owned()?, false)),
            Destination::Stderr => Ok(Self::new(io::stderr().as_fd().try_clone_to_owned()?, false)),
        }
    }

    /// Opens a file for appending. An unread pipe is an error; the open does not wait.
    fn append_to(path: &Path) -> io::Result<Self> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = i32::try_from(flags.bits()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let open = |with: &mut OpenOptions| {
            let with = with.append(true).create(true).custom_flags(flags);
            with.open(path)
        };
        // To read its last byte, if that is allowed. A pipe that is also opened for reading would always have a reader.
        let is_file = path.metadata().is_ok_and(|found| found.is_file());
        let file = match is_file.then(|| open(OpenOptions::new().read(true))) {
            Some(Ok(file)) => file,
            Some(Err(_)) | None => open(&mut OpenOptions::new()).map_err(after_opening)?,
        };
        let is_torn = is_file && is_cut_short(&file);
        Ok(Self::new(file.into(), is_torn))
    }

    fn new(fd: OwnedFd, is_torn: bool) -> Self {
        Self {
            may_block: regular(fd.as_fd()).is_none(),
            fd,
            is_torn,
        }
    }

    /// Device and inode number, if it is a regular file.
    pub(super) fn identity(&self) -> Option<(u64, u64)> {
        let found = regular(self.fd.as_fd())?;
        Some((found.st_dev, found.st_ino))
    }
}

impl Losses {
    fn add(&mut self, name: &str, lines: u64, error: &io::Error) {
        self.lost += lines;
        let now = Instant::now();
        let is_due = |last| now.duration_since(last) >= REPORT_INTERVAL;
        if !self.is_losing && self.reported.is_none_or(is_due) {
            let why = match error.kind() {
                io::ErrorKind::WouldBlock => "it takes no more".to_owned(),
                _ => error.to_string(),
            };
            log::warn!("{name}: lines are lost from here on: {why}");
            self.reported = Some(now);
            self.is_reported = true;
        }
        self.is_losing = true;
    }

    fn end(&mut self, name: &str) {
        self.is_losing = false;
        if std::mem::take(&mut self.is_reported) {
            let lost = std::mem::take(&mut self.lost);
            log::warn!("{name}: lines are written again; {lost} were lost");
        }
    }
}

impl Sink {
    pub(super) fn new(destination: Destination<'_>, opened: Opened) -> Self {
        let name = match destination {
            Destination::File(path) => path.display().to_string(),
            Destination::Stdout => "standard output".to_owned(),
            Destination::Stderr => "standard error".to_owned(),
        };
        Self {
            name,
            opened,
            losses: Losses::default(),
        }
    }

    /// Switches to another file.
    pub(super) fn change_to(&mut self, opened: Opened) {
        self.opened = opened;
    }

    /// Writes lines; lines that cannot be written are lost. `gives_up` ends the wait for a blocked destination.
    pub(super) fn write(&mut self, lines: &[u8], gives_up: impl Fn() -> bool) {
        let mut left = lines;
        if !left.is_empty() && self.opened.is_torn {
            match self.write_some(b"\n", &gives_up) {
                Ok(_) => self.opened.is_torn = false,
                Err(error) => return self.lose(count(left), &error),
            }
        }
        while !left.is_empty() {
            match self.write_some(left, &gives_up) {
                Ok(written) => {
                    left = &left[written..];
                    self.opened.is_torn =
                        written > 0 && lines[lines.len() - left.len() - 1] != b'\n';
                }
                Err(error) => return self.lose(count(left), &error),
            }
        }
        if !lines.is_empty() && self.losses.is_losing {
            self.losses.end(&self.name);
        }
    }

    /// Counts lines that were lost before they arrived here.
    pub(super) fn note_lost(&mut self, lines: u64) {
        if lines > 0 {
            let error = io::Error::from(io::ErrorKind::WouldBlock);
            self.lose(lines, &error);
        }
    }

    fn lose(&mut self, lines: u64, error: &io::Error) {
        self.losses.add(&self.name, lines, error);
    }

    fn write_some(&self, bytes: &[u8], gives_up: &impl Fn() -> bool) -> io::Result<usize> {
        let mut bytes = bytes;
        if self.opened.may_block {
            self.wait_for_room(gives_up)?;
            bytes = &bytes[..bytes.len().min(PIPE_BUF)];
        }
        match retry_on_intr(|| rustix::io::write(&self.opened.fd, bytes))? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => Ok(written),
        }
    }

    fn wait_for_room(&self, gives_up: &impl Fn() -> bool) -> io::Result<()> {
        let (looks, look) = if self.losses.is_losing {
            (1, &GLANCE)
        } else {
            (LOOKS, &LOOK)
        };
        for _ in 0..looks {
            let mut fds = [PollFd::new(&self.opened.fd, PollFlags::OUT)];
            match poll(&mut fds, Some(look)) {
                Ok(0) if gives_up() => break,
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()), // Also after an error: the write then returns it.
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// The meaning of an error of open(2).
fn after_opening(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => io::Error::other("no program reads from this pipe"),
        _ => error,
    }
}

/// Whether a file is not empty, and its last byte is not a newline.
fn is_cut_short(file: &File) -> bool {
    let mut last = [b'\n'];
    let length = file.metadata().map_or(0, |found| found.len());
    length > 0 && file.read_exact_at(&mut last, length - 1).is_ok() && last != [b'\n']
}

/// The result of fstat(2), for a regular file.
fn regular(fd: BorrowedFd<'_>) -> Option<Stat> {
    let is_regular = |found: &Stat| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    fstat(fd).ok().filter(is_regular)
}

/// The number of lines.
pub(super) fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn pipe() -> (io::PipeReader, Sink) {
        let (reader, writer) = io::pipe().unwrap();
        let opened = Opened::new(writer.into(), false);
        (reader, Sink::new(Destination::Stdout, opened))
    }

    fn open(path: &Path) -> io::Result<Sink> {
        let destination = Destination::File(path);
        Ok(Sink::new(destination, Opened::open(destination)?))
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
            let mut sink = open(&path).unwrap();
            sink.write(b"new\n", || false);
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn a_named_pipe_needs_a_reader() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let error = open(&path).err().unwrap();
        assert_eq!(error.to_string(), "no program reads from this pipe");
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut options = OpenOptions::new();
        let mut reader = options.read(true).custom_flags(flags).open(&path).unwrap();
        let mut sink = open(&path).unwrap();
        sink.write(b"line\n", || false);
        let mut read = [0; 8];
        assert_eq!(reader.read(&mut read).unwrap(), 5);
        drop(reader);
        sink.write(b"line\n", || false);
        assert_eq!(sink.losses.lost, 1);
    }

    #[test]
    fn unread_pipe_loses_lines_and_recovers() {
        let (mut reader, mut sink) = pipe();
        let line = [&[b'x'; 99][..], b"\n"].concat();
        let lines = line.repeat(1_000); // More than a pipe holds.
        sink.write(&lines, || true);
        assert!(sink.losses.is_losing && sink.losses.lost > 0);
        let mut read = vec![0; lines.len()];
        let mut filled = reader.read(&mut read).unwrap();
        sink.write(b"again\n", || true);
        assert!(!sink.losses.is_losing);
        assert_eq!(sink.losses.lost, 0);
        drop(sink);
        filled += reader.read(&mut read[filled..]).unwrap();
        let text = String::from_utf8(read[..filled].to_vec()).unwrap();
        assert_eq!(text.lines().last(), Some("again"));
    }

    #[test]
    fn full_disk_causes_no_panic() {
        let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
            return;
        };
        let (_reader, mut sink) = pipe();
        sink.change_to(Opened::new(full.into(), false));
        sink.write(b"a\nb\n", || false);
        assert_eq!(sink.losses.lost, 2);
        sink.note_lost(3);
        assert_eq!(sink.losses.lost, 5);
    }

    #[test]
    fn losses_are_reported_once_a_minute_at_most() {
        let error = io::Error::from(io::ErrorKind::StorageFull);
        let mut losses = Losses::default();
        losses.add("a file", 1, &error);
        assert!(losses.is_reported);
        losses.end("a file");
        assert_eq!((losses.lost, losses.is_losing), (0, false));
        losses.add("a file", 2, &error);
        assert!(losses.is_losing && !losses.is_reported);
        losses.end("a file");
        losses.reported = Instant::now().checked_sub(REPORT_INTERVAL);
        losses.add("a file", 3, &error);
        assert!(losses.is_reported);
        assert_eq!(losses.lost, 5, "with those that were not reported");
    }
}
