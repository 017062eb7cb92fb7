//! The dependencies of this crate: their sources, licences, versions and reasons.
//!
//! It reads `cargo metadata` and the manifest, offline; so it knows nothing of advisories, for which there is
//! `cargo audit`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Licences that ask for nothing but their own text.
const PERMITTED: [&str; 5] = ["MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "Unicode-3.0"];

/// Crates of which two versions are built, and why that is borne.
const TWICE: [(&str, &str); 2] = [
    (
        "getrandom",
        "a few lines around getrandom(2); ring's is older than that of the tests",
    ),
    (
        "syn",
        "parses macros at build time only; that of landlock and of the benchmarks is older",
    ),
];

/// All packages of a build for this system, this one among them.
fn packages() -> Vec<Value> {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .args(["--filter-platform", &host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().clone();
    assert!(packages.len() > 20);
    packages
}

fn text<'p>(package: &'p Value, key: &str) -> &'p str {
    package[key].as_str().unwrap_or_default()
}

fn others() -> impl Iterator<Item = Value> {
    packages()
        .into_iter()
        .filter(|package| text(package, "name") != env!("CARGO_PKG_NAME"))
}

/// Whether one of the licences that an SPDX expression offers is permitted; each, where it demands several.
fn is_permitted(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    expression.split(" AND ").all(|term| {
        term.trim_matches(['(', ')', ' '])
            .split(" OR ")
            .any(|licence| PERMITTED.contains(&licence.trim()))
    })
}

#[test]
fn licences_are_permitted() {
    for (expression, permitted) in [
        ("MIT", true),
        ("Unlicense OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT AND GPL-3.0-only", false),
        ("LGPL-2.1-or-later", false),
        ("", false),
    ] {
        assert_eq!(is_permitted(expression), permitted, "{expression}");
    }
    let wrong: Vec<_> = others()
        .filter(|package| !is_permitted(text(package, "license")))
        .map(|package| format!("{}: {}", text(&package, "name"), text(&package, "license")))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_dependency_comes_from_the_registry() {
    let wrong: Vec<_> = others()
        .map(|package| format!("{} {}", text(&package, "name"), text(&package, "source")))
        .filter(|source| {
            !source.ends_with(" registry+https://github.com/rust-lang/crates.io-index")
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_dependency_is_built_in_two_versions_without_a_reason() {
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in packages() {
        let version = text(&package, "version").to_owned();
        let name = text(&package, "name").to_owned();
        versions.entry(name).or_default().insert(version);
    }
    let several: Vec<_> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(several, TWICE.map(|(name, _)| name), "{versions:#?}");
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_the_manifest_states() {
    let number = |version: &str| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap());
        (parts.next().unwrap(), parts.next().unwrap_or(0))
    };
    let ours = number(env!("CARGO_PKG_RUST_VERSION"));
    for package in others() {
        let theirs = text(&package, "rust_version");
        let name = text(&package, "name");
        assert!(
            theirs.is_empty() || number(theirs) <= ours,
            "{name} needs {theirs}"
        );
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let mut section = "";
    let mut reasons = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains('=') && !line.starts_with('#')
        {
            let (_, reason) = line.split_once(" # ").unwrap_or_default();
            assert!(!reason.trim().is_empty(), "no reason: {line}");
            reasons += 1;
        }
    }
    assert!(reasons > 10);
}
