//! Signals for the main thread: bytes in a socket pair, without a thread of their own.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use signal_hook::flag;
use signal_hook::low_level::pipe;

use super::terminal::ControllingTerminal;

/// The signals a server answers to, from the moment this exists.
pub(crate) struct Signals {
    stop: UnixStream,
    /// SIGHUP and SIGUSR1.
    reopen: UnixStream,
    /// SIGUSR2.
    status: UnixStream,
    /// Whether SIGHUP was among them; set before the byte is in the pipe.
    hang_up: Arc<AtomicBool>,
    terminal: ControllingTerminal,
}

/// The requests of signals since the last check.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// The number of SIGINT and SIGTERM.
    pub(crate) stops: usize,
    /// Whether there was a SIGHUP because the controlling terminal is gone.
    pub(crate) terminal_is_gone: bool,
    /// The number of other SIGHUP and of SIGUSR1.
    pub(crate) reopenings: usize,
    /// The number of SIGUSR2.
    pub(crate) statuses: usize,
}

impl Signals {
    pub(crate) fn register() -> io::Result<Self> {
        // A file that reaches its limit (setrlimit(2)) is an error of write(2), not the end of the server.
        flag::register(SIGXFSZ, Arc::default())?;
        let terminal = ControllingTerminal::at_start();
        let hang_up = Arc::default();
        flag::register(SIGHUP, Arc::clone(&hang_up))?;
        Ok(Self {
            stop: pipe_of(&[SIGINT, SIGTERM])?,
            reopen: pipe_of(&[SIGHUP, SIGUSR1])?,
            status: pipe_of(&[SIGUSR2])?,
            hang_up,
            terminal,
        })
    }

    /// The descriptor that becomes readable after a signal.
    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; 3] {
        [self.stop.as_fd(), self.reopen.as_fd(), self.status.as_fd()]
    }

    /// Takes the received signals.
    pub(crate) fn take(&self) -> Requests {
        let stops = drain(&self.stop);
        let reopenings = drain(&self.reopen);
        let terminal_is_gone =
            self.hang_up.swap(false, Ordering::Relaxed) && self.terminal.is_gone();
        Requests {
            stops,
            terminal_is_gone,
            reopenings: if terminal_is_gone { 0 } else { reopenings },
            statuses: drain(&self.status),
        }
    }
}

fn pipe_of(signals: &[i32]) -> io::Result<UnixStream> {
    let (receiver, sender) = UnixStream::pair()?;
    receiver.set_nonblocking(true)?;
    for signal in signals {
        pipe::register(*signal, sender.try_clone()?)?;
    }
    Ok(receiver)
}

fn drain(mut from: &UnixStream) -> usize {
    let mut bytes = [0_u8; 64];
    let mut total = 0;
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        total += count;
    }
    total
}
