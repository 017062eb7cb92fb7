//! The cost of a turn: units of work, which are the same on every machine, and time, which is not.

use std::fmt;
use std::time::{Duration, Instant};

use crate::reporting::{TurnClock, TurnTime};
use crate::server::{StepClock, thread_processor_time};

/// The work of one turn in units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Requests that were read.
    pub requests: u32,
    /// Bytes on the wire in either direction.
    pub bytes: u64,
    /// Portions of work that move no bytes: of listings and of other prepared responses.
    pub portions: u32,
    /// File operations: see [`crate::operations`].
    pub operations: u64,
}

/// Measures a step of a turn, if requested.
pub(super) struct Stopwatch(Option<(Instant, Option<Duration>)>);

impl Spent {
    /// The sum with another step of the same turn.
    pub(super) fn add(&mut self, more: Self) {
        self.requests += more.requests;
        self.bytes += more.bytes;
        self.portions += more.portions;
        self.operations += more.operations;
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            bytes,
            portions,
            operations,
        } = self;
        write!(
            formatter,
            "requests: {requests}, bytes: {bytes}, portions: {portions}, file operations: {operations}"
        )
    }
}

impl Stopwatch {
    /// Starts the measurements of the step that begins now.
    pub(super) fn start(measured: TurnClock, clock: &StepClock) -> Self {
        Self(match measured {
            TurnClock::None => None,
            TurnClock::Wall => Some((clock.last(), None)),
            TurnClock::WallAndProcessor => Some((clock.last(), Some(thread_processor_time()))),
        })
    }

    /// The time from the start to the last reading of the clock; zero if nothing is measured.
    #[inline]
    pub(super) fn elapsed(&self, clock: &StepClock) -> TurnTime {
        self.0
            .map_or_else(TurnTime::default, |(wall, processor)| TurnTime {
                wall: clock.last().saturating_duration_since(wall),
                processor: processor.map_or(Duration::ZERO, |before| {
                    thread_processor_time().saturating_sub(before)
                }),
            })
    }
}
