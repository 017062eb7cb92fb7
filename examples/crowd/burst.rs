//! Many connections at once, while the server does not get to accept any: the backlog must hold them all.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::report::{Promises, Verdict};
use crate::server::{Server, directory_in_memory};
use crate::storm::{WORKERS, per_second, short};
use crate::swarm::Swarm;
use crate::{Failure, Options};

/// A client that a full backlog turns away tries again after a second (tcp(7)), when all others are connected.
const BEFORE_ANOTHER_TRY: Duration = Duration::from_millis(900);

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    let directory = directory_in_memory(options)?;
    let server = Server::start(options, directory, options.threads.unwrap_or(WORKERS), &[])?;
    let all = options.connects;
    let most: usize = fs::read_to_string("/proc/sys/net/core/somaxconn")?
        .trim()
        .parse()?;
    if most < all {
        return Err(format!("net.core.somaxconn is {most}: no server can hold {all}").into());
    }
    let overflows = overflows()?;
    server.signal(Signal::STOP)?;
    let begin = Instant::now();
    let mut swarm = Swarm::connect(server.address(), short(), all, all)?;
    swarm.run_until(|tally| tally.sent == all, BEFORE_ANOTHER_TRY)?;
    let (connected, connecting) = (swarm.tally().sent, begin.elapsed());
    server.signal(Signal::CONT)?;
    let begin = Instant::now();
    swarm.finish()?;
    let rate = per_second(all, begin);
    let tally = swarm.tally();
    let milliseconds = connecting.as_secs_f64() * 1e3;
    println!("{connected} connected in {milliseconds:.0} ms to a server that was stopped;");
    println!("then answered {rate:.0} a second");
    let mut promises = Promises::new();
    promises.check(
        connected == all,
        "the backlog holds all of them",
        &connected.to_string(),
    );
    let more = self::overflows()?.saturating_sub(overflows);
    promises.check(
        more == 0,
        "the kernel has counted no overflow",
        &more.to_string(),
    );
    promises.check(
        tally.refused == 0,
        "none is refused",
        &tally.refused.to_string(),
    );
    let other = tally.failures() - tally.refused;
    promises.check(
        other == 0,
        "all others are answered in full",
        &other.to_string(),
    );
    Ok(promises.verdict())
}

/// Connections that found a backlog full, anywhere in this network namespace (`ListenOverflows`).
fn overflows() -> Result<u64, Failure> {
    let text = fs::read_to_string("/proc/net/netstat")?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let found = names
        .split_whitespace()
        .zip(values.split_whitespace())
        .find(|(name, _)| *name == "ListenOverflows");
    let (_, value) = found.ok_or("no ListenOverflows in /proc/net/netstat")?;
    Ok(value.parse()?)
}
