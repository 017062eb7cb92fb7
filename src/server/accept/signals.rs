//! Signals as the main thread sees them: bytes in a socket pair, no thread of their own.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// The signals a server answers to, from the moment this exists.
pub(crate) struct Signals {
    stop: UnixStream,
    reopen: UnixStream,
}

/// What signals have asked for since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// How often SIGINT or SIGTERM came.
    pub(crate) stops: usize,
    /// How often SIGHUP or SIGUSR1 came.
    pub(crate) reopenings: usize,
}

impl Signals {
    pub(crate) fn register() -> io::Result<Self> {
        // A file that reaches its limit (setrlimit(2)) is an error of write(2), not the end of the server.
        flag::register(SIGXFSZ, Arc::default())?;
        Ok(Self {
            stop: pipe_of(&[SIGINT, SIGTERM])?,
            reopen: pipe_of(&[SIGHUP, SIGUSR1])?,
        })
    }

    /// What becomes readable when a signal has come.
    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.stop.as_fd(), self.reopen.as_fd()]
    }

    /// Takes what has come.
    pub(crate) fn take(&self) -> Requests {
        Requests {
            stops: drain(&self.stop),
            reopenings: drain(&self.reopen),
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
