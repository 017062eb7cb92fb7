//! A normal client alone, and beside one connection of each kind that makes the server work hard, with one worker and
//! with four.
//!
//! A wait has two causes: the server has its turn with the busy connection, or another thread has the processor. For
//! the first, the server itself says how much processor time the longest turn of a connection took. The second is kept
//! small by the low priority of the busy client.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::busy::{Busy, fill};
use crate::normal::{Found, Normal, within};
use crate::report::{Latencies, Promises, Verdict, micros, ratio};
use crate::server::{Server, directory_in_memory};
use crate::{Failure, Options};

/// How long the normal client is measured beside each of the others.
const TIME: Duration = Duration::from_secs(4);

/// No turn takes more processor time.
const MOST: Duration = Duration::from_millis(10);

/// How often the 99th percentile alone the same beside others may be.
const MOST_RATIO: f64 = 2.0;

/// Workers of the server, if that is not chosen.
const WORKERS: [usize; 2] = [1, 4];

/// The result of one measurement.
struct Measurement {
    normal: Found,
    /// The longest turn of a connection, in processor time.
    turn: Duration,
}

/// The worst of something, and beside what that was.
struct Worst<T>(T, String);

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    println!(
        "latency of a normal client in us, 1 KiB, beside one connection that sends; the ratio of its 99th"
    );
    println!(
        "percentiles to those alone; new: GET on a new connection; turn: the longest, in processor time"
    );
    let mut turn = Worst(Duration::ZERO, String::new());
    let mut most = Worst(0.0, String::new());
    let mut failures = 0;
    let workers = options.threads.map_or(WORKERS.to_vec(), |one| vec![one]);
    for workers in workers {
        println!();
        print_heading(workers);
        let mut alone = measure("nothing", workers, options, None)?;
        alone.print("nothing", None);
        let again = measure("nothing again", workers, options, None)?;
        again.print("nothing again", None);
        alone.normal.add(again.normal);
        for busy in Busy::kinds() {
            if !options.only.is_empty() && !options.only.iter().any(|it| busy.name.contains(it)) {
                continue;
            }
            let found = measure(busy.name, workers, options, Some(&busy))?;
            found.print(busy.name, Some(&alone.normal));
            let name = format!("{}, -N {workers}", busy.name);
            failures += found.normal.failures;
            let ratio = found.most_ratio(&alone.normal);
            if ratio > most.0 {
                most = Worst(ratio, name.clone());
            }
            if found.turn > turn.0 {
                turn = Worst(found.turn, name);
            }
        }
    }
    let mut promises = Promises::new();
    promises.check(
        failures == 0,
        "every request succeeds",
        &failures.to_string(),
    );
    promises.check(
        turn.0 <= MOST,
        "no turn takes more than 10 ms",
        &format!("{} us, {}", micros(turn.0).trim(), turn.1),
    );
    promises.check(
        most.0 <= MOST_RATIO,
        "every p99 is at most twice that alone",
        &format!("{:.2}, {}", most.0, most.1),
    );
    Ok(promises.verdict())
}

fn print_heading(workers: usize) {
    print!("{:<24}", format!("-N {workers}"));
    for what in ["GET", "PUT", "new"] {
        print!(" {:>8} {:>8} {:>6}", format!("{what} p50"), "p99", "ratio");
    }
    println!(" {:>8}", "turn");
}

/// Measures beside `busy`, with a server of its own.
fn measure(
    name: &str,
    workers: usize,
    options: &Options,
    busy: Option<&Busy>,
) -> Result<Measurement, Failure> {
    let directory = directory_in_memory(options)?;
    let path = |name| directory.path().join(name).display().to_string();
    let (log, summary) = (path("log"), path("summary"));
    let more = [
        "--web",
        "--writable",
        "--listing",
        "--log",
        &log,
        "--summary",
        &summary,
    ];
    let more = more.map(str::to_owned);
    let mut server = Server::start(options, directory, workers, &more)?;
    fill(&server)?;
    let mut normal = Normal::of_web(server.address());
    // The first time is not measured, since it may be slow.
    normal.work(within(TIME / 20));
    let over = AtomicBool::new(false);
    let found = thread::scope(|scope| {
        let address = server.address();
        let over = &over;
        let working = busy.map(|busy| scope.spawn(move || busy.work(address, over)));
        let found = normal.work(within(TIME));
        over.store(true, Ordering::Relaxed);
        if let Some(working) = working {
            working.join().map_err(|_| "the busy client panicked")??;
        }
        Ok::<_, Failure>(found)
    })?;
    if let Some(failure) = &found.failure {
        println!("{name}: {failure}");
    }
    server.end()?;
    let summary: serde_json::Value = serde_json::from_str(&fs::read_to_string(summary)?)?;
    let turn = summary["longest_turn_processor_us"]
        .as_u64()
        .ok_or("the summary does not have the longest turn")?;
    Ok(Measurement {
        normal: found,
        turn: Duration::from_micros(turn),
    })
}

impl Measurement {
    /// Prints it as a row, compared with what the client found alone.
    fn print(&self, name: &str, alone: Option<&Found>) {
        print!("{name:<24}");
        let alone = alone.map(latencies);
        for (kind, found) in latencies(&self.normal).into_iter().enumerate() {
            let p99 = found.percentile(99);
            print!(" {} {}", micros(found.percentile(50)), micros(p99));
            match alone {
                Some(alone) => print!(" {:>6.2}", ratio(p99, alone[kind].percentile(99))),
                None => print!(" {:>6}", ""),
            }
        }
        println!(" {}", micros(self.turn));
    }

    /// The largest ratio of a 99th percentile to that alone.
    fn most_ratio(&self, alone: &Found) -> f64 {
        let pairs = latencies(&self.normal).into_iter().zip(latencies(alone));
        pairs
            .map(|(beside, alone)| ratio(beside.percentile(99), alone.percentile(99)))
            .fold(0.0, f64::max)
    }
}

/// Of GETs, of PUTs, and of GETs on new connections.
fn latencies(found: &Found) -> [&Latencies; 3] {
    [&found.gets, &found.puts, &found.fresh]
}
