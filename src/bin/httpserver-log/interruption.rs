//! The end of a waiting command: by SIGINT, by SIGTERM, or because its output was closed.

use crate::failure::Failure;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The exit status after a second signal.
const INTERRUPTED: i32 = 130;

/// Whether a signal was received.
#[derive(Debug)]
pub(crate) struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// From now on the first signal ends the command after a complete line; a second one ends it immediately.
    pub(crate) fn watch() -> Result<Self, Failure> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&came))
                .and_then(|_| flag::register(signal, Arc::clone(&came)))
                .map_err(Failure::file("signals"))?;
        }
        Ok(Self(came))
    }

    /// Whether a signal was received.
    pub(crate) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Waits for this time, or until a signal. If the output is closed, it fails.
pub(crate) fn wait(time: Duration) -> Result<(), Failure> {
    let stdout = io::stdout();
    // No event is requested; poll(2) always reports errors.
    let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
    let time = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    match poll(&mut polled, Some(&time)) {
        Ok(_)
            if polled[0]
                .revents()
                .intersects(PollFlags::ERR | PollFlags::NVAL) =>
        {
            Err(Failure::OutputClosed)
        }
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(Failure::Output(error.into())),
    }
}
