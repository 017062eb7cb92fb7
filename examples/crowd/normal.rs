//! The normal client: one request after the other, each answer compared: to the byte in the classic dialect, and without
//! the fields in the other.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::report::{Latencies, micros};
use crate::server::{FILE, FILE_LEN, answer, content, get, put};

/// The file that it uploads again and again.
const UPLOAD: &str = "an-upload-of-a-normal-peer-";

/// The same with `--web`, and what it is answered at first and then.
const WEB_UPLOAD: &str = "put-by-normal-client";
const STORED: &[&str] = &["201", "204"];

/// One request in so many comes on a connection of its own.
const FRESH: usize = 10;

/// An answer that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client with one persistent connection.
pub(crate) struct Normal {
    address: SocketAddr,
    connection: Option<TcpStream>,
    get: Exchange,
    get_and_close: Exchange,
    put: Exchange,
    /// One request in so many comes on a connection of its own.
    fresh: usize,
}

/// A request and the answer it must have.
struct Exchange {
    request: Vec<u8>,
    expected: Expected,
}

/// The answer to a request.
enum Expected {
    /// These bytes.
    Whole(Vec<u8>),
    /// One of these statuses, any fields, and this content.
    Of(&'static [&'static str], Vec<u8>),
}

/// Its results in one phase.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) gets: Latencies,
    pub(crate) puts: Latencies,
    /// From before the connect to the end of the stream.
    pub(crate) fresh: Latencies,
    pub(crate) failures: usize,
    /// Why the first failed.
    pub(crate) failure: Option<String>,
}

impl Found {
    /// Adds what was found later.
    pub(crate) fn add(&mut self, later: Self) {
        self.gets.add(later.gets);
        self.puts.add(later.puts);
        self.fresh.add(later.fresh);
        self.failures += later.failures;
        self.failure = self.failure.take().or(later.failure);
    }

    /// Prints it as a row.
    pub(crate) fn print(&self, name: &str) {
        print!("{name:<16}");
        for latencies in [&self.gets, &self.puts, &self.fresh] {
            print!(
                " {}{}",
                micros(latencies.percentile(50)),
                micros(latencies.percentile(99))
            );
        }
        println!(" {:>8}", self.failures);
    }
}

/// The header of the rows of [`Found::print`].
pub(crate) fn print_heading() {
    println!("latency of a normal client in us, 1 KiB; fresh: GET on a new connection");
    println!(
        "{:<16} {:>17} {:>17} {:>17} {:>8}",
        "", "GET p50      p99", "PUT p50      p99", "fresh p50     p99", "failures"
    );
}

/// True for so long.
pub(crate) fn within(time: Duration) -> impl Fn() -> bool {
    let begin = Instant::now();
    move || begin.elapsed() < time
}

impl Normal {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let found = || Expected::Whole(answer("200 OK", &content()));
        let stored = Expected::Whole(answer("201 Created", b""));
        Self::with(address, found, UPLOAD, stored)
    }

    /// For a server with `--web`. A third of its requests comes on connections of their own.
    pub(crate) fn of_web(address: SocketAddr) -> Self {
        let found = || Expected::Of(&["200"], content());
        let stored = Expected::Of(STORED, Vec::new());
        let normal = Self::with(address, found, WEB_UPLOAD, stored);
        Self { fresh: 3, ..normal }
    }

    fn with(
        address: SocketAddr,
        found: impl Fn() -> Expected,
        upload: &str,
        stored: Expected,
    ) -> Self {
        Self {
            address,
            connection: None,
            get: Exchange {
                request: get(FILE, ""),
                expected: found(),
            },
            get_and_close: Exchange {
                request: get(FILE, "Connection: close\r\n"),
                expected: found(),
            },
            put: Exchange {
                request: put(upload, FILE_LEN, &content()),
                expected: stored,
            },
            fresh: FRESH,
        }
    }

    /// GETs and PUTs in turn for as long as `goes_on` says.
    pub(crate) fn work(&mut self, goes_on: impl Fn() -> bool) -> Found {
        let (mut gets, mut puts, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
        let mut found = Found::default();
        for number in 0_usize.. {
            if !goes_on() {
                break;
            }
            let begin = Instant::now();
            let (round, place) = (number / self.fresh, number % self.fresh);
            let (result, latencies) = if place == self.fresh - 1 {
                (self.once(), &mut fresh)
            } else if (round + place) % 2 == 0 {
                (self.persistently(false), &mut gets)
            } else {
                (self.persistently(true), &mut puts)
            };
            match result {
                Ok(()) => latencies.push(begin.elapsed()),
                Err(error) => {
                    found.failures += 1;
                    found.failure.get_or_insert(error.to_string());
                    self.connection = None;
                }
            }
        }
        found.gets = Latencies::new(gets);
        found.puts = Latencies::new(puts);
        found.fresh = Latencies::new(fresh);
        found
    }

    /// GETs on the persistent connection, for so long.
    pub(crate) fn gets(&mut self, time: Duration) -> io::Result<Latencies> {
        let mut all = Vec::new();
        let begin = Instant::now();
        while begin.elapsed() < time {
            let sent = Instant::now();
            self.persistently(false)?;
            all.push(sent.elapsed());
        }
        Ok(Latencies::new(all))
    }

    /// GETs the file `name` on a connection of its own; only the length of the answer is looked at.
    pub(crate) fn fetch(&mut self, name: &str, answer_len: usize) -> io::Result<()> {
        let mut connection = self.connect()?;
        connection.write_all(&get(name, "Connection: close\r\n"))?;
        let received = io::copy(&mut connection, &mut io::sink())?;
        if received == answer_len as u64 {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "{received} bytes of {answer_len}"
            )))
        }
    }

    fn persistently(&mut self, puts: bool) -> io::Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let exchange = if puts { &self.put } else { &self.get };
        exchange.run(&mut connection)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn once(&self) -> io::Result<()> {
        let mut connection = self.connect()?;
        self.get_and_close.run(&mut connection)?;
        match connection.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(io::Error::other("bytes after the answer")),
        }
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let connection = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        Ok(connection)
    }
}

impl Exchange {
    fn run(&self, connection: &mut TcpStream) -> io::Result<()> {
        connection.write_all(&self.request)?;
        match &self.expected {
            Expected::Whole(expected) => {
                let mut received = [0; 2 * FILE_LEN];
                let received = &mut received[..expected.len()];
                connection.read_exact(received)?;
                if received == expected {
                    Ok(())
                } else {
                    Err(another(received))
                }
            }
            Expected::Of(statuses, content) => receive(connection, statuses, content),
        }
    }
}

/// Receives one whole answer with one of these statuses and this content.
fn receive(connection: &mut TcpStream, statuses: &[&str], content: &[u8]) -> io::Result<()> {
    let mut buffer = [0; 4 * FILE_LEN];
    let mut end = 0;
    loop {
        match connection.read(&mut buffer[end..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => end += count,
        }
        let received = &buffer[..end];
        let head = received.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(head) = head.filter(|head| end >= head + 4 + content.len()) else {
            continue;
        };
        let status = received.strip_prefix(b"HTTP/1.1 ").unwrap_or_default();
        let is_expected = statuses
            .iter()
            .any(|expected| status.starts_with(expected.as_bytes()));
        return if is_expected && received[head + 4..] == *content {
            Ok(())
        } else {
            Err(another(received))
        };
    }
}

fn another(received: &[u8]) -> io::Error {
    let line = received.split(|&byte| byte == b'\r').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    io::Error::other(format!("another answer: {line}"))
}
