//! The options that say what the process gives up before it serves.

use clap::Args;

use super::serve;

/// Whether the process confines itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// It gives up the files and the system calls that it has no use for.
    On,
    /// It gives up nothing.
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
    /// Otherwise the kernel refuses the server files that it has no use for, and system calls such as execve and mount.
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
