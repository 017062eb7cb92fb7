//! A multi-threaded echo server on the pool: prints what each client sent and sends it back.
//!
//!     cargo run --example echo -- 7000
//!
//! It has its own protocol and nothing of HTTP; compare `src/connection/`.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use httpserver::server::{
    Activity, After, Deadline, Interest, Listener, Next, Server, Service, Session, Settings,
    Transport, Turn, WakeReason,
};

/// How long a silent client is kept, and how long one that does not read.
const PATIENCE: Duration = Duration::from_secs(60);

struct Echo;

/// What was received and could not be sent back yet.
#[derive(Default)]
struct EchoSession {
    unsent: Vec<u8>,
}

impl Service for Echo {
    type Session = EchoSession;
    type Buffers = [u8; 1024];

    fn connect(&self, _peer: SocketAddr) -> EchoSession {
        EchoSession::default()
    }

    fn buffers(&self) -> [u8; 1024] {
        [0; 1024]
    }
}

impl Session for EchoSession {
    type Buffers = [u8; 1024];

    fn advance<T: Transport>(
        &mut self,
        client: &T,
        buffer: &mut [u8; 1024],
        turn: &mut Turn<'_>,
    ) -> Next {
        if turn.reason() == WakeReason::TimedOut {
            return Next::Close;
        }
        loop {
            while !self.unsent.is_empty() {
                match client.send(&self.unsent, After::Flush) {
                    Ok(sent) => drop(self.unsent.drain(..sent)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        return wait(Interest::Write, Activity::Request);
                    }
                    Err(_) => return Next::Close,
                }
            }
            match client.receive(buffer) {
                Ok(0) => return Next::Close,
                Ok(received) => {
                    println!(
                        "Client Sent: {}",
                        String::from_utf8_lossy(&buffer[..received])
                    );
                    self.unsent.extend_from_slice(&buffer[..received]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return wait(
                        Interest::Read,
                        Activity::Idle {
                            since: Instant::now(),
                        },
                    );
                }
                Err(_) => return Next::Close,
            }
        }
    }
}

fn wait(interest: Interest, activity: Activity) -> Next {
    let at = Instant::now() + PATIENCE;
    Next::Wait(interest, Deadline { at, activity })
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("Usage: echo PORT")?.parse()?;
    let listener = Listener::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, port))])?;
    let address = listener.local_addr()?;
    let four = NonZeroUsize::new(4).ok_or("no workers")?;
    let settings = Settings {
        workers: four,
        queue: four,
        max_connections: None,
        drain: PATIENCE,
    };
    Server::new(settings)?.run(listener, Echo, || {
        println!("listening on {address}");
        Ok(())
    })
}
