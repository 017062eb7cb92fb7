//! Mount namespaces of a test's own.

use std::process::Command;

use crate::support::requirements::skip;

/// A command that runs what is appended to it where this shell script has run before, with the right to mount and unseen
/// by anybody else; the script ends with `exec "$@"` or the like. `None`, with a message, where that is not allowed.
#[track_caller]
pub(crate) fn in_mount_namespace(script: &str, arguments: &[&str]) -> Option<Command> {
    let mut why = String::new();
    // With the right to mount, or as the root of a user namespace of our own.
    for flags in ["-m", "-rm"] {
        let command = || {
            let mut command = Command::new("unshare");
            command.args([flags, "sh", "-c", script]).args(arguments);
            command
        };
        match command().arg("true").output() {
            Ok(output) if output.status.success() => return Some(command()),
            Ok(output) => why = String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => why = error.to_string(),
        }
    }
    let why = format!("cannot mount: {}", why.trim());
    // Many systems let nobody but root mount, so that is no failure even where everything else must run.
    if rustix::process::geteuid().is_root() {
        skip(&why);
    } else {
        eprintln!("skipped: {why}");
    }
    None
}
