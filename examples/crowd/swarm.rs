//! Many clients in one thread, each of which repeats one exchange: non-blocking sockets and one epoll instance.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// Without any event for so long, what is left has failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The behaviour of every client of a swarm.
#[derive(Debug, Clone)]
pub(crate) struct Habit {
    pub(crate) request: Vec<u8>,
    pub(crate) expected: Vec<u8>,
    pub(crate) after: After,
}

/// The action of a client after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The next request on the same connection.
    Persist,
    /// It waits for the end of the stream, and connects again.
    Reconnect,
}

/// See the module's description.
pub(crate) struct Swarm {
    address: SocketAddr,
    habit: Habit,
    epoll: OwnedFd,
    clients: Vec<Option<Client>>,
    /// Exchanges in all.
    all: usize,
    /// Exchanges that are still to begin.
    left: usize,
    tally: Tally,
}

struct Client {
    socket: OwnedFd,
    began: Instant,
    sent: bool,
    received: usize,
}

/// The results of a swarm so far.
#[derive(Default)]
pub(crate) struct Tally {
    /// Requests that were sent.
    pub(crate) sent: usize,
    pub(crate) latencies: Vec<Duration>,
    pub(crate) refused: usize,
    pub(crate) reset: usize,
    /// Another answer than expected, or a part of one.
    pub(crate) wrong: usize,
    /// Nothing came.
    pub(crate) silent: usize,
}

impl Tally {
    /// Exchanges that did not end as they should.
    pub(crate) fn failures(&self) -> usize {
        self.refused + self.reset + self.wrong + self.silent
    }

    fn ended(&self) -> usize {
        self.latencies.len() + self.failures()
    }
}

/// How an exchange ends.
enum End {
    /// The right answer; the connection may be used again.
    Good,
    Refused,
    Reset,
    Wrong,
}

impl Swarm {
    /// Connects `clients` clients at once, which will make `exchanges` exchanges in all.
    pub(crate) fn connect(
        address: SocketAddr,
        habit: Habit,
        clients: usize,
        exchanges: usize,
    ) -> io::Result<Self> {
        let mut swarm = Self {
            address,
            habit,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            clients: Vec::new(),
            all: exchanges,
            left: exchanges,
            tally: Tally::default(),
        };
        for number in 0..clients {
            swarm.clients.push(None);
            swarm.begin(number)?;
        }
        Ok(swarm)
    }

    /// Goes on until `enough`, or until nothing has happened for `timeout`.
    pub(crate) fn run_until(
        &mut self,
        enough: impl Fn(&Tally) -> bool,
        timeout: Duration,
    ) -> io::Result<()> {
        let timeout = Timespec::try_from(timeout).map_err(io::Error::other)?;
        let mut events = Vec::with_capacity(256);
        while !enough(&self.tally) {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Err(Errno::INTR) => continue,
                waited => waited?,
            };
            if events.is_empty() {
                break;
            }
            for event in &events {
                self.advance(usize::try_from(event.data.u64()).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Makes all exchanges that are left. Persistent connections stay open until this is dropped.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let all = self.all;
        self.run_until(|tally| tally.ended() == all, TIMEOUT)?;
        self.tally.silent = all - self.tally.ended();
        Ok(())
    }

    /// The results so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Connects client `number` if there is an exchange left for it.
    fn begin(&mut self, number: usize) -> io::Result<()> {
        self.clients[number] = None;
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(());
        };
        self.left = left;
        let family = match self.address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = net::socket_with(family, SocketType::STREAM, flags, None)?;
        net::sockopt::set_tcp_nodelay(&socket, true)?;
        let began = Instant::now();
        match net::connect(&socket, &self.address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(Errno::CONNREFUSED) => {
                self.tally.refused += 1;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let interest = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::ET;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &socket, data, interest)?;
        self.clients[number] = Some(Client {
            socket,
            began,
            sent: false,
            received: 0,
        });
        Ok(())
    }

    fn advance(&mut self, number: usize) -> io::Result<()> {
        let Some(client) = &mut self.clients[number] else {
            return Ok(());
        };
        if !client.sent {
            match net::send(&client.socket, &self.habit.request, SendFlags::NOSIGNAL) {
                Ok(_) => {
                    client.sent = true;
                    self.tally.sent += 1;
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return self.end(number, &end_of(error)),
            }
        }
        let mut buffer = [0; 4096];
        loop {
            let Some(client) = &mut self.clients[number] else {
                return Ok(());
            };
            let rest = &self.habit.expected[client.received..];
            match net::recv(&client.socket, &mut buffer, RecvFlags::empty()) {
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return self.end(number, &end_of(error)),
                Ok((_, 0)) if rest.is_empty() => return self.end(number, &End::Good),
                Ok((_, count)) if count > 0 && rest.starts_with(&buffer[..count]) => {
                    client.received += count;
                }
                Ok(_) => return self.end(number, &End::Wrong),
            }
            if client.received == self.habit.expected.len() && self.habit.after == After::Persist {
                return self.end(number, &End::Good);
            }
        }
    }

    /// Notes how the exchange of client `number` ended, and begins its next.
    fn end(&mut self, number: usize, end: &End) -> io::Result<()> {
        let Some(client) = &mut self.clients[number] else {
            return Ok(());
        };
        match end {
            End::Good => self.tally.latencies.push(client.began.elapsed()),
            End::Refused => self.tally.refused += 1,
            End::Reset => self.tally.reset += 1,
            End::Wrong => self.tally.wrong += 1,
        }
        if matches!(end, End::Good) && self.habit.after == After::Persist {
            let Some(left) = self.left.checked_sub(1) else {
                return Ok(());
            };
            self.left = left;
            client.began = Instant::now();
            client.received = 0;
            net::send(&client.socket, &self.habit.request, SendFlags::NOSIGNAL)?;
            self.tally.sent += 1;
            return Ok(());
        }
        self.begin(number)
    }
}

fn end_of(error: Errno) -> End {
    match error {
        Errno::CONNREFUSED => End::Refused,
        _ => End::Reset,
    }
}
