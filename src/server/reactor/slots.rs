//! Parked connections: one slot for each descriptor number.
//!
//! A descriptor number names one open socket at a time, so it is the only key: no free list, no generation. An event
//! that reaches a slot after its descriptor was closed and reused wakes the wrong session once; a session must tolerate
//! that anyway. The slot alone decides whether a connection waits: parking, readiness and deadlines are serialised by
//! its mutex. Two invariants hold: *a parked connection is taken out once*, by readiness, deadline, eviction or
//! shutdown; and *readiness during a worker's turn wakes the connection when it is parked*.

use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::time::Instant;

use crate::server::accepted::Connection;
use crate::server::epoll::EventFlags;
use crate::server::protocol::{Activity, Deadline, Interest, WakeReason};
use crate::sync::{Mutex, MutexGuard, lock};

/// The flag for the session's waker in readiness; epoll(7) never reports it.
pub(super) const WOKEN: EventFlags = EventFlags::MSG;

/// Slots are allocated this many at a time, so that a small server has a small table.
const CHUNK: usize = 256;

/// The slots of all descriptor numbers below a bound.
pub(crate) struct Slots<S> {
    chunks: Box<[OnceLock<SlotBlock<S>>]>,
    bound: usize,
}

/// Each mutex guards its slot alone, and only for as long as it takes to put a connection in or take it out.
type SlotBlock<S> = Box<[Mutex<Slot<S>>]>;

/// The slot of one descriptor.
pub(crate) struct Slot<S> {
    parked: Option<ParkedConnection<S>>,
    /// Readiness during a worker's turn.
    missed: EventFlags,
    /// The time of this slot's entry in `Timers`.
    scheduled: Option<Instant>,
}

struct ParkedConnection<S> {
    connection: Box<Connection<S>>,
    interest: Interest,
    deadline: Deadline,
}

/// The result of parking a connection.
pub(crate) enum Parking<S> {
    /// It is in its slot, and `Timers` needs an entry for this moment.
    ParkedUntil(Instant),
    /// It is in its slot, and `Timers` has an entry that is early enough.
    Parked,
    /// It is ready already.
    ReadyAlready(Box<Connection<S>>),
}

/// The contents of a slot when its entry in `Timers` is due.
pub(crate) enum Due<S> {
    /// A connection whose deadline has passed.
    Expired(Box<Connection<S>>),
    /// A connection whose deadline has moved to this moment.
    Later(Instant),
    /// The slot is empty, a worker has the connection, or the entry was replaced.
    Nothing,
}

impl<S> Slots<S> {
    /// Slots for the descriptors 0 to `bound` - 1.
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            chunks: (0..bound.div_ceil(CHUNK))
                .map(|_| OnceLock::new())
                .collect(),
            bound,
        }
    }

    /// Allocates the slot of `fd`, unless it exists; false if that is not possible. Only the main thread calls it, so
    /// it knows every slot when it scans them.
    pub(crate) fn make(&self, fd: RawFd) -> bool {
        let number = usize::try_from(fd).ok();
        let Some(number) = number.filter(|&number| number < self.bound) else {
            return false;
        };
        self.chunks[number / CHUNK].get_or_init(|| {
            let length = CHUNK.min(self.bound - number / CHUNK * CHUNK);
            (0..length).map(|_| Mutex::new(Slot::vacant())).collect()
        });
        true
    }

    /// The slot of `fd`, for which [`Slots::make`] was called and true.
    pub(crate) fn slot(&self, fd: RawFd) -> MutexGuard<'_, Slot<S>> {
        let number = usize::try_from(fd).unwrap_or_default();
        let chunk = self.chunks[number / CHUNK].get();
        lock(&chunk.map_or(&[][..], |chunk| chunk)[number % CHUNK])
    }

    /// Every allocated slot.
    pub(crate) fn all(&self) -> impl Iterator<Item = MutexGuard<'_, Slot<S>>> {
        self.chunks
            .iter()
            .filter_map(OnceLock::get)
            .flat_map(|chunk| chunk.iter().map(|slot| lock(slot)))
    }
}

impl<S> Slot<S> {
    fn vacant() -> Self {
        Self {
            parked: None,
            missed: EventFlags::empty(),
            scheduled: None,
        }
    }

    /// Puts a connection in, unless it is ready already.
    pub(crate) fn park(
        &mut self,
        mut connection: Box<Connection<S>>,
        interest: Interest,
        deadline: Deadline,
    ) -> Parking<S> {
        if wakes(interest, self.missed) {
            connection.note(self.missed);
            self.missed = EventFlags::empty();
            return Parking::ReadyAlready(connection);
        }
        self.parked = Some(ParkedConnection {
            connection,
            interest,
            deadline,
        });
        if self.scheduled.is_some_and(|at| at <= deadline.at) {
            return Parking::Parked;
        }
        self.scheduled = Some(deadline.at);
        Parking::ParkedUntil(deadline.at)
    }

    /// Takes out the connection that `readiness` wakes; readiness that wakes none is kept for later.
    pub(crate) fn wake(&mut self, readiness: EventFlags) -> Option<Box<Connection<S>>> {
        match self.parked.take() {
            Some(mut parked) if wakes(parked.interest, readiness) => {
                parked.connection.note(readiness | self.missed);
                self.missed = EventFlags::empty();
                Some(parked.connection)
            }
            other => {
                self.parked = other;
                self.missed |= readiness;
                None
            }
        }
    }

    /// The action for the entry for the moment `entry`, which is due at `now`.
    pub(crate) fn come_due(&mut self, entry: Instant, now: Instant) -> Due<S> {
        if self.scheduled != Some(entry) {
            return Due::Nothing;
        }
        self.scheduled = None;
        match self.parked.take() {
            None => Due::Nothing,
            Some(mut parked) if parked.deadline.at <= now => {
                parked.connection.reason = WakeReason::TimedOut;
                Due::Expired(parked.connection)
            }
            Some(parked) => {
                let later = parked.deadline.at;
                self.scheduled = Some(later);
                self.parked = Some(parked);
                Due::Later(later)
            }
        }
    }

    /// The event and the activity of its connection.
    pub(crate) fn waits_for(&self) -> Option<(Interest, Activity)> {
        let parked = self.parked.as_ref()?;
        Some((parked.interest, parked.deadline.activity))
    }

    /// If its connection is idle: the start of the idle time, and its descriptor.
    pub(crate) fn idle(&self) -> Option<(Instant, RawFd)> {
        let parked = self.parked.as_ref()?;
        match parked.deadline.activity {
            Activity::Idle { since } => Some((since, parked.connection.socket.number())),
            Activity::NoResponseDue | Activity::Request => None,
        }
    }

    /// Takes out an idle connection.
    pub(crate) fn take_idle(&mut self) -> Option<Box<Connection<S>>> {
        self.idle()?;
        self.take()
    }

    /// Takes out a connection to which no response is due.
    pub(crate) fn take_without_request(&mut self) -> Option<Box<Connection<S>>> {
        let parked = self.parked.as_ref()?;
        match parked.deadline.activity {
            Activity::Idle { .. } | Activity::NoResponseDue => self.take(),
            Activity::Request => None,
        }
    }

    /// Takes out the connection.
    pub(crate) fn take(&mut self) -> Option<Box<Connection<S>>> {
        self.parked.take().map(|parked| parked.connection)
    }

    /// Prepares the slot for the next socket of its number. It must be called before this socket is closed.
    pub(crate) fn vacate(&mut self) {
        *self = Self::vacant();
    }
}

/// Whether `readiness` ends a wait for `interest`.
fn wakes(interest: Interest, readiness: EventFlags) -> bool {
    let ends = match interest {
        Interest::Read => EventFlags::IN | EventFlags::RDHUP,
        Interest::Write => EventFlags::OUT,
        // Sending reveals a peer that is gone.
        Interest::Waker => return readiness.contains(WOKEN),
    };
    readiness.intersects(ends | EventFlags::HUP | EventFlags::ERR)
}
