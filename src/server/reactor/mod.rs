//! The reactor: connections whose sockets would block, and the epoll instance that reports when they are ready.
//!
//! A socket is registered once, edge-triggered, when its connection is parked for the first time: for reading, and also
//! for writing from the first wait to send. It is never re-armed otherwise. If an event arrives while a worker has the
//! connection, the slot stores it, so no edge is lost. An idle *worker* sleeps here, a poller, so readiness reaches the
//! thread that acts on it without a hand-over. There are few pollers (see [`max_pollers`]), since more would be woken
//! in vain. The main thread takes out connections whose deadline has passed.

pub(crate) mod busy_polling;
pub(crate) mod pollers;
mod slots;
mod timers;

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::RawFd;
use std::time::Instant;

use rustix::io::Errno;

use self::busy_polling::{BusyPolling, LookResult};
use self::pollers::{Pollers, QueuedWork, TooManyPollers};
use self::slots::{Due, Parking, Slots, WOKEN};
use self::timers::{Sleeper, Timers};
use super::accepted::Connection;
use super::epoll::{Epoll, EventFlags, Events, Timeout};
use super::protocol::{Activity, Deadline, Interest};
use crate::sync::atomic::{AtomicBool, Ordering};

/// See the module's description.
pub(crate) struct Reactor<S> {
    epoll: Epoll,
    slots: Slots<S>,
    timers: Timers,
    pollers: Pollers,
    /// Whether idle connections are closed instead of parked.
    stopping: AtomicBool,
}

/// The mode of polling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollMode {
    /// It sleeps until a connection is ready, perhaps after some looks.
    Wait,
    /// It takes the connections that are ready now.
    Look,
}

/// Whether a worker could poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Polled {
    /// It polled.
    Yes,
    /// The most workers already poll.
    TooManyPollers,
}

/// The result of parking a connection.
pub(crate) enum ParkOutcome<S> {
    /// It is parked.
    Parked,
    /// It is parked with the earliest deadline: the main thread must be woken.
    ParkedDueFirst,
    /// It is ready already.
    Ready(Box<Connection<S>>),
    /// It would be idle, and the server is stopping.
    Stopping(Box<Connection<S>>),
    /// epoll(7) cannot watch it.
    Refused(Box<Connection<S>>),
}

/// The most workers that poll at a time. One processor is left for the main thread, for the kernel's network stack, and
/// for clients on the same machine, which would otherwise wait for whole time slices.
pub(crate) fn max_pollers(processors: NonZeroUsize) -> usize {
    processors.get().saturating_sub(1).max(1)
}

impl<S> Reactor<S> {
    /// A reactor for descriptors below `bound`.
    pub(crate) fn new(bound: usize, max_pollers: usize) -> io::Result<Self> {
        Ok(Self {
            epoll: Epoll::new()?,
            slots: Slots::new(bound),
            timers: Timers::default(),
            pollers: Pollers::new(max_pollers),
            stopping: AtomicBool::new(false),
        })
    }

    /// Prepares a slot for `fd`; false if that is not possible. The main thread calls it before a worker has the
    /// connection.
    pub(crate) fn make_slot(&self, fd: RawFd) -> bool {
        self.slots.make(fd)
    }

    /// Whether [`Reactor::stop`] was called.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Parks a connection until its socket is ready or its deadline has passed.
    pub(crate) fn park(
        &self,
        mut connection: Box<Connection<S>>,
        interest: Interest,
        deadline: Deadline,
    ) -> ParkOutcome<S> {
        let fd = connection.socket.number();
        if let Err(error) = self.register(&mut connection, interest) {
            log::warn!("cannot wait for a connection: {error}");
            return ParkOutcome::Refused(connection);
        }
        let mut slot = self.slots.slot(fd);
        // Under the slot's lock: either `stop` finds this connection there, or this finds the server stopping.
        if self.is_stopping() && deadline.activity != Activity::Request {
            return ParkOutcome::Stopping(connection);
        }
        let parking = slot.park(connection, interest, deadline);
        drop(slot);
        match parking {
            Parking::Parked => ParkOutcome::Parked,
            Parking::ReadyAlready(connection) => ParkOutcome::Ready(connection),
            Parking::ParkedUntil(at) => match self.timers.add(at, fd) {
                Sleeper::WakesInTime => ParkOutcome::Parked,
                Sleeper::MustBeWoken => ParkOutcome::ParkedDueFirst,
            },
        }
    }

    /// Registers the socket for the event that its connection waits for, unless it is registered.
    fn register(&self, connection: &mut Connection<S>, interest: Interest) -> Result<(), Errno> {
        let wanted = match interest {
            Interest::Read | Interest::Waker => {
                EventFlags::IN | EventFlags::PRI | EventFlags::RDHUP
            }
            // Most connections never wait to send, and this would cause an event at once.
            Interest::Write => {
                EventFlags::IN | EventFlags::PRI | EventFlags::RDHUP | EventFlags::OUT
            }
        };
        if !connection.watched.contains(wanted) {
            self.epoll
                .watch(&connection.socket, connection.watched, wanted)?;
            connection.watched = wanted;
        }
        Ok(())
    }

    /// Moves ready connections into `batch`. With [`PollMode::Wait`], it sleeps until there are some, or until
    /// [`Reactor::wake_poller`] is called.
    ///
    /// `has_work` is called when the worker can already be woken: if there is work, the worker does not sleep. The looks
    /// of `busy_polling` come after it, and a push makes the epoll instance readable, so they find pushes, too.
    pub(crate) fn poll_ready(
        &self,
        mode: PollMode,
        has_work: impl Fn() -> bool,
        busy_polling: &mut BusyPolling,
        events: &mut Events,
        batch: &mut VecDeque<Box<Connection<S>>>,
    ) -> Polled {
        let wait = |work| match work {
            QueuedWork::None => {
                if busy_polling.poll(|| self.look(events)) != LookResult::Events {
                    self.epoll.wait(events, Timeout::Never);
                }
            }
            QueuedWork::Queued => self.epoll.wait(events, Timeout::AtOnce),
        };
        match mode {
            PollMode::Look => self.epoll.wait(events, Timeout::AtOnce),
            PollMode::Wait => {
                if let Err(TooManyPollers) = self.pollers.poll(has_work, wait) {
                    return Polled::TooManyPollers;
                }
            }
        }
        for (fd, readiness) in events.sockets() {
            if let Some(connection) = self.slots.slot(fd).wake(readiness) {
                batch.push_back(connection);
            }
        }
        Polled::Yes
    }

    fn look(&self, events: &mut Events) -> LookResult {
        if !self.pollers.is_one() {
            return LookResult::OtherPoller;
        }
        self.epoll.wait(events, Timeout::AtOnce);
        if events.is_empty() {
            LookResult::Nothing
        } else {
            LookResult::Events
        }
    }

    /// Wakes a poller, if there is one. It must be called after a push into the queue.
    pub(crate) fn wake_poller(&self) {
        if self.pollers.must_be_woken() {
            self.epoll.wake();
        }
    }

    /// Takes out the connection on `fd` if it waits for its waker; else its next such wait ends at once.
    pub(crate) fn take_woken(&self, fd: RawFd) -> Option<Box<Connection<S>>> {
        self.slots.slot(fd).wake(WOKEN)
    }

    /// Takes out one connection whose deadline has passed.
    pub(crate) fn take_expired(&self, now: Instant) -> Option<Box<Connection<S>>> {
        while let Some((at, fd)) = self.timers.pop_due(now) {
            let due = self.slots.slot(fd).come_due(at, now);
            match due {
                Due::Expired(connection) => return Some(connection),
                Due::Later(later) => {
                    // The caller is the thread that would be woken.
                    let _ = self.timers.add(later, fd);
                }
                Due::Nothing => {}
            }
        }
        None
    }

    /// The next time at which the main thread must check for expired connections.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.sleep_until()
    }

    /// Idle connections as (start of the idle time, descriptor), in no order. It scans every slot.
    pub(crate) fn idle(&self) -> Vec<(Instant, RawFd)> {
        self.slots.all().filter_map(|slot| slot.idle()).collect()
    }

    /// The event and the activity of each parked connection. It scans every slot.
    pub(crate) fn parked(&self) -> impl Iterator<Item = (Interest, Activity)> {
        self.slots.all().filter_map(|slot| slot.waits_for())
    }

    /// Takes out the connection on `fd` if it has been idle since then.
    pub(crate) fn take_idle(&self, since: Instant, fd: RawFd) -> Option<Box<Connection<S>>> {
        let mut slot = self.slots.slot(fd);
        (slot.idle() == Some((since, fd))).then(|| slot.take_idle())?
    }

    /// From now on no connection without a request in progress is parked; returns those that are.
    pub(crate) fn stop(&self) -> Vec<Box<Connection<S>>> {
        self.stopping.store(true, Ordering::SeqCst);
        self.slots
            .all()
            .filter_map(|mut slot| slot.take_without_request())
            .collect()
    }

    /// Takes out all connections.
    pub(crate) fn clear(&self) -> Vec<Box<Connection<S>>> {
        self.slots
            .all()
            .filter_map(|mut slot| slot.take())
            .collect()
    }

    /// Closes a connection that is not parked.
    pub(crate) fn close(&self, connection: Box<Connection<S>>) {
        self.slots.slot(connection.socket.number()).vacate();
        drop(connection);
    }
}
