//! Lines that must never hold up a worker: a bounded buffer for each producer, and one thread that writes them out.
//!
//! A producer appends whole lines to its own buffer, which costs a copy under a lock that it shares with the writer
//! thread only. The thread takes all buffers once a second, or earlier when one has grown. Where it cannot write, as on
//! a full disk, a stopped terminal or a pipe that nobody reads, lines are lost, counted, and the loss is reported
//! once when it begins and once when it ends. It does not know what the lines say.

mod sink;

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::sink::Sink;
use crate::sync::lock;

/// The longest time that a line waits for the writer thread while the destination takes lines.
const INTERVAL: Duration = Duration::from_millis(500);

/// Bytes in one buffer that wake the writer thread at once.
const WAKE: usize = 64 * 1024;

/// Bytes in one buffer; lines that do not fit are lost.
const CAPACITY: usize = 1024 * 1024;

/// How long the end of the server waits for the last lines to be written.
const PARTING: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'p> {
    /// The file at this path, at its end; it is made if it is absent.
    File(&'p Path),
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// See the module's description.
pub struct LineWriter {
    shared: Arc<Shared>,
}

struct Shared {
    /// One for each producer. Each guards lines that are not written yet.
    buffers: Box<[Mutex<Buffer>]>,
    /// Guards what the writer thread is asked for.
    request: Mutex<Request>,
    /// Wakes the writer thread.
    asked: Condvar,
    /// Tells that the writer thread has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Buffer {
    lines: Vec<u8>,
    lost: u64,
}

#[derive(Default)]
struct Request {
    flush: bool,
    reopen: bool,
    life: Life,
}

/// How far the end of the writer thread has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    /// It writes until it is asked to stop.
    #[default]
    Running,
    /// It writes what there is, and ends.
    Stopping,
    /// It has ended.
    Ended,
}

impl LineWriter {
    /// Opens the destination and starts the thread, for producers with the numbers below `producers`.
    ///
    /// # Errors
    /// From open(2), or `pthread_create(3)`.
    pub fn start(destination: Destination<'_>, producers: usize) -> io::Result<Self> {
        let sink = Sink::open(destination)?;
        let shared = Arc::new(Shared {
            buffers: (0..producers.max(1)).map(|_| Mutex::default()).collect(),
            request: Mutex::default(),
            asked: Condvar::new(),
            ended: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("line-writer".to_owned())
            .spawn(move || theirs.write_until_stopped(sink))?;
        Ok(Self { shared })
    }

    /// Appends whole lines, each with its newline. It never waits for the destination.
    pub fn append(&self, producer: usize, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let buffers = &self.shared.buffers;
        let mut buffer = lock(&buffers[producer % buffers.len()]);
        if buffer.lines.len() + lines.len() > CAPACITY {
            buffer.lost += count(lines);
            return;
        }
        let before = buffer.lines.len();
        buffer.lines.extend_from_slice(lines);
        let has_grown = before < WAKE && buffer.lines.len() >= WAKE;
        drop(buffer);
        if has_grown {
            self.shared.ask(|request| request.flush = true);
        }
    }

    /// Opens the file that the path names now, or a new one; see logrotate(8). Lines that are appended later go there.
    pub fn reopen(&self) {
        self.shared.ask(|request| request.reopen = true);
    }
}

impl Drop for LineWriter {
    /// Writes the last lines, as far as the destination takes them within a second.
    fn drop(&mut self) {
        self.shared.ask(|request| {
            if request.life == Life::Running {
                request.life = Life::Stopping;
            }
        });
        let request = lock(&self.shared.request);
        let wait = self
            .shared
            .ended
            .wait_timeout_while(request, PARTING, |request| request.life != Life::Ended);
        drop(wait.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn ask(&self, what: impl FnOnce(&mut Request)) {
        what(&mut lock(&self.request));
        self.asked.notify_one();
    }

    fn write_until_stopped(&self, mut sink: Sink) {
        let mut spare = Vec::new();
        loop {
            let request = lock(&self.request);
            let waited = self.asked.wait_timeout_while(request, INTERVAL, |request| {
                !(request.flush || request.reopen || request.life == Life::Stopping)
            });
            let (mut request, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (reopen, life) = (request.reopen, request.life);
            request.flush = false;
            request.reopen = false;
            drop(request);
            // What was appended before a rotation belongs to the old file.
            for buffer in &self.buffers {
                self.write_out(buffer, &mut spare, &mut sink);
            }
            if reopen {
                sink.reopen();
            }
            if life == Life::Stopping {
                lock(&self.request).life = Life::Ended;
                self.ended.notify_all();
                return;
            }
        }
    }

    fn write_out(&self, buffer: &Mutex<Buffer>, lines: &mut Vec<u8>, sink: &mut Sink) {
        lines.clear();
        let mut shared = lock(buffer);
        std::mem::swap(&mut shared.lines, lines);
        let lost = std::mem::take(&mut shared.lost);
        drop(shared);
        sink.write(lines, || lock(&self.request).life == Life::Stopping);
        sink.note_lost(lost);
    }
}

/// How many lines these are.
fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_of_all_producers_are_in_the_file_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        fs::write(&path, "old\n").unwrap();
        let writer = LineWriter::start(Destination::File(&path), 4).unwrap();
        thread::scope(|scope| {
            for producer in 0..4 {
                let writer = &writer;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let line = format!("{producer} {number}\n");
                        writer.append(producer, line.as_bytes());
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
        let writer = LineWriter::start(Destination::File(&path), 1).unwrap();
        writer.append(0, b"before\n");
        let kept = directory.path().join("access.log.1");
        fs::rename(&path, &kept).unwrap();
        writer.reopen();
        while !path.exists() {
            thread::yield_now();
        }
        writer.append(0, b"after\n");
        drop(writer);
        assert_eq!(fs::read_to_string(&kept).unwrap(), "before\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
    }

    #[test]
    fn a_full_buffer_loses_whole_lines_and_counts_them() {
        let shared = Shared {
            buffers: Box::new([Mutex::default()]),
            request: Mutex::default(),
            asked: Condvar::new(),
            ended: Condvar::new(),
        };
        let writer = LineWriter {
            shared: Arc::new(shared),
        };
        let line = [&[b'x'; 999][..], b"\n"].concat();
        for _ in 0..2_000 {
            writer.append(0, &line);
        }
        let buffer = lock(&writer.shared.buffers[0]);
        assert_eq!(buffer.lines.len() % 1_000, 0);
        assert!(buffer.lines.len() <= CAPACITY);
        let kept = u64::try_from(buffer.lines.len() / 1_000).unwrap();
        assert_eq!(buffer.lost + kept, 2_000);
        drop(buffer);
        lock(&writer.shared.request).life = Life::Ended; // there is no thread to wait for
    }
}
