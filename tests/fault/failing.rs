//! Tables of failing system calls: a row has the call, its errors, and the result of the request.
//!
//! A row is `call("openat", "1").failing(&["ENOSPC"], Refused(507))`: of the calls of this name since the request
//! came, the first fails with each of these errors in turn, each time on a server of its own.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::support::journal::{Journal, JournalEntry};
use crate::support::strace;

/// Which system call fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    name: &'static str,
    /// Which calls of this name, in the notation of strace: `1`, `2+`, `1..3`.
    when: &'static str,
}

/// A row: the failure, and the result of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    call: Call,
    /// Each of them in turn.
    errors: &'static [&'static str],
    outcome: Outcome,
}

/// The result of a request during which a system call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The failure has no effect.
    Success,
    /// It is refused with this status, and the refusal is recorded; nothing is changed.
    Refused(u16),
    /// The connection is closed without a response; nothing is changed or recorded.
    Closed,
    /// The connection is closed without a response; nothing is changed, and a refusal with this status is recorded.
    ClosedRefused(u16),
    /// It takes effect and is recorded; the connection is closed before the response is whole.
    Cut,
    /// It takes effect and is recorded; the response is 500, since it may not be on the disk.
    Unsynced,
    /// It takes effect; the response is 500, since the entry could not be written and is torn.
    Unrecorded,
    /// It takes effect and is answered so, though the entry could not be written and is torn.
    ServedUnrecorded,
}

/// A request to which the rows of a table apply.
pub(crate) trait Request: Debug + Copy {
    /// The status of its response if nothing fails.
    fn success_status(self) -> u16;

    /// Its entry if nothing fails.
    fn success_entry(self) -> JournalEntry;
}

/// One error of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) syscall: &'static str,
    when: &'static str,
    error: &'static str,
    pub(crate) outcome: Outcome,
}

/// Whether a fault occurred under the conditions of its row.
pub(crate) enum Attempt {
    /// It did, and the result is right.
    Shown,
    /// Too much time has passed since the files were written: see [`Fresh`].
    TooLate,
    /// The call that failed did not belong to the request: it woke another thread.
    Missed,
}

/// The time since the files of a test were written. The server takes the files that rows are about in hand, and keeps
/// some open, only if they have not changed for a second, so a row must be over by then.
pub(crate) struct Fresh(Instant);

/// The calls of this name since the request came that `when` selects.
pub(crate) const fn call(name: &'static str, when: &'static str) -> Call {
    Call { name, when }
}

impl Call {
    pub(crate) const fn failing(self, errors: &'static [&'static str], outcome: Outcome) -> Row {
        Row {
            call: self,
            errors,
            outcome,
        }
    }
}

impl Outcome {
    /// Whether the request has taken effect.
    pub(crate) fn has_effect(self) -> bool {
        match self {
            Self::Refused(_) | Self::Closed | Self::ClosedRefused(_) => false,
            Self::Success
            | Self::Cut
            | Self::Unsynced
            | Self::Unrecorded
            | Self::ServedUnrecorded => true,
        }
    }

    /// The status of the response, if there is one.
    pub(crate) fn status(self, request: impl Request) -> Option<u16> {
        match self {
            Self::Success | Self::ServedUnrecorded => Some(request.success_status()),
            Self::Refused(status) => Some(status),
            Self::Closed | Self::ClosedRefused(_) | Self::Cut => None,
            Self::Unsynced | Self::Unrecorded => Some(500),
        }
    }

    /// Compares a log with this outcome; the entries of the requests before and after are known.
    pub(crate) fn check_log(
        self,
        request: impl Request,
        journal: Journal,
        before: Vec<JournalEntry>,
        after: Vec<JournalEntry>,
    ) -> Result<(), String> {
        let own = match self {
            Self::Success | Self::Cut | Self::Unsynced => Some(request.success_entry()),
            Self::Refused(status) | Self::ClosedRefused(status) => {
                Some(JournalEntry::Failure(status))
            }
            Self::Closed | Self::Unrecorded | Self::ServedUnrecorded => None,
        };
        let is_torn = matches!(self, Self::Unrecorded | Self::ServedUnrecorded);
        same("torn entries", journal.torn, usize::from(is_torn))?;
        let expected: Vec<_> = before.into_iter().chain(own).chain(after).collect();
        same("entries", journal.entries, expected)
    }
}

impl Fault {
    /// As strace's `--inject` takes it.
    pub(crate) fn how(self) -> String {
        format!("error={}:when={}", self.error, self.when)
    }
}

impl Fresh {
    /// The files are about to be written.
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// Whether the server cannot have taken in any of them so far.
    pub(crate) fn is_still(&self) -> bool {
        self.0.elapsed() < Duration::from_millis(900)
    }
}

/// Tries every row with each of its errors; panics with the names of all rows that had another result.
#[track_caller]
pub(crate) fn try_all<R: Request>(
    request: R,
    rows: &[Row],
    attempt: impl Fn(R, Fault) -> Result<Attempt, String>,
) {
    if !strace::is_usable() {
        return;
    }
    let mut wrong = Vec::new();
    for row in rows {
        for error in row.errors {
            let fault = Fault {
                syscall: row.call.name,
                when: row.call.when,
                error,
                outcome: row.outcome,
            };
            // The last of these lines is the fault at which the test ended.
            println!("{request:?}, {fault:?}");
            // On a machine under load some attempts come too late, or fail another call.
            let result = (0..50)
                .map(|_| attempt(request, fault))
                .find(|result| !matches!(result, Ok(Attempt::TooLate | Attempt::Missed)))
                .unwrap_or_else(|| Err("this machine is too slow to show it".to_owned()));
            if let Err(why) = result {
                wrong.push(format!("{request:?}, {fault:?}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Reports a difference.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let shown = |value: T| {
        let mut text = format!("{value:?}");
        text.truncate(300);
        text
    };
    Err(format!(
        "{what}: {}, expected {}",
        shown(found),
        shown(expected)
    ))
}
