//! The manifest: it has the fields for a registry and for packages, and the files that it names exist.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::packages::{made, repository};

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo
        .args(arguments)
        .current_dir(repository())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn package() -> Value {
    let text = cargo(&[
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    serde_json::from_str::<Value>(&text).unwrap()["packages"][0].clone()
}

#[test]
fn manifest_has_the_fields_that_a_registry_shows() {
    let package = package();
    for field in ["description", "license", "readme", "rust_version"] {
        let text = package[field].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{field}");
    }
    for (field, most) in [("keywords", 5), ("categories", 5)] {
        let count = package[field].as_array().unwrap().len();
        assert!((1..=most).contains(&count), "{field}: {count}");
    }
}

#[test]
fn crate_has_its_documents_licences_and_packaging() {
    // Changes that are not committed do not matter here.
    let list = cargo(&["package", "--list", "--allow-dirty", "--offline"]);
    let files: Vec<_> = list.lines().collect();
    for file in [
        "Cargo.lock",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "packaging/Containerfile",
        "packaging/httpserver.service",
        "src/main.rs",
        "src/bin/httpserver-log/main.rs",
    ] {
        assert!(files.contains(&file), "{file}");
    }
    assert!(!files.iter().any(|file| file.starts_with("target/")));
}

#[test]
fn debian_package_names_existing_files() {
    let package = package();
    let deb = &package["metadata"]["deb"];
    let mut placed = Vec::new();
    for asset in deb["assets"].as_array().unwrap() {
        let [source, target, _] = asset.as_array().unwrap().as_slice() else {
            panic!("{asset}");
        };
        let (source, target) = (source.as_str().unwrap(), target.as_str().unwrap());
        if let Some(file) = source.strip_prefix("target/packaging/") {
            let directory = file.split_once('/').unwrap().0;
            assert!(made().join(directory).is_dir(), "{source}");
        } else if !source.starts_with("target/release/") {
            assert!(repository().join(source).is_file(), "{source}");
        }
        placed.push(target);
    }
    for file in deb["conf-files"].as_array().unwrap() {
        let file = file.as_str().unwrap().trim_start_matches('/');
        assert!(placed.contains(&file), "{file}");
    }
    let scripts = repository().join(deb["maintainer-scripts"].as_str().unwrap());
    for script in ["postinst", "prerm", "postrm"] {
        let text = fs::read_to_string(scripts.join(script)).unwrap();
        assert!(text.starts_with("#!/bin/sh\n"), "{script}");
    }
}
