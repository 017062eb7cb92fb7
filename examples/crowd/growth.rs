//! The cost of a request beside idle connections, and its duration among many files.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use crate::normal::Normal;
use crate::report::{Latencies, Promises, Verdict, median, micros, ratio};
use crate::server::{FILE, Server, answer, content, directory_in_memory, get};
use crate::storm::WORKERS;
use crate::swarm::{After, Habit, Swarm};
use crate::{Failure, Options};

/// Rounds of each measurement; the two that are compared take turns, and medians count.
const ROUNDS: usize = 9;

/// More than this is growth, not noise.
const MOST_GROWTH: f64 = 1.10;

/// Files in the small root.
const FEW: usize = 10;

/// How long the normal client is measured in one round.
const ROUND: Duration = Duration::from_secs(1);

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    let (alone, beside) = processor_time(options)?;
    let growth = beside / alone;
    let (active, idle) = (options.active, options.idle);
    println!("processor time of the server per GET, {active} connections active");
    println!("besides            0 idle {alone:>8.2} us");
    println!("besides {idle:>12} idle {beside:>8.2} us");
    let [few, many] = among_files(options)?;
    println!("\nlatency of a GET in us    p50      p99");
    for (files, times) in [(FEW, &few), (options.files, &many)] {
        println!(
            "{files:>8} files     {}{}",
            micros(times[0]),
            micros(times[1])
        );
    }
    let mut promises = Promises::new();
    promises.check(
        growth <= MOST_GROWTH,
        "idle connections add at most 10 % to a request",
        &format!("{growth:.3}"),
    );
    for (at, name) in ["p50", "p99"].iter().enumerate() {
        let growth = ratio(many[at], few[at]);
        let promise = format!("{name} of a GET does not depend on other files");
        promises.check(growth <= MOST_GROWTH, &promise, &format!("{growth:.3}"));
    }
    Ok(promises.verdict())
}

/// Microseconds per GET without and beside idle connections: medians.
fn processor_time(options: &Options) -> Result<(f64, f64), Failure> {
    let directory = directory_in_memory(options)?;
    let never_idle = ["--idle-timeout".to_owned(), "3600".to_owned()];
    let threads = options.threads.unwrap_or(WORKERS);
    let server = Server::start(options, directory, threads, &never_idle)?;
    round(&server, options)?;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(round(&server, options)?);
        let mut idle = Swarm::connect(server.address(), habit(""), options.idle, options.idle)?;
        idle.finish()?;
        if idle.tally().failures() > 0 {
            return Err(format!("{} idle connections failed", idle.tally().failures()).into());
        }
        beside.push(round(&server, options)?);
        drop(idle);
        wait_until_quiet(&server, options)?;
    }
    Ok((median(alone), median(beside)))
}

/// GETs on active connections; microseconds of the server's processor time for one.
fn round(server: &Server, options: &Options) -> Result<f64, Failure> {
    let before = server.processor_time()?;
    let (active, requests) = (options.active, options.requests);
    let mut swarm = Swarm::connect(server.address(), habit(FILE), active, requests)?;
    swarm.finish()?;
    let failures = swarm.tally().failures();
    if failures > 0 {
        return Err(format!("{failures} requests failed").into());
    }
    let spent = server.processor_time()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let requests = requests as f64;
    Ok(spent.as_secs_f64() * 1e6 / requests)
}

/// Waits until the server has closed what its clients have closed.
fn wait_until_quiet(server: &Server, options: &Options) -> Result<(), Failure> {
    while server.descriptors()? > options.active + 32 {
        std::thread::yield_now();
    }
    Ok(())
}

/// Persistent GETs; without a name the answer is empty.
fn habit(name: &str) -> Habit {
    let content = if name.is_empty() {
        Vec::new()
    } else {
        content()
    };
    Habit {
        request: get(name, ""),
        expected: answer("200 OK", &content),
        after: After::Persist,
    }
}

/// p50 and p99 of GETs in a root with few files, and in one with many.
fn among_files(options: &Options) -> Result<[[Duration; 2]; 2], Failure> {
    let threads = options.threads.unwrap_or(WORKERS);
    let mut servers = Vec::new();
    for files in [FEW, options.files] {
        // On a disk, where a directory is more than what the kernel remembers of it.
        let directory = match &options.directory {
            Some(chosen) => tempfile::tempdir_in(chosen)?,
            None => TempDir::new()?,
        };
        let server = Server::start(options, directory, threads, &[])?;
        for number in 1..files {
            fs::write(server.path("root").join(format!("{number:027}")), content())?;
        }
        servers.push(server);
    }
    let mut clients: Vec<_> = servers
        .iter()
        .map(|server| Normal::new(server.address()))
        .collect();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (client, times) in clients.iter_mut().zip(&mut times) {
            let gets: Latencies = client.gets(ROUND)?;
            times.push([gets.percentile(50), gets.percentile(99)]);
        }
    }
    Ok(times.map(|rounds| {
        [0, 1].map(|at| {
            let of_rounds = rounds.iter().map(|times| times[at].as_secs_f64()).collect();
            Duration::from_secs_f64(median(of_rounds))
        })
    }))
}
