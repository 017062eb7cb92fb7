//! Requirements of a test on the machine, and what happens where one is missing.

use std::process::Command;

/// Ends a test that cannot run here: says why, and fails where it has to run, which is where `CI` is `true`.
#[track_caller]
pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "CI must run this: {why}"
    );
}

/// Whether a program is there; if not, the test is skipped.
#[track_caller]
pub(crate) fn is_there(program: &str) -> bool {
    let is_there = has(program);
    if !is_there {
        skip(&format!("{program} is not there"));
    }
    is_there
}

/// Whether a program is there. Some, such as wrk, fail with every option, so only the start counts.
pub(super) fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
