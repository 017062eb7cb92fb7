//! The checks of `checks` on generated input and on the seeds.
//!
//! `FUZZ_CASES=100000 cargo test --release --test fuzz` is a long run; without it each property gets as many cases as
//! it can check in about a second. The same checks run under libFuzzer from `fuzz/`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod checks;
mod connection;
mod orderly;
mod parts;
#[cfg(feature = "tls")]
mod secured;
mod site;

use proptest::prelude::ProptestConfig;
use std::path::Path;

/// The number of cases: `FUZZ_CASES` if it is set, else `usual`.
fn cases(usual: u32) -> ProptestConfig {
    let cases = std::env::var("FUZZ_CASES")
        .ok()
        .map_or(usual, |text| text.parse().expect("FUZZ_CASES: a number"));
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

/// Runs a check on each of its seeds.
fn run_seeds(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let seed = std::fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| check(&seed));
        assert!(result.is_ok(), "{}", path.display());
        seeds += 1;
    }
    assert!(seeds > 0, "no seeds in {}", directory.display());
}
