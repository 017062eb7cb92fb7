//! The cost of a turn: units of work, which are the same on every machine, and time, which is not.

use std::fmt;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::reporting::{TurnClock, TurnTime};
use crate::server::StepClock;

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
    /// Begins to measure so much of the step that begins now.
    pub(super) fn start(measured: TurnClock, clock: &StepClock) -> Self {
        Self(match measured {
            TurnClock::None => None,
            TurnClock::Wall => Some((clock.last(), None)),
            TurnClock::WallAndProcessor => Some((clock.last(), Some(processor_time()))),
        })
    }

    /// What has passed since it began until the clock was read; nothing if it did not begin.
    #[inline]
    pub(super) fn elapsed(&self, clock: &StepClock) -> TurnTime {
        self.0
            .map_or_else(TurnTime::default, |(wall, processor)| TurnTime {
                wall: clock.last().saturating_duration_since(wall),
                processor: processor.map_or(Duration::ZERO, |before| {
                    processor_time().saturating_sub(before)
                }),
            })
    }
}

/// The processor time of the calling thread.
fn processor_time() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(tv_nsec).unwrap_or_default())
}
