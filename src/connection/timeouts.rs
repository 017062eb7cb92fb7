//! The waits of a connection for its peer, and their timeouts.

use std::time::{Duration, Instant};

use crate::server::{Activity, Deadline, Interest, Next};

/// The timeouts for the actions of a peer.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To send a whole head, from accept or from its first byte.
    pub head: Duration,
    /// To send more of a request's content; restarts with every byte.
    pub body: Duration,
    /// To receive more of a response; restarts with every byte.
    pub write: Duration,
    /// To begin another request on a persistent connection.
    pub idle: Duration,
    /// To end its side after the server has ended its own.
    pub linger: Duration,
}

impl Timeouts {
    /// The same for all.
    #[must_use]
    pub const fn all(timeout: Duration) -> Self {
        Self {
            head: timeout,
            body: timeout,
            write: timeout,
            idle: timeout,
            linger: timeout,
        }
    }
}

/// The kind of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeoutKind {
    /// The first byte of the first request.
    Fresh,
    /// The first byte of another request.
    Idle,
    /// The rest of a head.
    Head,
    /// More content.
    Body,
    /// More content of a request that has its response.
    Skip,
    /// Space to send.
    Write,
    /// The peer's end of stream, after the server's.
    Linger,
    /// The verification of a password.
    Verification,
    /// A lock that another server holds.
    Lock,
}

/// The longest time for which another server may hold a lock: a thousand times that of a slow commit.
const LOCK: Duration = Duration::from_secs(5);

/// The shortest and the longest time between attempts to get a lock. In between, it is a quarter of the elapsed time.
const LOCK_TRIES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

impl TimeoutKind {
    /// The reason for closing a connection after a timeout.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Fresh => "no request arrived in time",
            Self::Idle => "no further request arrived in time",
            Self::Head => "the head was not complete in time",
            Self::Body | Self::Skip => "the rest of the content did not arrive in time",
            Self::Write => "the client did not read the response in time",
            Self::Linger => "the client did not close its side in time",
            Self::Verification => "the password was not verified in time",
            Self::Lock => "another server did not unlock the name in time",
        }
    }
}

/// The current or last wait of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    kind: TimeoutKind,
    since: Instant,
    until: Instant,
    /// The latest time of the next turn: the deadline, or an earlier time for another attempt.
    turn: Instant,
}

/// The number of attempts to send a blocked response within its timeout.
///
/// A socket is writable only when a third of its buffer is free. So progress of a slow peer is found by trying to send,
/// and restarts the timeout. With one attempt at the end, a stopped peer would have up to twice its time.
const TRIES: u32 = 8;

impl Wait {
    /// The wait for `kind` that follows `before` now: the same one, unless the kind is another or there was progress.
    pub(super) fn follow(
        before: Option<Self>,
        kind: TimeoutKind,
        progress: ByteProgress,
        timeouts: &Timeouts,
        now: Instant,
    ) -> Self {
        if let Some(before) = before {
            let same = before.kind == kind
                || (before.kind, kind) == (TimeoutKind::Fresh, TimeoutKind::Head);
            let absolute = matches!(
                kind,
                TimeoutKind::Fresh
                    | TimeoutKind::Head
                    | TimeoutKind::Linger
                    | TimeoutKind::Verification
                    | TimeoutKind::Lock
            );
            if same && (absolute || progress == ByteProgress::None) {
                return Self {
                    kind,
                    turn: turn(kind, before.until, timeouts, now),
                    ..before
                };
            }
        }
        let limit = match kind {
            TimeoutKind::Fresh | TimeoutKind::Head | TimeoutKind::Verification => timeouts.head,
            TimeoutKind::Idle => timeouts.idle,
            TimeoutKind::Body | TimeoutKind::Skip => timeouts.body,
            TimeoutKind::Write => timeouts.write,
            TimeoutKind::Linger => timeouts.linger,
            TimeoutKind::Lock => LOCK,
        };
        let until = now + limit;
        Self {
            kind,
            since: now,
            until,
            turn: turn(kind, until, timeouts, now),
        }
    }

    /// Whether it is still the wait `before`, and its deadline has been reached.
    pub(super) fn has_ended(self, before: Self) -> bool {
        self.until == before.until && before.turn == before.until
    }

    pub(super) fn next(self) -> Next {
        let interest = match self.kind {
            TimeoutKind::Write => Interest::Write,
            TimeoutKind::Verification | TimeoutKind::Lock => Interest::Waker,
            TimeoutKind::Fresh
            | TimeoutKind::Idle
            | TimeoutKind::Head
            | TimeoutKind::Body
            | TimeoutKind::Skip
            | TimeoutKind::Linger => Interest::Read,
        };
        let activity = match self.kind {
            // A lingering peer has its response.
            TimeoutKind::Fresh | TimeoutKind::Idle | TimeoutKind::Linger => {
                Activity::Idle { since: self.since }
            }
            TimeoutKind::Head | TimeoutKind::Skip => Activity::NoResponseDue,
            TimeoutKind::Body
            | TimeoutKind::Write
            | TimeoutKind::Verification
            | TimeoutKind::Lock => Activity::Request,
        };
        let at = self.turn;
        Next::Wait(interest, Deadline { at, activity })
    }
}

/// The next turn of a wait that ends at `until`.
fn turn(kind: TimeoutKind, until: Instant, timeouts: &Timeouts, now: Instant) -> Instant {
    match kind {
        TimeoutKind::Write => until.min(now + timeouts.write / TRIES),
        TimeoutKind::Lock => {
            let passed = LOCK.saturating_sub(until.saturating_duration_since(now));
            let (first, last) = LOCK_TRIES;
            until.min(now + (passed / 4).clamp(first, last))
        }
        TimeoutKind::Fresh
        | TimeoutKind::Idle
        | TimeoutKind::Head
        | TimeoutKind::Body
        | TimeoutKind::Skip
        | TimeoutKind::Linger
        | TimeoutKind::Verification => until,
    }
}

/// Whether bytes have moved since the last wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteProgress {
    /// Some bytes have moved.
    Some,
    /// No bytes have moved.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts = Timeouts {
        head: Duration::from_secs(20),
        body: Duration::from_secs(30),
        write: Duration::from_secs(31),
        idle: Duration::from_secs(60),
        linger: Duration::from_secs(5),
    };

    #[test]
    fn wait_starts_again_with_progress_or_another_kind() {
        use ByteProgress::{None as Still, Some as Moved};
        use TimeoutKind::{Body, Fresh, Head, Idle, Linger, Lock, Skip, Verification, Write};
        /// The waits before and after a turn, whether there was progress, and whether the deadline stays.
        struct Row {
            before: TimeoutKind,
            after: TimeoutKind,
            progress: ByteProgress,
            stays: bool,
        }
        let stays = |before, after, progress| Row {
            before,
            after,
            progress,
            stays: true,
        };
        let moves = |before, after, progress| Row {
            stays: false,
            ..stays(before, after, progress)
        };
        for Row {
            before,
            after,
            progress,
            stays,
        } in [
            stays(Fresh, Fresh, Still),
            stays(Fresh, Fresh, Moved),
            stays(Fresh, Head, Moved),
            stays(Head, Head, Moved),
            moves(Idle, Head, Moved),
            stays(Idle, Idle, Still),
            moves(Idle, Idle, Moved),
            stays(Body, Body, Still),
            moves(Body, Body, Moved),
            stays(Skip, Skip, Still),
            moves(Skip, Skip, Moved),
            stays(Write, Write, Still),
            moves(Write, Write, Moved),
            moves(Write, Body, Still),
            stays(Linger, Linger, Moved),
            moves(Head, Verification, Moved),
            stays(Verification, Verification, Moved),
            moves(Body, Lock, Moved),
            stays(Lock, Lock, Moved),
        ] {
            let long_ago = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
            let old = Wait {
                kind: before,
                since: long_ago,
                until: long_ago + Duration::from_secs(9),
                turn: long_ago + Duration::from_secs(9),
            };
            let now = Instant::now();
            let new = Wait::follow(Some(old), after, progress, &TIMEOUTS, now);
            assert_eq!(new.kind, after);
            assert_eq!(
                new.until == old.until,
                stays,
                "{before:?} {after:?} {progress:?}"
            );
        }
    }

    #[test]
    fn wait_ends_with_a_turn_at_its_end_only() {
        for kind in [
            TimeoutKind::Idle,
            TimeoutKind::Head,
            TimeoutKind::Body,
            TimeoutKind::Write,
            TimeoutKind::Lock,
        ] {
            let follow =
                |before, progress| Wait::follow(before, kind, progress, &TIMEOUTS, Instant::now());
            let first = follow(None, ByteProgress::Some);
            let tried = first.turn < first.until;
            let is_tried = matches!(kind, TimeoutKind::Write | TimeoutKind::Lock);
            assert_eq!(tried, is_tried, "{kind:?}");
            let second = follow(Some(first), ByteProgress::None);
            assert_eq!(second.has_ended(first), !tried, "{kind:?}");
            // The last try is at the end.
            let last = Wait {
                turn: first.until,
                ..first
            };
            assert!(follow(Some(last), ByteProgress::None).has_ended(last));
        }
        let write = |before| {
            let kind = TimeoutKind::Write;
            Wait::follow(before, kind, ByteProgress::Some, &TIMEOUTS, Instant::now())
        };
        let blocked = write(None);
        let at_end = Wait {
            turn: blocked.until,
            ..blocked
        };
        assert!(!write(Some(at_end)).has_ended(at_end));
    }
}
