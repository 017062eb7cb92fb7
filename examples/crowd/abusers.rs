//! The crowd around the normal client: thousands of connections that keep the server waiting, each in its way, all
//! handled by one thread.
//!
//! | kind | what it does | what it must get |
//! |---|---|---|
//! | idle | one request, then nothing | the end of the stream after the idle deadline |
//! | dripping | a head, byte by byte | 408 when the whole head's deadline has passed |
//! | stalled | half of an upload, then nothing | 408 after the deadline for more content |
//! | deaf | a request for 10 MiB, and reads nothing | a part of it, cut off after the deadline for taking more |

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::server::{answer, get, put};

/// The large file that the deaf ask for.
pub(crate) const LARGE: &str = "a-large-file-that-few-read-";

/// Bytes of the large file.
pub(crate) const LARGE_LEN: usize = 10 * 1024 * 1024;

/// Bytes of a stalled upload; half of them are sent.
const UPLOAD_LEN: usize = 64 * 1024;

/// Bytes that each dripping client sends in a second.
const DRIPS: u32 = 10;

/// How often the dripping clients' turn comes: so often that they do not come in bursts.
const TICK: Duration = Duration::from_micros(200);

/// A deadline is kept if what it brings comes no more than this after it.
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

/// What became of a group.
pub(crate) struct Fate {
    pub(crate) group: Group,
    /// How many got what their deadline says, when it says so.
    pub(crate) as_promised: usize,
    /// What the first of the others got.
    pub(crate) other: Option<String>,
}

/// One of the crowd.
struct Abuser {
    group: usize,
    socket: Option<TcpStream>,
    /// When it last did what its deadline counts from.
    since: Instant,
    /// Bytes of its slow head that were sent.
    dripped: usize,
    received: usize,
    /// The first bytes of what was received.
    start: Vec<u8>,
    /// Whether it got what was promised, or what it got instead.
    fate: Option<Result<(), String>>,
}

/// See the module's description.
pub(crate) struct Abusers {
    groups: Vec<Group>,
    all: Vec<Abuser>,
    epoll: OwnedFd,
    slow_head: Vec<u8>,
    /// Those that drip, and how many bytes they have sent together.
    dripping: Vec<usize>,
    drips: usize,
}

impl Abusers {
    pub(crate) fn new(groups: Vec<Group>) -> io::Result<Self> {
        let filler = format!("X-Filler: {}\r\n", "x".repeat(1000));
        Ok(Self {
            groups,
            all: Vec::new(),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            slow_head: get("", &filler),
            dripping: Vec::new(),
            drips: 0,
        })
    }

    /// Connects all of them, one group after the other, and says so through `complete`; then abuses until none is left.
    pub(crate) fn run(
        mut self,
        server: SocketAddr,
        complete: &AtomicBool,
    ) -> io::Result<Vec<Fate>> {
        for index in 0..self.groups.len() {
            for number in 0..self.groups[index].number {
                self.join(server, index, number)?;
                if number % 64 == 0 {
                    self.hear(Duration::ZERO)?;
                }
            }
        }
        complete.store(true, Ordering::Release);
        let begin = Instant::now();
        while self.all.iter().any(|abuser| abuser.fate.is_none()) {
            self.hear(TICK)?;
            self.drip(begin);
            self.listen_at_last()?;
        }
        Ok(self.fates())
    }

    fn join(&mut self, server: SocketAddr, group: usize, number: usize) -> io::Result<()> {
        let kind = self.groups[group].kind;
        let request = match kind {
            Kind::Idle => get("", ""),
            Kind::Dripping => self.slow_head[..1].to_vec(),
            Kind::Stalled => {
                let name = format!("an-upload-that-stalls-{number:05}");
                put(&name, UPLOAD_LEN, &vec![b's'; UPLOAD_LEN / 2])
            }
            Kind::Deaf => get(LARGE, ""),
        };
        // The deadline for a head counts from the accept, which may come at any time from now on.
        let connecting = Instant::now();
        let mut socket = TcpStream::connect(server)?;
        socket.set_nodelay(true)?;
        if kind == Kind::Deaf {
            // Else the kernel takes all of the file for a client that reads nothing.
            set_socket_recv_buffer_size(&socket, 64 * 1024)?;
        }
        let since = if kind == Kind::Dripping {
            connecting
        } else {
            Instant::now()
        };
        socket.write_all(&request)?;
        socket.set_nonblocking(true)?;
        let index = self.all.len();
        match kind {
            Kind::Deaf => {}
            Kind::Idle | Kind::Dripping | Kind::Stalled => self.watch(&socket, index)?,
        }
        if kind == Kind::Dripping {
            self.dripping.push(index);
        }
        self.all.push(Abuser {
            group,
            socket: Some(socket),
            since,
            dripped: 1,
            received: 0,
            start: Vec::new(),
            fate: None,
        });
        Ok(())
    }

    fn watch(&self, socket: &TcpStream, index: usize) -> io::Result<()> {
        let data = epoll::EventData::new_u64(index as u64);
        Ok(epoll::add(
            &self.epoll,
            socket,
            data,
            epoll::EventFlags::IN,
        )?)
    }

    /// Receives what has come, and waits for it no longer than `patience`.
    fn hear(&mut self, patience: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
        let mut events = Vec::with_capacity(256);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            waited => waited?,
        };
        for event in &events {
            let index = usize::try_from(event.data.u64()).unwrap_or_default();
            let abuser = &mut self.all[index];
            abuser.receive(self.groups[abuser.group]);
        }
        Ok(())
    }

    /// Sends the bytes that are due since `begin`, one from each dripping client in turn.
    fn drip(&mut self, begin: Instant) {
        let all = self.dripping.len();
        let due = begin.elapsed().as_secs_f64() * f64::from(DRIPS);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few thousand bytes"
        )]
        let due = (due * all as f64) as usize;
        for number in self.drips..due {
            let abuser = &mut self.all[self.dripping[number % all]];
            if let Some(socket) = &mut abuser.socket
                && let Some(byte) = self.slow_head.get(abuser.dripped)
            {
                // If the connection is closed, receiving says how.
                let _ = socket.write(&[*byte]);
                abuser.dripped += 1;
            }
        }
        self.drips = due.max(self.drips);
    }

    /// Lets the deaf read once their deadline has passed, to see where they were cut off.
    fn listen_at_last(&mut self) -> io::Result<()> {
        for index in 0..self.all.len() {
            let abuser = &self.all[index];
            let group = self.groups[abuser.group];
            if group.kind == Kind::Deaf
                && abuser.fate.is_none()
                && abuser.since.elapsed() > group.deadline + 2 * SLACK
                && let Some(socket) = &abuser.socket
                && abuser.received == 0
            {
                self.watch(socket, index)?;
                self.all[index].receive(group);
            }
        }
        Ok(())
    }

    fn fates(self) -> Vec<Fate> {
        let mut fates: Vec<_> = self
            .groups
            .iter()
            .map(|&group| Fate {
                group,
                as_promised: 0,
                other: None,
            })
            .collect();
        for abuser in self.all {
            let fate = &mut fates[abuser.group];
            match abuser.fate {
                Some(Ok(())) => fate.as_promised += 1,
                Some(Err(other)) => drop(fate.other.get_or_insert(other)),
                None => {}
            }
        }
        fates
    }
}

impl Abuser {
    /// Receives what there is; at the end of the stream its fate is known.
    fn receive(&mut self, group: Group) {
        let Some(socket) = &mut self.socket else {
            return;
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
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => break "reset",
            }
        };
        self.socket = None;
        self.fate = Some(self.judge(group, end));
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
