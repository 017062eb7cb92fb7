//! Namespaces of a test's own.

use std::process::Command;

use crate::support::requirements::skip;

/// A command that runs this shell script, with the right to mount; other processes do not see the mounts. The script ends
/// with `exec "$@"` or the like, which runs the arguments that are appended. `None`, with a message, where it is not allowed.
#[track_caller]
pub(crate) fn in_mount_namespace(script: &str, arguments: &[&str]) -> Option<Command> {
    let why = match in_namespace('m', script, script, arguments) {
        Ok(command) => return Some(command),
        Err(why) => format!("cannot mount: {why}"),
    };
    // On many systems only root may mount, so this is not a failure even where everything else must run.
    if rustix::process::geteuid().is_root() {
        skip(&why);
    } else {
        eprintln!("skipped: {why}");
    }
    None
}

/// The same in a network namespace, with the right to make interfaces in it.
#[track_caller]
pub(crate) fn in_network_namespace(script: &str, arguments: &[&str]) -> Option<Command> {
    match in_namespace('n', CABLE, script, arguments) {
        Ok(command) => Some(command),
        Err(why) => {
            skip(&format!("cannot have a network: {why}"));
            None
        }
    }
}

/// Makes two interfaces that are connected.
const CABLE: &str = "ip link add lan0 type veth peer name phone0";

/// A command that runs a shell script in a namespace of the kind that unshare(1) has this letter for; why not, if the
/// script `trial` cannot run there.
fn in_namespace(
    kind: char,
    trial: &str,
    script: &str,
    arguments: &[&str],
) -> Result<Command, String> {
    let mut why = String::new();
    // With the right to do so, or as the root of a user namespace of our own.
    for flags in [format!("-{kind}"), format!("-r{kind}")] {
        let command = |script| {
            let mut command = Command::new("unshare");
            command.args([&flags, "sh", "-c", script]).args(arguments);
            command
        };
        match command(trial).arg("true").output() {
            Ok(output) if output.status.success() => return Ok(command(script)),
            Ok(output) => why = String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why.trim().to_owned())
}
