//! A normal client alone, in the crowd, and while the server closes the connections of the crowd.
//!
//! With one worker. The idle ones come first and the others last, so that all are there at once for nearly as long as
//! the short deadlines last. When the server has cut off those that do not read, only it knows: its descriptors are
//! counted while all must be there, when only the idle ones may be, and at the end.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::abuser::{Group, Kind, LARGE, LARGE_LEN, SLACK};
use crate::abusers::{Abusers, Fate};
use crate::normal::{Found, Normal, print_heading, within};
use crate::report::{Promises, Verdict};
use crate::server::{Server, answer, directory_in_memory};
use crate::{Failure, Options};

/// How long the normal client is measured alone.
const ALONE: Duration = Duration::from_secs(4);

/// KiB of resident memory that the server must stay below.
const MOST_RESIDENT: u64 = 24 * 1024;

/// The part of what memory has grown by that may stay: the tables of descriptors and what the allocator keeps.
const KEPT: f64 = 0.5;

/// Memory in KiB and descriptors of the server at one moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    resident: u64,
    descriptors: usize,
}

impl Held {
    fn by(server: &Server) -> Result<Self, Failure> {
        Ok(Self {
            resident: server.resident()?,
            descriptors: server.descriptors()?,
        })
    }
}

/// The results from the beginning to the end.
struct Seen {
    phases: [(&'static str, Found); 4],
    before: Held,
    during: Held,
    /// When only idle connections may be left.
    between: Held,
    after: Held,
    fates: Vec<Fate>,
}

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    let server = start(options)?;
    let groups = groups(options);
    let seen = watch(&server, Abusers::new(groups, options.rate)?, options)?;
    print(&seen);
    Ok(judge(&seen))
}

fn start(options: &Options) -> Result<Server, Failure> {
    let directory = directory_in_memory(options)?;
    let deadline = options.deadline.to_string();
    let mut more = vec![
        "--log".to_owned(),
        directory.path().join("log").display().to_string(),
        "--idle-timeout".to_owned(),
        options.idle_deadline.to_string(),
    ];
    for option in ["--head-timeout", "--body-timeout", "--write-timeout"] {
        more.extend([option.to_owned(), deadline.clone()]);
    }
    let server = Server::start(options, directory, options.threads.unwrap_or(1), &more)?;
    fs::write(server.path("root").join(LARGE), vec![b'l'; LARGE_LEN])?;
    Ok(server)
}

fn groups(options: &Options) -> Vec<Group> {
    let deadline = Duration::from_secs(options.deadline);
    [
        (
            Kind::Idle,
            options.idle,
            Duration::from_secs(options.idle_deadline),
        ),
        (Kind::Deaf, options.deaf, deadline),
        (Kind::Stalled, options.stalled, deadline),
        (Kind::Dripping, options.dripping, deadline),
    ]
    .map(|(kind, number, deadline)| Group {
        kind,
        number,
        deadline,
    })
    .to_vec()
}

fn watch(server: &Server, abusers: Abusers, options: &Options) -> Result<Seen, Failure> {
    let deadline = Duration::from_secs(options.deadline);
    let mut normal = Normal::new(server.address());
    normal.work(within(ALONE / 4));
    // Now that the large file has not changed for a while, the server keeps it open.
    normal.fetch(LARGE, answer("200 OK", &vec![0; LARGE_LEN]).len())?;
    let alone = normal.work(within(ALONE));
    let before = Held::by(server)?;
    let complete = AtomicBool::new(false);
    thread::scope(|scope| {
        let running = scope.spawn(|| abusers.run(server.address(), &complete));
        let coming = normal.work(|| !complete.load(Ordering::Acquire) && !running.is_finished());
        let all_there = Instant::now();
        let crowd = normal.work(within(deadline.saturating_sub(SLACK)));
        let during = Held::by(server)?;
        let mut leaving = normal.work(|| all_there.elapsed() < deadline + SLACK);
        let between = Held::by(server)?;
        leaving.add(normal.work(|| !running.is_finished()));
        let fates = running
            .join()
            .map_err(|_| "the crowd's thread panicked")??;
        normal.work(within(SLACK / 10));
        Ok(Seen {
            phases: [
                ("alone", alone),
                ("while they come", coming),
                ("in the crowd", crowd),
                ("while they go", leaving),
            ],
            before,
            during,
            between,
            after: Held::by(server)?,
            fates,
        })
    })
}

fn print(seen: &Seen) {
    print_heading();
    for (name, found) in &seen.phases {
        found.print(name);
    }
    println!(
        "\n{:<34} {:>12} {:>12}",
        "the server", "RSS in KiB", "descriptors"
    );
    for (name, held) in [
        ("before", seen.before),
        ("in the crowd", seen.during),
        ("when only idle ones may be left", seen.between),
        ("after", seen.after),
    ] {
        println!("{name:<34} {:>12} {:>12}", held.resident, held.descriptors);
    }
    println!(
        "\n{:<16} {:>8} {:>10} {:>14}",
        "the crowd", "number", "deadline", "as promised"
    );
    for fate in &seen.fates {
        let Group {
            kind,
            number,
            deadline,
        } = fate.group;
        println!(
            "{kind:<16} {number:>8} {:>8} s {:>14}",
            deadline.as_secs(),
            fate.as_promised
        );
        if let Some(other) = &fate.other {
            println!("    another got: {other}");
        }
    }
}

fn judge(seen: &Seen) -> Verdict {
    let mut promises = Promises::new();
    let [(_, alone), .., (_, crowd), _] = &seen.phases;
    let failures: usize = seen.phases.iter().map(|(_, found)| found.failures).sum();
    let why = seen
        .phases
        .iter()
        .find_map(|(_, found)| found.failure.clone());
    promises.check(
        failures == 0,
        "every request of the normal client succeeds",
        &why.unwrap_or_default(),
    );
    promises.check_p99("GET", &alone.gets, &crowd.gets);
    promises.check_p99("PUT", &alone.puts, &crowd.puts);
    promises.check_p99("fresh", &alone.fresh, &crowd.fresh);
    judge_memory(seen, &mut promises);
    judge_connections(seen, &mut promises);
    promises.verdict()
}

fn judge_memory(seen: &Seen, promises: &mut Promises) {
    let (before, during) = (&seen.before, &seen.during);
    promises.check(
        during.resident.max(seen.between.resident) < MOST_RESIDENT,
        &format!("memory stays under {MOST_RESIDENT} KiB"),
        &during.resident.to_string(),
    );
    #[expect(clippy::cast_precision_loss, reason = "a few thousand KiB")]
    let kept = seen.after.resident.saturating_sub(before.resident) as f64
        / during.resident.saturating_sub(before.resident).max(1) as f64;
    promises.check(
        kept <= KEPT,
        "memory falls back when they have left",
        &format!("{:.0} % stay", kept * 100.0),
    );
}

fn judge_connections(seen: &Seen, promises: &mut Promises) {
    let Seen {
        before,
        during,
        between,
        after,
        ..
    } = seen;
    let others: usize = seen.fates.iter().map(|fate| fate.group.number).sum();
    let idle: usize = seen
        .fates
        .iter()
        .filter(|fate| fate.group.kind == Kind::Idle)
        .map(|fate| fate.group.number)
        .sum();
    promises.check(
        during.descriptors >= before.descriptors + others,
        "no connection is closed before its deadline",
        &format!(
            "{} descriptors for {others}",
            during.descriptors.saturating_sub(before.descriptors)
        ),
    );
    promises.check(
        between.descriptors <= before.descriptors + idle,
        "after the short deadlines only the idle are left",
        &format!(
            "{} of {idle}",
            between.descriptors.saturating_sub(before.descriptors)
        ),
    );
    let good = seen
        .fates
        .iter()
        .all(|fate| fate.as_promised == fate.group.number);
    promises.check(good, "every abuser is treated as its deadline says", "");
    promises.check(
        after.descriptors == before.descriptors,
        "no descriptor is left",
        &format!("{} and {}", before.descriptors, after.descriptors),
    );
}
