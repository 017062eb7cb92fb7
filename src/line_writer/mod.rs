//! Writing lines without delaying a worker: a bounded buffer for each producer, and one thread that writes them.
//!
//! A producer appends whole lines to its own buffer, which costs a copy under a lock that it shares with the writer
//! thread only. The thread sleeps while there are no lines, and takes all buffers together. If it cannot write, as on a
//! full disk, a stopped terminal or an unread pipe, lines are lost and counted, and the loss is reported once when it
//! begins and once when it ends. The contents of lines do not matter.

mod destination;
mod sink;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use self::sink::{Opened, Sink, count};
use crate::sync::{self, lock};

pub use self::destination::Destination;

/// The time for which lines are collected at [`Pace::Gathered`].
const GATHERING: Duration = Duration::from_millis(500);

/// Bytes in one buffer that wake the writer thread immediately.
const WAKE: usize = 64 * 1024;

/// Bytes in all buffers; lines that do not fit are lost.
const CAPACITY: usize = 16 * 1024 * 1024;

/// Bytes in one buffer, if there are few producers.
const CAPACITY_OF_ONE: usize = 1024 * 1024;

/// Bytes of a buffer that is kept for the next lines.
const KEPT: usize = 256 * 1024;

/// The time for the last lines at shutdown.
const PARTING: Duration = Duration::from_secs(1);

/// The time at which lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Within half a second, many in one write.
    Gathered,
    /// At once, for a terminal.
    Prompt,
}

/// See the module's description.
pub struct LineWriter {
    shared: Arc<SharedBuffers>,
    /// `None`: it cannot be opened again.
    path: Option<PathBuf>,
    /// Guards the initial state of the thread.
    unstarted: Mutex<Option<Sink>>,
    /// Device and inode number of the file that lines go to, if it is a regular one.
    identity: Mutex<Option<(u64, u64)>>,
}

struct SharedBuffers {
    /// One for each producer, and one for all others. Each guards lines that are not written yet.
    buffers: Box<[Mutex<Buffer>]>,
    /// The most bytes in one of these.
    capacity: usize,
    pace: Pace,
    /// Guards the requests to the writer thread.
    request: Mutex<WriterRequest>,
    /// Wakes the writer thread.
    asked: Condvar,
    /// Wakes the thread that waits for the end of the writer thread.
    ended: Condvar,
}

/// In cache lines of its own, since the next one belongs to another producer.
#[derive(Default)]
#[repr(align(128))]
struct Buffer {
    lines: Vec<u8>,
    lost: u64,
}

#[derive(Default)]
struct WriterRequest {
    /// There are lines.
    write: bool,
    /// There are many lines, or lines for a terminal.
    hurry: bool,
    /// New lines go there.
    change_to: Option<Opened>,
    life: Life,
}

/// The state of the writer thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    /// It is not started; lines are kept in the buffers.
    #[default]
    Unstarted,
    /// It writes until it is asked to stop.
    Running,
    /// It writes the present lines until this moment, and ends.
    Stopping(Instant),
    /// It has ended.
    Ended,
}

impl LineWriter {
    /// Opens the destination, for producers with the numbers below `producers`. Lines are kept until
    /// [`LineWriter::start`].
    ///
    /// # Errors
    /// From open(2).
    pub fn open(destination: Destination<'_>, pace: Pace, producers: usize) -> io::Result<Self> {
        let opened = Opened::open(destination)?;
        let identity = opened.identity();
        Ok(Self {
            shared: Arc::new(SharedBuffers::new(pace, producers)),
            path: match destination {
                Destination::File(path) => Some(path.to_path_buf()),
                Destination::Stdout | Destination::Stderr => None,
            },
            unstarted: Mutex::new(Some(Sink::new(destination, opened))),
            identity: Mutex::new(identity),
        })
    }

    /// Starts the thread, once.
    ///
    /// # Errors
    /// From `pthread_create(3)`.
    pub fn start(&self) -> io::Result<()> {
        let Some(sink) = lock(&self.unstarted).take() else {
            return Ok(());
        };
        lock(&self.shared.request).life = Life::Running;
        let theirs = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("line-writer".to_owned());
        if let Err(error) = thread.spawn(move || theirs.write_until_stopped(sink)) {
            lock(&self.shared.request).life = Life::Unstarted;
            return Err(error);
        }
        Ok(())
    }

    /// The path of the file that lines go to.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Device and inode number of the destination; `None` if it is not a regular file.
    pub fn identity(&self) -> Option<(u64, u64)> {
        *lock(&self.identity)
    }

    /// Appends whole lines, each with its newline, for a producer, or for one without a number. It never waits for the
    /// destination.
    pub fn append(&self, producer: Option<usize>, lines: &[u8]) {
        if !lines.is_empty() {
            self.shared.append(producer, lines);
        }
    }

    /// Opens the file that the path names now, or creates it; see logrotate(8). Lines go there from the next write on,
    /// which follows immediately. If that fails, the old file stays in use.
    pub fn reopen(&self) {
        let Some(path) = &self.path else { return };
        match Opened::open(Destination::File(path)) {
            Ok(opened) => {
                *lock(&self.identity) = opened.identity();
                self.shared.ask(|request| request.change_to = Some(opened));
            }
            Err(error) => log::error!("{} stays in its old file: {error}", path.display()),
        }
    }

    /// Begins to stop, so that several writers end together: lines appended from now on may be lost.
    pub fn stop(&self) {
        let until = Instant::now() + PARTING;
        self.shared.ask(|request| {
            if request.life == Life::Running {
                request.life = Life::Stopping(until);
            }
        });
    }
}

impl Drop for LineWriter {
    /// Writes the last lines, as far as the destination accepts them within a second.
    fn drop(&mut self) {
        self.stop();
        let mut request = lock(&self.shared.request);
        while let Life::Stopping(until) = request.life {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.shared.ended.wait_timeout(request, left);
            request = sync::waited(waited).0;
        }
    }
}

impl SharedBuffers {
    fn new(pace: Pace, producers: usize) -> Self {
        let count = producers + 1;
        Self {
            buffers: (0..count).map(|_| Mutex::default()).collect(),
            capacity: (CAPACITY / count).min(CAPACITY_OF_ONE),
            pace,
            request: Mutex::default(),
            asked: Condvar::new(),
            ended: Condvar::new(),
        }
    }

    fn ask(&self, what: impl FnOnce(&mut WriterRequest)) {
        what(&mut lock(&self.request));
        self.asked.notify_one();
    }

    fn append(&self, producer: Option<usize>, lines: &[u8]) {
        let others = self.buffers.len() - 1;
        let mut buffer = lock(&self.buffers[producer.unwrap_or(others).min(others)]);
        let before = buffer.lines.len();
        let after = before + lines.len();
        if after > self.capacity {
            buffer.lost += count(lines);
            return;
        }
        buffer.lines.extend_from_slice(lines);
        drop(buffer);
        let hurry = after >= WAKE && before < WAKE;
        if before == 0 || hurry {
            self.ask(|request| {
                request.write = true;
                request.hurry |= hurry || self.pace == Pace::Prompt;
            });
        }
    }

    fn write_until_stopped(&self, mut sink: Sink) {
        let mut spare = Vec::new();
        loop {
            let (change_to, life) = self.wait();
            // Lines appended before a rotation belong to the old file; lines appended meanwhile may go there, too.
            for buffer in &self.buffers {
                self.write_out(buffer, &mut spare, &mut sink);
            }
            if let Some(opened) = change_to {
                sink.change_to(opened);
            }
            if let Life::Stopping(_) = life {
                lock(&self.request).life = Life::Ended;
                self.ended.notify_all();
                return;
            }
        }
    }

    /// Waits for lines or a request.
    fn wait(&self) -> (Option<Opened>, Life) {
        let is_urgent = |request: &WriterRequest| {
            request.hurry
                || request.change_to.is_some()
                || matches!(request.life, Life::Stopping(_))
        };
        let request = lock(&self.request);
        let waited = self
            .asked
            .wait_while(request, |request| !(request.write || is_urgent(request)));
        let request = sync::waited(waited);
        let waited = self
            .asked
            .wait_timeout_while(request, GATHERING, |request| !is_urgent(request));
        let (mut request, _) = sync::waited(waited);
        let life = request.life;
        let asked = std::mem::take(&mut *request);
        request.life = life;
        (asked.change_to, life)
    }

    fn write_out(&self, buffer: &Mutex<Buffer>, lines: &mut Vec<u8>, sink: &mut Sink) {
        lines.clear();
        lines.shrink_to(KEPT);
        let mut shared = lock(buffer);
        std::mem::swap(&mut shared.lines, lines);
        let lost = std::mem::take(&mut shared.lost);
        drop(shared);
        sink.write(lines, || match lock(&self.request).life {
            Life::Unstarted | Life::Running => false,
            Life::Stopping(until) => Instant::now() >= until,
            Life::Ended => true,
        });
        sink.note_lost(lost);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn started(destination: Destination<'_>, pace: Pace, producers: usize) -> LineWriter {
        let writer = LineWriter::open(destination, pace, producers).unwrap();
        writer.start().unwrap();
        writer
    }

    #[test]
    fn lines_are_kept_until_the_thread_starts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        let writer = LineWriter::open(Destination::File(&path), Pace::Prompt, 1).unwrap();
        writer.append(None, b"early\n");
        assert_eq!(fs::read(&path).unwrap(), b"");
        writer.start().unwrap();
        writer.start().unwrap();
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), b"early\n");
        // A writer that never starts ends at once.
        drop(LineWriter::open(Destination::File(&path), Pace::Prompt, 1).unwrap());
    }

    #[test]
    fn lines_of_all_producers_are_in_the_file_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        fs::write(&path, "old\n").unwrap();
        let writer = started(Destination::File(&path), Pace::Gathered, 4);
        thread::scope(|scope| {
            for producer in 0..4 {
                let writer = &writer;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let line = format!("{producer} {number}\n");
                        writer.append(Some(producer), line.as_bytes());
                    }
                });
            }
        });
        drop(writer);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("old\n"));
        for producer in 0..4 {
            let numbers: Vec<usize> = text
                .lines()
                .filter_map(|line| line.strip_prefix(&format!("{producer} "))?.parse().ok())
                .collect();
            assert_eq!(numbers, (0..1_000).collect::<Vec<_>>(), "{producer}");
        }
    }

    #[test]
    fn rotation_splits_between_two_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        let writer = started(Destination::File(&path), Pace::Gathered, 1);
        writer.append(None, b"before\n");
        let kept = directory.path().join("access.log.1");
        fs::rename(&path, &kept).unwrap();
        writer.reopen();
        assert!(path.exists());
        while fs::read(&kept).unwrap().is_empty() {
            thread::yield_now();
        }
        writer.append(None, b"after\n");
        drop(writer);
        assert_eq!(fs::read_to_string(&kept).unwrap(), "before\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
    }

    #[test]
    fn a_full_buffer_loses_whole_lines_and_counts_them() {
        let shared = SharedBuffers::new(Pace::Gathered, 1); // Without a thread.
        let line = [&[b'x'; 999][..], b"\n"].concat();
        for _ in 0..2_000 {
            shared.append(Some(0), &line);
        }
        shared.append(None, &line);
        let buffer = lock(&shared.buffers[0]);
        assert_eq!(buffer.lines.len() % 1_000, 0);
        assert!(buffer.lines.len() <= CAPACITY_OF_ONE);
        let kept = u64::try_from(buffer.lines.len() / 1_000).unwrap();
        assert_eq!(buffer.lost + kept, 2_000);
        assert_eq!(lock(&shared.buffers[1]).lines, line);
    }

    #[test]
    fn many_producers_share_the_capacity() {
        for (producers, capacity) in [
            (1, CAPACITY_OF_ONE),
            (15, CAPACITY_OF_ONE),
            (16, CAPACITY / 17),
            (4_095, 4_096),
        ] {
            assert_eq!(
                SharedBuffers::new(Pace::Prompt, producers).capacity,
                capacity
            );
        }
    }

    #[test]
    fn lines_for_a_person_are_written_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines");
        let writer = started(Destination::File(&path), Pace::Prompt, 1);
        for number in 1..=3 {
            writer.append(Some(0), b"line\n");
            while fs::read(&path).unwrap().len() < 5 * number {
                thread::yield_now();
            }
        }
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), b"line\nline\nline\n");
    }
}
