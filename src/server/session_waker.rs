//! The waker by which another thread wakes a parked session.
//!
//! A session that needs a result from another thread passes it a [`SessionWaker`], and waits for [`Interest::Waker`].
//! With the result, the other thread calls [`SessionWaker::wake`]; the main thread takes the connection out of its slot
//! and pushes it into the queue, as it does after an expired deadline. No worker waits.
//!
//! [`Interest::Waker`]: super::protocol::Interest::Waker

use std::fmt;
use std::os::fd::RawFd;
use std::sync::Arc;

use super::waker::Waker;
use crate::sync::{Mutex, lock};

/// Wakes a session, even if it has a turn now or waits for another event.
///
/// A session must tolerate a wake-up without a reason: if a descriptor is closed and reused, a waker of the old session
/// wakes the new one.
#[derive(Debug, Clone)]
pub struct SessionWaker {
    woken: Arc<WokenSessions>,
    fd: RawFd,
}

/// The sessions that other threads have woken.
pub(crate) struct WokenSessions {
    /// Guards the descriptors of the sessions.
    fds: Mutex<Vec<RawFd>>,
    main_waker: Arc<Waker>,
}

impl SessionWaker {
    pub(crate) fn new(woken: &Arc<WokenSessions>, fd: RawFd) -> Self {
        Self {
            woken: Arc::clone(woken),
            fd,
        }
    }

    /// Ends the wait of the session, or the next one if it has a turn now.
    pub fn wake(&self) {
        lock(&self.woken.fds).push(self.fd);
        self.woken.main_waker.wake();
    }
}

impl WokenSessions {
    pub(crate) fn new(main_waker: &Arc<Waker>) -> Self {
        Self {
            fds: Mutex::new(Vec::new()),
            main_waker: Arc::clone(main_waker),
        }
    }

    /// Takes out their descriptors.
    pub(crate) fn take(&self) -> Vec<RawFd> {
        std::mem::take(&mut *lock(&self.fds))
    }
}

impl fmt::Debug for WokenSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WokenSessions")
    }
}
