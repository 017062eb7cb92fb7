//! The options for the privileges that the process drops before it serves.

use clap::Args;

use super::serve;

/// Whether the process confines itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// It drops access to files and system calls that it does not need.
    On,
    /// It drops nothing.
    Off,
}

#[derive(Debug, Args)]
#[command(next_help_heading = serve::GROUP.heading)]
pub(super) struct ConfinementOptions {
    /// Bind the ports as root, then become the user NAME
    ///
    /// The root and the logs are opened as NAME, which may be a number, or two as in 1000:1000.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(super) user: Option<String>,

    /// Keep access to all files and system calls
    ///
    /// Without this option, the kernel denies the server files that it does not need, and system calls such as execve
    /// and mount.
    #[arg(long, hide_short_help = true)]
    no_sandbox: bool,
}

impl ConfinementOptions {
    pub(super) fn sandbox(&self) -> Sandbox {
        if self.no_sandbox {
            Sandbox::Off
        } else {
            Sandbox::On
        }
    }
}
