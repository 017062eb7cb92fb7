//! A multi-threaded echo server on the pool: it prints the bytes of each client and sends them back.
//!
//!     cargo run --example echo -- 7000
//!
//! It has its own protocol and nothing of HTTP; compare `src/connection/`.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use httpserver::server::{
    Activity, After, Deadline, Interest, Listener, Next, Peer, Server, Service, Session, Settings,
    Transport, Turn, WakeReason,
};

/// How long a silent client is kept, and how long one that does not read.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Echo;

/// Bytes received in one turn: a client that sends without end must not keep others waiting.
const MOST: usize = 64 * 1024;

/// One client.
#[derive(Default)]
struct EchoSession {
    /// Bytes that were received and not sent back yet.
    unsent: Vec<u8>,
    input: Input,
}

/// The state of the client's side.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Input {
    /// There may be more to receive.
    #[default]
    Open,
    /// All that had come was received.
    Drained,
    /// It has ended, or the connection is broken.
    Ended,
}

impl Service for Echo {
    type Session = EchoSession;
    type Buffers = [u8; 1024];

    fn connect(&self, _peer: Peer, _listener: usize) -> EchoSession {
        EchoSession::default()
    }

    fn buffers(&self) -> [u8; 1024] {
        [0; 1024]
    }
}

impl Session for EchoSession {
    type Buffers = [u8; 1024];

    /// Receives. What is sent back waits for the flush, and until then nothing more is received.
    fn process<T: Transport>(&mut self, client: &T, buffer: &mut [u8; 1024], turn: &Turn<'_>) {
        if turn.reason() == WakeReason::TimedOut {
            self.input = Input::Ended;
            return;
        }
        while self.unsent.len() < MOST {
            match client.receive(buffer) {
                Ok(received @ 1..) => {
                    let text = String::from_utf8_lossy(&buffer[..received]);
                    println!("Client Sent: {text}");
                    self.unsent.extend_from_slice(&buffer[..received]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.input = Input::Drained;
                    return;
                }
                Ok(0) | Err(_) => {
                    self.input = Input::Ended;
                    return;
                }
            }
        }
    }

    /// Sends.
    fn flush<T: Transport>(&mut self, client: &T, _: &mut [u8; 1024], _: &Turn<'_>) -> Next {
        while !self.unsent.is_empty() {
            match client.send(&self.unsent, After::Flush) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return wait(Interest::Write, Activity::Request);
                }
                Err(_) => return Next::Close,
            }
        }
        match std::mem::take(&mut self.input) {
            Input::Open => Next::Yield,
            Input::Drained => {
                let since = Instant::now();
                wait(Interest::Read, Activity::Idle { since })
            }
            Input::Ended => Next::Close,
        }
    }
}

fn wait(interest: Interest, activity: Activity) -> Next {
    let at = Instant::now() + TIMEOUT;
    Next::Wait(interest, Deadline { at, activity })
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("Usage: echo PORT")?.parse()?;
    let listener = Listener::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, port))])?;
    let address = listener.local().clone();
    let four = NonZeroUsize::new(4).ok_or("no workers")?;
    let settings = Settings {
        workers: four,
        processors: thread::available_parallelism()?,
        queue: four,
        max_connections: None,
        client_limit: None,
        drain: TIMEOUT,
        lifetime: None,
    };
    Server::new(settings)?.run(vec![listener], Echo, || {
        println!("listening on {address}");
        Ok(())
    })
}
