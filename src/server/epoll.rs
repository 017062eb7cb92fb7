//! The kernel's part of the reactor: one edge-triggered epoll(7) instance, in which pollers sleep, and the waker in it.
//!
//! It identifies sockets by their descriptor numbers, and has no state of its own.

use std::io;
use std::os::fd::{OwnedFd, RawFd};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::transport::Socket;
use super::waker::Waker;

pub(crate) use rustix::event::epoll::EventFlags;

/// The most ready connections that a poller takes at a time: enough to amortise the system call, and few enough that
/// none waits long for its turn.
const BATCH: usize = 16;

/// Marks the waker's events; no descriptor has this number.
const WAKER: u64 = u64::MAX;

/// See the module's description.
pub(crate) struct Epoll {
    epoll: OwnedFd,
    /// Its events are edge-triggered, too: each ends the wait of one poller, and need not be drained.
    waker: Waker,
}

/// The wait of a poller for events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// It waits until there are events.
    Never,
    /// It takes the present events without waiting.
    AtOnce,
}

/// The events of one wait; a worker's own, and reused.
pub(crate) struct Events(Vec<epoll::Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(BATCH))
    }

    /// Whether there is no event, not even one of the waker.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ready sockets, and their readiness.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = (RawFd, EventFlags)> {
        self.0.iter().filter_map(|event| {
            // The waker's number is not a descriptor.
            let fd = RawFd::try_from(event.data.u64()).ok()?;
            Some((fd, event.flags))
        })
    }
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let waker = Waker::new()?;
        epoll::add(
            &epoll,
            &waker,
            epoll::EventData::new_u64(WAKER),
            EventFlags::IN | EventFlags::ET,
        )?;
        Ok(Self { epoll, waker })
    }

    /// Watches a socket for `wanted`, and reports it immediately if it is ready already; `watched` are the events
    /// watched until now. Closing the socket ends this.
    pub(crate) fn watch(
        &self,
        socket: &Socket,
        watched: EventFlags,
        wanted: EventFlags,
    ) -> Result<(), Errno> {
        let data = epoll::EventData::new_u64(u64::try_from(socket.number()).unwrap_or(WAKER));
        if watched.is_empty() {
            epoll::add(&self.epoll, socket, data, wanted | EventFlags::ET)
        } else {
            epoll::modify(&self.epoll, socket, data, wanted | EventFlags::ET)
        }
    }

    /// Waits for events. Each event is returned to one caller.
    pub(crate) fn wait(&self, events: &mut Events, timeout: Timeout) {
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let timeout = match timeout {
            Timeout::Never => None,
            Timeout::AtOnce => Some(&at_once),
        };
        events.0.clear();
        if let Err(error) = epoll::wait(&self.epoll, spare_capacity(&mut events.0), timeout)
            && error != Errno::INTR
        {
            log::error!("cannot wait for connections: {error}");
        }
    }

    /// Ends the wait of one caller, or the next.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }
}
