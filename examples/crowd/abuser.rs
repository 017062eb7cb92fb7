//! A client of the crowd: its kind, the bytes that it was sent, and whether they are as promised.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::server::answer;

/// The large file that the deaf ask for.
pub(crate) const LARGE: &str = "a-large-file-that-few-read-";

/// Bytes of the large file.
pub(crate) const LARGE_LEN: usize = 10 * 1024 * 1024;

/// The most time between a deadline and its effect.
pub(crate) const SLACK: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Idle,
    Dripping,
    Stalled,
    Deaf,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Idle => "idle",
            Self::Dripping => "dripping a head",
            Self::Stalled => "stalled upload",
            Self::Deaf => "not reading",
        })
    }
}

/// How many there are of a kind, and how long the server waits for them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) kind: Kind,
    pub(crate) number: usize,
    pub(crate) deadline: Duration,
}

/// One of the crowd.
pub(crate) struct Abuser {
    pub(crate) group: usize,
    pub(crate) socket: Option<TcpStream>,
    /// When it last did what its deadline counts from.
    pub(crate) since: Instant,
    /// Bytes of its slow head that were sent.
    pub(crate) dripped: usize,
    received: usize,
    /// The first bytes of what was received.
    start: Vec<u8>,
    /// Whether it got what was promised, or what it got instead.
    pub(crate) fate: Option<Result<(), String>>,
}

/// The result of an attempt to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// There may be more.
    Open,
    /// It has just ended.
    Ended,
}

impl Abuser {
    pub(crate) fn new(group: usize, socket: TcpStream, since: Instant) -> Self {
        Self {
            group,
            socket: Some(socket),
            since,
            dripped: 1,
            received: 0,
            start: Vec::new(),
            fate: None,
        }
    }

    /// Receives what there is; at the end of the stream, which is told once, its fate is known.
    pub(crate) fn receive(&mut self, group: Group) -> Stream {
        let Some(socket) = &mut self.socket else {
            return Stream::Open;
        };
        let mut buffer = [0; 16 * 1024];
        let end = loop {
            match socket.read(&mut buffer) {
                Ok(0) => break "end of stream",
                Ok(count) => {
                    self.received += count;
                    let wanted = 100_usize.saturating_sub(self.start.len()).min(count);
                    self.start.extend_from_slice(&buffer[..wanted]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Stream::Open,
                Err(_) => break "reset",
            }
        };
        self.socket = None;
        self.fate = Some(self.judge(group, end));
        Stream::Ended
    }

    fn judge(&self, group: Group, end: &str) -> Result<(), String> {
        let after = self.since.elapsed();
        let in_time = after >= group.deadline && after <= group.deadline + SLACK;
        let clean = end == "end of stream";
        let good = match group.kind {
            Kind::Idle => in_time && clean && self.start == answer("200 OK", b""),
            Kind::Dripping | Kind::Stalled => {
                in_time && clean && self.start == answer("408 Request Timeout", b"")
            }
            // It begins to read when all is over; when it was cut off, the server's descriptors tell.
            Kind::Deaf => self.received > 0 && self.received < LARGE_LEN,
        };
        if good {
            return Ok(());
        }
        let seconds = after.as_secs_f64();
        let line = self.start.split(|&byte| byte == b'\r').next();
        Err(format!(
            "{} bytes, '{}', {end} after {seconds:.2} s",
            self.received,
            String::from_utf8_lossy(line.unwrap_or_default()),
        ))
    }
}
