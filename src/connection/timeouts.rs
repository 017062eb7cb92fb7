//! How long a connection waits for its peer, and for what.

use std::time::{Duration, Instant};

use crate::server::{Activity, Deadline, Interest, Next};

/// How long a peer may take, by what it is to do.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To send a whole head, from accept or from its first byte.
    pub head: Duration,
    /// To send some more of a request's content; begins anew with every byte.
    pub body: Duration,
    /// To take some more of a response; begins anew with every byte.
    pub write: Duration,
    /// To begin another request on a persistent connection.
    pub idle: Duration,
    /// To end its side after we have ended ours.
    pub linger: Duration,
}

/// What a connection waits for.
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
    /// Room to send into.
    Write,
    /// The peer's end of stream, after ours.
    Linger,
    /// Not for the peer: for its password to be verified.
    Verification,
    /// Not for the peer: for a lock that another server holds.
    Lock,
}

/// How long another server may hold a lock: a thousand times as long as a slow commit takes.
const LOCK: Duration = Duration::from_secs(5);

/// How soon a lock is tried again, at first and in the end. In between it is after a quarter of the time that has passed.
const LOCK_TRIES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

impl TimeoutKind {
    /// Why a connection ends that has waited too long.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Fresh => "no request came in time",
            Self::Idle => "no further request came in time",
            Self::Head => "the head was not complete in time",
            Self::Body | Self::Skip => "the rest of the content did not come in time",
            Self::Write => "the client did not read the response in time",
            Self::Linger => "the client did not close its side in time",
            Self::Verification => "the password was not verified in time",
            Self::Lock => "another server did not unlock the name in time",
        }
    }
}

/// The wait that a connection is in, or was in last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    kind: TimeoutKind,
    since: Instant,
    until: Instant,
    /// When the next turn comes at the latest: at the end, or before it for another try.
    turn: Instant,
}

/// How often a blocked response is tried again in the time that a peer has to take more of it.
///
/// A socket is writable only when a third of its buffer is free, so what a peer takes bit by bit is found by trying, and
/// the time begins anew when it is found. If it were tried only at the end, a peer that stops would have up to twice its time.
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

    /// Whether it is still the wait `before`, and the turn that this one asked for was at its end.
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
            // A peer that lingers has its response.
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

/// When a wait that ends at `until` has its next turn.
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
    /// Some have.
    Some,
    /// None have.
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
    fn wait_begins_anew_with_progress_or_another_kind() {
        use ByteProgress::{None as Still, Some as Moved};
        use TimeoutKind::{Body, Fresh, Head, Idle, Linger, Lock, Skip, Verification, Write};
        /// What is waited for before and after a turn, whether there was progress, and whether the deadline stays.
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
