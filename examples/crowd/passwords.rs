//! A normal client, alone and beside a flood of wrong passwords from many addresses, with one worker.
//!
//! Each password is checked against a hash as `httpserver --hash-password` makes it. The flood has a rate, as one from a
//! network has, so that it does not take the processors away from the client that is measured.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::net::{self, AddressFamily, SocketType};

use crate::normal::{Normal, print_heading, within};
use crate::report::{Promises, Verdict};
use crate::server::{FILE, Server, binary, directory_in_memory, get};
use crate::{Failure, Options};

/// Clients that guess, each from an address of its own.
const CLIENTS: u8 = 64;

/// How often it is looked whether a guess is due.
const TICK: Duration = Duration::from_millis(1);

/// The possible answers to a guess: wrong, too often, too many at once.
const ANSWERS: [u16; 3] = [401, 429, 503];

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    let directory = directory_in_memory(options)?;
    let [users, log] = ["users", "log"].map(|name| directory.path().join(name));
    let hash = hash(options)?;
    fs::write(
        &users,
        format!("*::read,create,replace,delete\nann:{hash}\n"),
    )?;
    let more = [
        "--users",
        &users.display().to_string(),
        "--log",
        &log.display().to_string(),
    ];
    let more = more.map(str::to_owned);
    let server = Server::start(options, directory, options.threads.unwrap_or(1), &more)?;
    let time = Duration::from_secs(options.seconds);
    let mut normal = Normal::new(server.address());
    normal.work(within(time / 4));
    let alone = normal.work(within(time));

    let over = AtomicBool::new(false);
    let (beside, guesses) = thread::scope(|scope| {
        let flood = scope.spawn(|| flood(server.address(), options.guesses, &over));
        let beside = normal.work(within(time));
        over.store(true, Ordering::Relaxed);
        (beside, flood.join())
    });
    let guesses = guesses.map_err(|_| "the flood panicked")??;
    let again = normal.work(within(time));

    print_heading();
    alone.print("alone");
    beside.print("beside the flood");
    again.print("alone again");
    let counts = guesses
        .iter()
        .map(|(status, count)| format!("{count} got {status}"));
    println!("\nguesses: {}", counts.collect::<Vec<_>>().join(", "));
    let mut promises = Promises::new();
    let failures = alone.failures + beside.failures + again.failures;
    promises.check(
        failures == 0,
        "every request of the normal client succeeds",
        beside.failure.as_deref().unwrap_or_default(),
    );
    let others = guesses.keys().find(|status| !ANSWERS.contains(status));
    promises.check(
        others.is_none() && guesses.contains_key(&401),
        "every wrong password is refused",
        &others.map(ToString::to_string).unwrap_or_default(),
    );
    promises.check_p99("GET", &alone.gets, &beside.gets);
    promises.check_p99("PUT", &alone.puts, &beside.puts);
    promises.check_p99("fresh", &alone.fresh, &beside.fresh);
    Ok(promises.verdict())
}

/// A hash as the server's users have it.
fn hash(options: &Options) -> Result<String, Failure> {
    let mut child = Command::new(binary(options)?)
        .arg("--hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(b"the right password\n")?;
    }
    let output = child.wait_with_output()?;
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// A client that guesses.
struct Guesser {
    socket: TcpStream,
    /// The received part of the answer that it waits for; `None` if it waits for none.
    received: Option<Vec<u8>>,
}

/// Sends so many guesses a second until it is over, and counts the answers by status.
fn flood(
    server: SocketAddr,
    rate: u32,
    over: &AtomicBool,
) -> Result<BTreeMap<u16, usize>, Failure> {
    let mut clients = Vec::new();
    for number in 1..=CLIENTS {
        clients.push(Guesser::connect(server, number)?);
    }
    let mut counts = BTreeMap::new();
    let (begin, mut sent) = (Instant::now(), 0);
    while !over.load(Ordering::Relaxed) {
        for client in &mut clients {
            if let Some(status) = client.receive()? {
                *counts.entry(status).or_default() += 1;
            }
        }
        let due = begin.elapsed().as_millis() * u128::from(rate) / 1_000;
        for client in &mut clients {
            if sent < due && client.received.is_none() {
                client.guess(sent)?;
                sent += 1;
            }
        }
        // Guesses that could not be sent in time are not sent later.
        sent = sent.max(due);
        thread::sleep(TICK);
    }
    Ok(counts)
}

impl Guesser {
    /// Connects from the address of this number on the loopback interface.
    fn connect(server: SocketAddr, number: u8) -> Result<Self, Failure> {
        let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
        let own = SocketAddrV4::new(Ipv4Addr::new(127, 0, 1, number), 0);
        net::bind(&socket, &own)?;
        net::connect(&socket, &server)?;
        let socket = TcpStream::from(socket);
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            received: None,
        })
    }

    fn guess(&mut self, number: u128) -> io::Result<()> {
        let credentials = STANDARD.encode(format!("ann:guess {number}"));
        let field = format!("Authorization: Basic {credentials}\r\n");
        self.socket.write_all(&get(FILE, &field))?;
        self.received = Some(Vec::new());
        Ok(())
    }

    /// The status of the answer, once it is there. It has no content.
    fn receive(&mut self) -> Result<Option<u16>, Failure> {
        let Some(received) = &mut self.received else {
            return Ok(None);
        };
        let mut buffer = [0; 4096];
        match self.socket.read(&mut buffer) {
            Ok(0) => return Err("a guess has no answer".into()),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if !received.ends_with(b"\r\n\r\n") {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(received);
        let status = line.get(9..12).ok_or("no status")?.parse()?;
        self.received = None;
        Ok(Some(status))
    }
}
