//! A normal client inside TLS, alone and beside handshakes that are never completed, with one worker: some stop in the
//! middle, others go on by a byte a second.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use crate::normal::{print_heading, within};
use crate::report::{Promises, Verdict};
use crate::secure::{SecureClient, certificate, session};
use crate::server::{Server, directory_in_memory};
use crate::{Failure, Options};

/// Time for the rest of the handshakes, so that all of them are there to the end.
const HEAD_TIMEOUT: Duration = Duration::from_secs(600);

/// How often the dripping clients' turn comes.
const TICK: Duration = Duration::from_millis(1);

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    let directory = directory_in_memory(options)?;
    let (mut more, config) = certificate(directory.path())?;
    let log = directory.path().join("log").display().to_string();
    more.extend(["--log".to_owned(), log]);
    more.extend([
        "--head-timeout".to_owned(),
        HEAD_TIMEOUT.as_secs().to_string(),
    ]);
    let server = Server::start(options, directory, options.threads.unwrap_or(1), &more)?;
    let time = Duration::from_secs(options.seconds);
    let mut normal = SecureClient::new(server.address(), Arc::clone(&config));
    normal.work(within(time / 4));
    let alone = normal.work(within(time));

    let before = server.descriptors()?;
    let hello = hello(&config)?;
    let half_open = half_open(server.address(), &hello, options.half_open)?;
    let mut dripping = connect(server.address(), options.dripping)?;
    let over = AtomicBool::new(false);
    let (beside, during) = thread::scope(|scope| {
        scope.spawn(|| drip(&mut dripping, &hello, &over));
        let beside = normal.work(within(time));
        let during = server.descriptors();
        over.store(true, Ordering::Relaxed);
        (beside, during)
    });
    let held = during?.saturating_sub(before);
    drop((half_open, dripping));
    normal.work(within(time / 4));
    let again = normal.work(within(time));

    print_heading();
    alone.print("alone");
    beside.print("beside them");
    again.print("alone again");
    let mut promises = Promises::new();
    let failures = alone.failures + beside.failures + again.failures;
    promises.check(
        failures == 0,
        "every request of the normal client succeeds",
        beside.failure.as_deref().unwrap_or_default(),
    );
    let all = options.half_open + options.dripping;
    promises.check(
        held >= all,
        "the handshakes are there all the time",
        &format!("{held} of {all}"),
    );
    promises.check_p99("GET", &alone.gets, &beside.gets);
    promises.check_p99("fresh", &alone.fresh, &beside.fresh);
    Ok(promises.verdict())
}

/// The first message of a client.
fn hello(config: &Arc<ClientConfig>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    session(config)?.write_tls(&mut bytes)?;
    Ok(bytes)
}

fn connect(server: SocketAddr, number: usize) -> Result<Vec<TcpStream>, Failure> {
    let connect = |_| {
        let socket = TcpStream::connect(server)?;
        socket.set_nodelay(true)?;
        Ok(socket)
    };
    (0..number).map(connect).collect()
}

/// Clients that have sent a part of their hello each, or all of it.
fn half_open(server: SocketAddr, hello: &[u8], number: usize) -> Result<Vec<TcpStream>, Failure> {
    let mut all = connect(server, number)?;
    for (number, socket) in all.iter_mut().enumerate() {
        socket.write_all(&hello[..=number % hello.len()])?;
    }
    Ok(all)
}

/// Has each client send a byte a second, evenly spread, until it is over.
fn drip(clients: &mut [TcpStream], hello: &[u8], over: &AtomicBool) {
    let begin = Instant::now();
    let mut sent = 0;
    while !over.load(Ordering::Relaxed) && !clients.is_empty() {
        let millis = usize::try_from(begin.elapsed().as_millis()).unwrap_or_default();
        let due = millis * clients.len() / 1_000;
        for number in sent..due {
            let client = number % clients.len();
            if let Some(byte) = hello.get(number / clients.len()) {
                // If it was closed, the count of descriptors shows it.
                let _ = clients[client].write_all(&[*byte]);
            }
        }
        sent = due;
        thread::sleep(TICK);
    }
}
