//! Many short connections: each connects, asks once, and is closed by the server.

use std::time::Instant;

use crate::report::{Latencies, Promises, Verdict, micros};
use crate::server::{FILE, Server, answer, content, directory_in_memory, get};
use crate::swarm::{After, Habit, Swarm};
use crate::{Failure, Options};

/// Worker threads unless the user says otherwise.
pub(crate) const WORKERS: usize = 4;

/// One GET of a small file on a connection of its own.
pub(crate) fn short() -> Habit {
    Habit {
        request: get(FILE, "Connection: close\r\n"),
        expected: answer("200 OK", &content()),
        after: After::Reconnect,
    }
}

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    let directory = directory_in_memory(options)?;
    let server = Server::start(options, directory, options.threads.unwrap_or(WORKERS), &[])?;
    let (all, active) = (options.short, options.active);
    let descriptors = server.descriptors()?;
    let begin = Instant::now();
    let mut swarm = Swarm::connect(server.address(), short(), active, all)?;
    swarm.finish()?;
    let rate = per_second(all, begin);
    let tally = swarm.tally();
    let latencies = Latencies::new(tally.latencies.clone());
    println!("{all} short connections, {active} at a time: {rate:.0} a second");
    println!("latency in us       p50      p99  longest");
    println!(
        "                {}{} {}",
        micros(latencies.percentile(50)),
        micros(latencies.percentile(99)),
        micros(latencies.longest())
    );
    let mut promises = Promises::new();
    promises.check(
        tally.refused == 0,
        "none is refused",
        &tally.refused.to_string(),
    );
    promises.check(tally.reset == 0, "none is reset", &tally.reset.to_string());
    let other = tally.wrong + tally.silent;
    promises.check(
        other == 0,
        "all others are answered in full",
        &other.to_string(),
    );
    // The last may be closing still.
    let left = server.descriptors()?.saturating_sub(descriptors);
    promises.check(left <= active, "no descriptor is left", &left.to_string());
    Ok(promises.verdict())
}

/// How many a second since `begin`.
pub(crate) fn per_second(count: usize, begin: Instant) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of connections")]
    let count = count as f64;
    count / begin.elapsed().as_secs_f64()
}
