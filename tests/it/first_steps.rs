//! The first steps of four users, as scripts in `examples/first-steps`: each runs to its end without an error.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::home::Home;
use crate::support::namespace::in_network_namespace;
use crate::support::process::finish;
use crate::support::requirements::is_there;

/// A network with an address that other machines would use.
const NETWORK: &str = "set -e
    ip link set lo up
    ip link add lan0 type veth peer name phone0
    ip address add 192.168.77.5/24 dev lan0
    ip link set lan0 up
    ip link set phone0 up
    until ip link show lan0 | grep -q 'state UP'; do :; done
    exec \"$0\" \"$@\"
";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/first-steps")
}

/// Runs one of the scripts; its last line must be `last`.
#[track_caller]
fn assert_succeeds(mut command: Command, last: &str) {
    let home = Home::new();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_httpserver"));
    let paths = std::env::var("PATH").unwrap();
    let paths = format!("{}:{paths}", program.parent().unwrap().display());
    command.env("PATH", paths).env("TMPDIR", home.root());
    let output = finish(command, b"");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!(stdout.lines().last(), Some(last), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    assert_eq!(home.names(), [""; 0], "it removes what it makes");
}

#[test]
fn scripts_of_the_newcomers_succeed() {
    if !(is_there("curl") && is_there("openssl")) {
        return;
    }
    for (script, last) in [
        ("course.sh", "ok: the log rebuilds the files"),
        (
            "operator.sh",
            "request.log: 7 entries, 342 bytes, no gap, no overlap",
        ),
        ("auditor.sh", "ok: bytes that no server writes are found"),
    ] {
        assert_succeeds(Command::new(scripts().join(script)), last);
    }
}

#[test]
fn phone_opens_the_printed_address() {
    if !(is_there("curl") && is_there("ip")) {
        return;
    }
    let script = scripts().join("phone.sh");
    if let Some(command) = in_network_namespace(NETWORK, &[script.to_str().unwrap()]) {
        assert_succeeds(command, "ok: an existing file is not replaced by accident");
    }
}
