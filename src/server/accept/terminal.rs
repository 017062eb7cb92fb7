//! The controlling terminal of the server, and whether it is gone.
//!
//! SIGHUP means that the log was rotated, or that a terminal was closed. The sender does not distinguish the two: the
//! kernel sends it for a closed terminal, but a shell forwards its own with kill(2), like programs that rotate logs. So
//! the terminal is tested: opening /dev/tty fails once it is gone (tty(4)).

use std::fs;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use signal_hook::consts::SIGHUP;

/// Whether closing the terminal stops the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ControllingTerminal {
    /// There was one at the start.
    Attached,
    /// There was none, or SIGHUP was ignored, as under nohup(1): the server must outlive its terminal.
    Detached,
}

impl ControllingTerminal {
    /// The current state. It must be called before a handler of SIGHUP is registered.
    pub(crate) fn at_start() -> Self {
        if ignores_hang_up() || try_open().is_err() {
            Self::Detached
        } else {
            Self::Attached
        }
    }

    /// Whether the server had a terminal that is gone now.
    pub(crate) fn is_gone(self) -> bool {
        match self {
            Self::Detached => false,
            // A shortage in this process does not show that the terminal is gone.
            Self::Attached => try_open().is_err_and(|error| {
                !matches!(
                    error,
                    Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR
                )
            }),
        }
    }
}

fn try_open() -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    open("/dev/tty", flags, Mode::empty()).map(drop)
}

/// Whether SIGHUP is ignored. Also true if this is not known, so that a server under nohup(1) is never stopped by
/// mistake.
fn ignores_hang_up() -> bool {
    fs::read_to_string("/proc/self/status").map_or(true, |status| is_ignored(&status, SIGHUP))
}

/// Whether a signal is in the mask `SigIgn` of `/proc/PID/status` (`proc_pid_status(5)`), or there is no such mask.
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_mask() {
        for (status, expected) in [
            (
                "Name:\tx\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000001\n",
                false,
            ),
            (
                "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n",
                false,
            ),
            ("SigIgn:\t0000000000000001\n", true),
            ("SigIgn:\tffffffffffffffff\n", true),
            ("SigIgn:\tfffffffffffffffe\n", false),
            // Not known.
            ("Name:\tx\n", true),
            ("SigIgn:\tx\n", true),
            ("", true),
        ] {
            assert_eq!(is_ignored(status, SIGHUP), expected, "{status}");
        }
    }
}
