//! The test vectors of the seal's format: `check` and the independent script agree on them, and on a log of the server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::home::Home;
use crate::support::process::{finish, log_tool};
use crate::support::requirements::is_there;
use crate::support::seal::{key_state, seal_path};
use crate::support::setup::Setup;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn vectors() -> PathBuf {
    repository().join("docs/seal")
}

/// Runs examples/verify.py in a directory, unless there is no Python.
fn script(directory: &Path, arguments: &[&str]) -> Option<Output> {
    if !is_there("python3") {
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(repository().join("examples/verify.py"));
    command.args(arguments).current_dir(directory);
    Some(finish(command, b""))
}

const FILES: [&str; 4] = ["--key", "key.txt", "log.txt.1", "log.txt"];

#[test]
fn test_vectors_are_verified() {
    let checked = log_tool(&vectors(), [&["check"], &FILES[..]].concat(), b"");
    let said = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{said}");
    for line in [
        "log.txt.1: 4 entries, 251 bytes, no gap, no overlap",
        "log.txt.1: entry 4 (2026-11-27T12:00:03.000000Z, PUT b.txt length 3) was torn: a server found it so at its \
         start, and cut it off",
        "log.txt.seal: 2 sealed entries from 2026-11-27T12:00:11.500000Z to 2026-11-27T12:00:12.000000Z: nothing was \
         altered",
    ] {
        assert!(
            said.lines().any(|said| said == line),
            "no {line} in\n{said}"
        );
    }
    assert!(!said.contains("authentication"), "{said}");
}

#[test]
fn independent_script_verifies_the_test_vectors() {
    let Some(output) = script(&vectors(), &FILES) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("log.txt.1: 6 entries, 17 lines, last "),
        "{said}"
    );
}

#[test]
fn independent_script_and_check_agree_on_a_log_of_the_server() {
    let home = Home::new();
    key_state(&home);
    let options = ["--writable", "--seal", "--seal-key", "key"];
    let mut server = Setup::at(&home, &[&["--web"], &options[..]].concat()).start();
    for length in [0, 1, 20, 21, 999] {
        server.put(&format!("/{length}"), "", &vec![b'x'; length]);
        server.get(&format!("/{length}"));
    }
    server.stop();
    fs::write(
        home.path().join("key.txt"),
        crate::support::seal::key().to_text(),
    )
    .unwrap();
    let arguments = ["--key", "key.txt", "log.txt"];
    let verdicts = || {
        let ours = log_tool(home.path(), [&["check"], &arguments[..]].concat(), b"");
        Some((
            ours.status.success(),
            script(home.path(), &arguments)?.status.success(),
        ))
    };
    if verdicts().is_none() {
        return;
    }
    assert_eq!(verdicts(), Some((true, true)));
    let log = fs::read(home.log_path()).unwrap();
    let seal = fs::read(seal_path(&home.log_path())).unwrap();
    // One byte at places all over both files.
    for (path, content) in [(home.log_path(), log), (seal_path(&home.log_path()), seal)] {
        for part in 0..6 {
            let mut altered = content.clone();
            let at = content.len() * part / 6 + 3;
            altered[at] ^= 1;
            fs::write(&path, &altered).unwrap();
            assert_eq!(verdicts(), Some((false, false)), "{} {at}", path.display());
        }
        fs::write(&path, &content).unwrap();
    }
}
