//! Other people's clients: a site mirrored by wget, files moved by curl.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::support::curl::curl_in;
use crate::support::process::isolate;
use crate::support::requirements::is_there;
use crate::support::setup::Setup;
use crate::support::tree::{files, write};

/// `HTTPSERVER_MIRROR` sets the number of files; a quick run has some hundreds.
#[test]
fn wget_mirrors_a_site() {
    if !is_there("wget") {
        return;
    }
    let count: usize = std::env::var("HTTPSERVER_MIRROR")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(300);
    let site = Setup::web(&["--listing"])
        .files(|root| {
            for number in 0..count {
                let name = format!("d{}/e{}/file {number} \u{e9}&.bin", number % 7, number % 3);
                let content: Vec<u8> = (0..(number * 37) % 40_000)
                    .map(|at| u8::try_from((at * 7 + number) % 256).unwrap())
                    .collect();
                write(root, &name, content);
            }
        })
        .start();
    let mirror = tempfile::tempdir().unwrap();
    let mut wget = Command::new("wget");
    wget.args([
        "--recursive",
        "--level=inf",
        "--no-parent",
        "--no-host-directories",
        "--quiet",
    ])
    .args(["--reject", "index.html*", "--restrict-file-names=nocontrol"])
    .args(["--timeout=60", "--tries=1", "-e", "robots=off"])
    .arg(format!("http://{}/", site.address()))
    .current_dir(mirror.path())
    .env("LC_ALL", "C.UTF-8");
    isolate(&mut wget);
    let output = wget.output().unwrap();
    let (here, there) = (files(&site.root()), files(mirror.path()));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&there), names(&here), "{output:?}");
    assert!(here == there, "{output:?}");
}

#[test]
fn curl_uploads_resumes_and_asks_again() {
    let site = Setup::web(&["--writable"]).start();
    let here = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 253) as u8).collect();
    write(here.path(), "up.bin", &content);
    let curl = |arguments: &[&str]| curl_in(here.path(), arguments);
    let address = format!("http://{}/a/b/up.bin", site.address());
    let status = ["-w", "%{http_code}"];
    assert_eq!(
        curl(&["-T", "up.bin", status[0], status[1], &address]),
        "201"
    );
    assert_eq!(
        curl(&["-T", "up.bin", status[0], status[1], &address]),
        "204"
    );
    // A download that broke off is resumed.
    write(here.path(), "down.bin", &content[..500_000]);
    curl(&["-C", "-", "-o", "down.bin", &address]);
    assert!(fs::read(here.path().join("down.bin")).unwrap() == content);
    // Unchanged files are not sent again.
    curl(&["--etag-save", "etag", "-o", "again.bin", &address]);
    let unchanged = ["--etag-compare", "etag", "-o", "again.bin"];
    let code = curl(&[&unchanged[..], &status[..], &[&address]].concat());
    assert_eq!(code, "304");
    // Several parts of it.
    let parts = curl(&[
        "-r",
        "0-3,1000-1003",
        "-o",
        "parts",
        status[0],
        status[1],
        &address,
    ]);
    assert_eq!(parts, "206");
    assert_eq!(
        curl(&["-X", "DELETE", status[0], status[1], &address]),
        "204"
    );
}
