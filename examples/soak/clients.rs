//! The clients of a soak, each a thread that does one thing over and over: some keep the rules and must be served, the
//! others do what clients on the Internet do.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt;

use crate::wire::{answer, expect, name};

/// Files that exist from the start: their numbers and lengths.
const FILES: [(u64, usize); 4] = [(1, 100), (2, 10_000), (3, 100_000), (4, 5_000_000)];

/// Files that each writer writes in turn.
const WRITTEN: u64 = 50;

/// Connections that each idler holds.
const IDLE: usize = 100;

/// The loop of a client until it is told to stop; the number of its requests with the right answer.
type Behaviour = fn(&mut Client) -> io::Result<u64>;

/// The clients, and how many there are of each.
const CLIENTS: [(Behaviour, u64); 8] = [
    (read, 3),
    (write, 3),
    (abort, 2),
    (confuse, 2),
    (dribble, 16),
    (sip, 4),
    (churn, 2),
    (idle, 1),
];

/// Clients at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<u64>>>,
}

/// One client.
struct Client {
    number: u64,
    server: SocketAddr,
    stop: Arc<AtomicBool>,
    chance: u64,
}

impl Load {
    /// Lets all clients at the server.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for (behaviour, count) in CLIENTS {
            for _ in 0..count {
                let number = threads.len() as u64 + 1;
                let mut client = Client {
                    number,
                    server,
                    stop: Arc::clone(&stop),
                    chance: number.wrapping_mul(0x9E37_79B9_7F4A_7C15),
                };
                threads.push(thread::spawn(move || behaviour(&mut client)));
            }
        }
        Self { stop, threads }
    }

    /// Ends all clients; how many requests were answered as they should be.
    pub(crate) fn stop(self) -> Result<u64, Box<dyn Error>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut served = 0;
        for thread in self.threads {
            let result = thread.join().map_err(|_| "a client panicked")?;
            served += result.map_err(|error| format!("a client was not served: {error}"))?;
        }
        Ok(served)
    }
}

/// Puts the files there that are read.
pub(crate) fn store_files(root: &Path) -> io::Result<()> {
    for (number, length) in FILES {
        fs::write(root.join(name(number)), vec![b'f'; length])?;
    }
    Ok(())
}

/// Gets nothing, once.
pub(crate) fn get_once(server: SocketAddr) -> io::Result<()> {
    let mut socket = TcpStream::connect(server)?;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    expect(&mut socket, "200")
}

impl Client {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpStream::connect(self.server)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        socket.set_write_timeout(Some(Duration::from_secs(10)))?;
        Ok(socket)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 16) % bound
    }

    fn rest(&mut self, milliseconds: u64) {
        let milliseconds = self.below(milliseconds) + 1;
        thread::sleep(Duration::from_millis(milliseconds));
    }
}

/// Gets files, several requests at once, on persistent connections.
fn read(client: &mut Client) -> io::Result<u64> {
    let mut served = 0;
    while client.goes_on() {
        let mut socket = client.connect()?;
        for _ in 0..client.below(50) {
            let file = name(1 + client.below(3));
            let count = 1 + client.below(8);
            let request = format!("GET /{file} HTTP/1.1\r\nHost: a\r\n\r\n");
            for _ in 0..count {
                socket.write_all(request.as_bytes())?;
            }
            let mut answers = io::BufReader::new(&socket);
            for _ in 0..count {
                expect(&mut answers, "200")?;
            }
            served += count;
            client.rest(5);
        }
    }
    Ok(served)
}

/// Stores files under names of its own.
fn write(client: &mut Client) -> io::Result<u64> {
    let mut served = 0;
    while client.goes_on() {
        let mut socket = client.connect()?;
        for _ in 0..client.below(20) {
            let file = name(1_000 * client.number + client.below(WRITTEN));
            let length = client.below(10_000) + client.below(50) / 49 * 300_000;
            write!(
                socket,
                "PUT /{file} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
            )?;
            io::copy(&mut io::repeat(b'w').take(length), &mut socket)?;
            expect(&mut socket, "201")?;
            served += 1;
            client.rest(50);
        }
    }
    Ok(served)
}

/// Begins uploads and goes away, with a reset or without.
fn abort(client: &mut Client) -> io::Result<u64> {
    while client.goes_on() {
        let mut socket = client.connect()?;
        let file = name(1_000 * client.number);
        write!(
            socket,
            "PUT /{file} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
        )?;
        let length = client.below(500_000);
        io::copy(&mut io::repeat(b'a').take(length), &mut socket)?;
        if client.below(2) == 0 {
            sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
        }
        drop(socket);
        client.rest(20);
    }
    Ok(0)
}

/// Sends bytes that are not a request.
fn confuse(client: &mut Client) -> io::Result<u64> {
    const NONSENSE: [&str; 8] = [
        "\x16\x03\x01\x02\0\x01\0",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "PUT /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    ];
    let mut served = 0;
    while client.goes_on() {
        let mut socket = client.connect()?;
        let nonsense = usize::try_from(client.below(8)).unwrap_or_default();
        socket.write_all(NONSENSE[nonsense].as_bytes())?;
        let status = answer(&mut socket)?;
        if !status.starts_with(['4', '5']) {
            return Err(io::Error::other(format!("{status} to nonsense")));
        }
        served += 1;
        client.rest(20);
    }
    Ok(served)
}

/// Sends a request so slowly that it may be cut off.
fn dribble(client: &mut Client) -> io::Result<u64> {
    while client.goes_on() {
        let mut socket = client.connect()?;
        let file = name(1_000 * client.number);
        let request = format!(
            "PUT /{file} HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nslowly, very slowly."
        );
        let pace = 10 + client.below(150);
        for byte in request.bytes() {
            if !client.goes_on() || socket.write_all(&[byte]).is_err() {
                break;
            }
            client.rest(pace);
        }
    }
    Ok(0)
}

/// Takes a large answer so slowly that it may be cut off, and seldom to its end.
fn sip(client: &mut Client) -> io::Result<u64> {
    let mut buffer = [0; 4096];
    while client.goes_on() {
        let mut socket = client.connect()?;
        sockopt::set_socket_recv_buffer_size(&socket, 16 * 1024)?;
        write!(socket, "GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", name(4))?;
        for _ in 0..client.below(200) {
            if !client.goes_on() || !matches!(socket.read(&mut buffer), Ok(1..)) {
                break;
            }
            client.rest(40);
        }
    }
    Ok(0)
}

/// Connects and goes away.
fn churn(client: &mut Client) -> io::Result<u64> {
    while client.goes_on() {
        let mut socket = client.connect()?;
        match client.below(3) {
            0 => {}
            1 => socket.write_all(b"GET /half HT")?,
            _ => sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?,
        }
        drop(socket);
        client.rest(2);
    }
    Ok(0)
}

/// Holds connections on which nothing happens, and replaces one now and then.
fn idle(client: &mut Client) -> io::Result<u64> {
    let mut held = std::collections::VecDeque::new();
    while client.goes_on() {
        held.push_back(client.connect()?);
        if held.len() > IDLE {
            held.pop_front();
        }
        client.rest(20);
    }
    Ok(0)
}
