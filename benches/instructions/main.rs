//! Instructions in user space of the pure parts and of whole requests, counted by valgrind: other programs on the machine
//! do not change them. Each case is compared with the figure in `figures.txt`, and may take [`TOLERANCE`] more.
//!
//! `cargo bench --bench instructions`; with `-- --write` it writes the figures.
//!
//! A case runs in a child process, once with few rounds and once with many, so that the difference has neither the start
//! nor the setup in it. valgrind shows every program the same processor features on each machine that has AVX2.

mod cases;
mod client;
#[path = "../support/directory.rs"]
mod directory;
#[path = "../support/heads.rs"]
mod heads;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use cases::CASES;

/// The part of its figure by which a case may exceed it: with the compiler of the figures, and with another.
const TOLERANCE: (f64, f64) = (0.05, 0.15);

/// Rounds of the shorter run, in which caches and buffers reach their sizes.
const FEW: u64 = 40;

/// The line of the figures with the compiler.
const COMPILER: &str = "# with ";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--run", name, rounds] => {
            let rounds = rounds.parse().expect("a number of rounds");
            (case(name).run)(rounds);
            ExitCode::SUCCESS
        }
        ["--write", ..] => result(measure().and_then(|counted| write(&counted))),
        _ => result(measure().and_then(|counted| compare(&counted))),
    }
}

fn result(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn case(name: &str) -> &'static cases::Case {
    let mut all = CASES.iter();
    all.find(|case| case.name == name).expect("a case")
}

/// The instructions of one round of each case.
fn measure() -> Result<Vec<(&'static str, u64)>, String> {
    if !has_vectors() {
        return Err("the figures are for x86-64 with AVX2, which this machine lacks".to_owned());
    }
    CASES
        .iter()
        .map(|case| {
            let few = count(case.name, FEW)?;
            let many = count(case.name, FEW + case.rounds)?;
            Ok((case.name, many.saturating_sub(few) / case.rounds))
        })
        .collect()
}

fn has_vectors() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// The instructions of a process with so many rounds of a case.
fn count(name: &str, rounds: u64) -> Result<u64, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no"])
        .arg("--cachegrind-out-file=/dev/null")
        .arg(this)
        .args(["--run", name, &rounds.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{name}: {}: {said}", output.status));
    }
    // ==1== I   refs:      1,234,567
    said.lines()
        .filter(|line| line.contains(" refs:"))
        .find_map(|line| line.rsplit(' ').next()?.replace(',', "").parse().ok())
        .ok_or_else(|| format!("valgrind does not say how many instructions there are: {said}"))
}

fn figures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/figures.txt")
}

fn compiler() -> Result<String, String> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.map_err(|error| format!("cannot run rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn write(counted: &[(&str, u64)]) -> Result<(), String> {
    let mut text =
        String::from("# Instructions for each case: `cargo bench --bench instructions`\n");
    let _ = writeln!(text, "{COMPILER}{}", compiler()?);
    for (name, count) in counted {
        println!("{name}: {count}");
        let _ = writeln!(text, "{name} {count}");
    }
    std::fs::write(figures(), text).map_err(|error| error.to_string())
}

fn compare(counted: &[(&str, u64)]) -> Result<(), String> {
    let text = std::fs::read_to_string(figures()).map_err(|error| error.to_string())?;
    let is_same = text.contains(&format!("{COMPILER}{}\n", compiler()?));
    let tolerance = if is_same { TOLERANCE.0 } else { TOLERANCE.1 };
    let figures: BTreeMap<_, u64> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, count)| Some((name, count.parse().ok()?)))
        .collect();
    let mut wrong = Vec::new();
    println!(
        "{:<34} {:>10} {:>10} {:>8}",
        "instructions", "now", "figure", "ratio"
    );
    for &(name, count) in counted {
        let Some(&figure) = figures.get(name) else {
            wrong.push(format!("{name} has no figure"));
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "a ratio of small numbers")]
        let ratio = count as f64 / figure as f64;
        println!("{name:<34} {count:>10} {figure:>10} {ratio:>8.3}");
        if ratio > 1.0 + tolerance {
            wrong.push(format!("{name} takes {ratio:.3} times its figure"));
        }
    }
    if figures.len() > counted.len() {
        wrong.push("a figure has no case".to_owned());
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}; if that is intended, write the figures with --write",
        wrong.join("; ")
    ))
}
