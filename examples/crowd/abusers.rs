//! The crowd around the normal client: thousands of connections that keep the server waiting, each in its way, all
//! handled by one thread.
//!
//! | kind | what it does | what it must get |
//! |---|---|---|
//! | idle | one request, then nothing | the end of the stream after the idle deadline |
//! | dripping | a head, byte by byte | 408 when the whole head's deadline has passed |
//! | stalled | half of an upload, then nothing | 408 after the deadline for more content |
//! | deaf | a request for 10 MiB, and reads nothing | a part of it, cut off after the deadline for taking more |

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::abuser::{Abuser, Group, Kind, LARGE, SLACK, Stream};
use crate::server::{get, put};

/// Bytes of a stalled upload; half of them are sent.
const UPLOAD_LEN: usize = 64 * 1024;

/// How often the dripping clients' turn comes: so often that they do not come in bursts, and so seldom that the
/// normal client, who shares the processors with them, hardly notices.
const TICK: Duration = Duration::from_millis(1);

/// The outcome of a group.
pub(crate) struct Fate {
    pub(crate) group: Group,
    /// The number of connections that ended as their deadline demands, and in time.
    pub(crate) as_promised: usize,
    /// The answer to the first of the others.
    pub(crate) other: Option<String>,
}

/// See the module's description.
pub(crate) struct Abusers {
    groups: Vec<Group>,
    all: Vec<Abuser>,
    /// Connections without an outcome yet.
    left: usize,
    /// The clients that do not read yet, in the order of their deadlines.
    deaf: VecDeque<usize>,
    epoll: OwnedFd,
    /// The bytes that the dripping clients send, and how many a second.
    slow_head: Vec<u8>,
    rate: u16,
    /// The dripping connections, and how many bytes they have sent together.
    dripping: Vec<usize>,
    drips: usize,
}

impl Abusers {
    /// These groups; each dripping client sends `rate` bytes a second.
    pub(crate) fn new(groups: Vec<Group>, rate: u16) -> io::Result<Self> {
        let slowly = groups.iter().filter(|group| group.kind == Kind::Dripping);
        let time = slowly.map(|group| group.deadline + SLACK).sum::<Duration>();
        let enough = usize::try_from((time * u32::from(rate)).as_secs()).unwrap_or_default();
        let filler = format!("X-Filler: {}\r\n", "x".repeat(enough));
        Ok(Self {
            groups,
            all: Vec::new(),
            left: 0,
            deaf: VecDeque::new(),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            slow_head: get("", &filler),
            rate,
            dripping: Vec::new(),
            drips: 0,
        })
    }

    /// Connects all of them, one group after the other, and reports this through `complete`; then abuses until none is
    /// left.
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
        while self.left > 0 {
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
            Kind::Deaf => self.deaf.push_back(index),
            Kind::Idle | Kind::Dripping | Kind::Stalled => self.watch(&socket, index)?,
        }
        if kind == Kind::Dripping {
            self.dripping.push(index);
        }
        self.all.push(Abuser::new(group, socket, since));
        self.left += 1;
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

    /// Receives the available bytes; waits for them at most for `timeout`.
    fn hear(&mut self, timeout: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
        let mut events = Vec::with_capacity(256);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            waited => waited?,
        };
        for event in &events {
            let index = usize::try_from(event.data.u64()).unwrap_or_default();
            let abuser = &mut self.all[index];
            if abuser.receive(self.groups[abuser.group]) == Stream::Ended {
                self.left -= 1;
            }
        }
        Ok(())
    }

    /// Sends the bytes that are due since `begin`, one from each dripping client in turn.
    fn drip(&mut self, begin: Instant) {
        let all = self.dripping.len();
        let due = begin.elapsed().as_secs_f64() * f64::from(self.rate);
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
        while let Some(&index) = self.deaf.front() {
            let abuser = &self.all[index];
            let deadline = self.groups[abuser.group].deadline;
            if abuser.since.elapsed() < deadline + 2 * SLACK {
                break;
            }
            self.deaf.pop_front();
            if let Some(socket) = &abuser.socket {
                self.watch(socket, index)?;
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
