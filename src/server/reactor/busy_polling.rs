//! Busy polling: the looks for events that an idle poller makes before it sleeps.
//!
//! A client that sends to a server whose poller sleeps pays for the wake-up. A poller that still looks for events
//! costs the client nothing, but uses processor time. So the connections that a worker serves pay for its looks: these
//! take at most about a fifth of its processor time. A worker whose looks are used up makes no looks until it has
//! served many connections, and then tries again. So a server with few requests sleeps at once. There is no clock: a
//! look is one system call, and to serve a connection takes several.
//!
//! The reactor makes the looks.

/// Looks that a connection pays for when it is served. A look takes about 0.08 µs, a turn with a small request 5 to 7
/// µs.
const PAID: u32 = 16;

/// The most looks before one sleep: about 40 µs.
const MOST_PER_SLEEP: u32 = 512;

/// The most looks that are paid in advance. So a few sleeps that looks did not avoid do not end busy polling.
const MOST_PAID: u32 = 4096;

/// Connections that are served without looks after the looks were used up.
const PAUSE: usize = 2048;

/// Looks to try whether events come soon, after a pause. They are fewer than one for each connection of the pause.
const TRIAL: u32 = 512;

/// The looks that the connections of one worker have paid for.
#[derive(Debug)]
pub(crate) enum BusyPolling {
    /// This many looks are left, at least one.
    On(u32),
    /// No look is left until this many more connections are served.
    Paused(usize),
}

/// The result of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookResult {
    /// There are events.
    Events,
    /// There is no event yet.
    Nothing,
    /// Another worker polls, too. It sleeps, or will soon, so an event would wake it in any case.
    OtherPoller,
}

impl BusyPolling {
    /// It begins with a pause.
    pub(crate) fn new() -> Self {
        Self::Paused(PAUSE)
    }

    /// This many connections pay, since the worker serves them.
    pub(crate) fn pay(&mut self, connections: usize) {
        *self = match *self {
            Self::Paused(rest) if connections < rest => Self::Paused(rest - connections),
            Self::Paused(_) => Self::On(TRIAL),
            Self::On(left) => {
                let connections = u32::try_from(connections).unwrap_or(u32::MAX);
                let more = PAID.saturating_mul(connections);
                Self::On(left.saturating_add(more).min(MOST_PAID))
            }
        };
    }

    /// Looks for events with `look`, as often as is paid for. The worker may sleep unless the result is
    /// [`LookResult::Events`].
    pub(crate) fn poll(&mut self, mut look: impl FnMut() -> LookResult) -> LookResult {
        let Self::On(left) = self else {
            return LookResult::Nothing;
        };
        for _ in 0..MOST_PER_SLEEP.min(*left) {
            let result = look();
            if result != LookResult::Nothing {
                return result;
            }
            *left -= 1;
        }
        if *left == 0 {
            *self = Self::Paused(PAUSE);
        }
        LookResult::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks before a sleep if none finds an event.
    const IN_VAIN: u32 = 0;

    /// Polls with looks of which the one with this number, from 1, finds events. Returns their number.
    fn poll(polling: &mut BusyPolling, found_at: u32) -> u32 {
        let mut looks = 0;
        let result = polling.poll(|| {
            looks += 1;
            if looks == found_at {
                LookResult::Events
            } else {
                LookResult::Nothing
            }
        });
        assert_eq!(result == LookResult::Events, looks > 0 && looks == found_at);
        looks
    }

    #[test]
    fn looks_before_a_sleep_are_limited_by_what_is_paid() {
        // (looks left, connections served, looks before a sleep)
        for (left, served, looks) in [
            (1, 0, 1),
            (1, 1, 1 + PAID),
            (1, 2, 1 + 2 * PAID),
            (MOST_PER_SLEEP - 1, 0, MOST_PER_SLEEP - 1),
            (MOST_PER_SLEEP, 0, MOST_PER_SLEEP),
            (MOST_PER_SLEEP, 1, MOST_PER_SLEEP),
            (1, usize::MAX, MOST_PER_SLEEP),
        ] {
            let mut polling = BusyPolling::On(left);
            polling.pay(served);
            assert_eq!(poll(&mut polling, IN_VAIN), looks, "{left} {served}");
        }
    }

    #[test]
    fn pause_ends_with_a_trial() {
        for (served, looks) in [
            (0, 0),
            (PAUSE - 1, 0),
            (PAUSE, TRIAL),
            (PAUSE + 1, TRIAL),
            (usize::MAX, TRIAL),
        ] {
            let mut polling = BusyPolling::new();
            polling.pay(served);
            assert_eq!(poll(&mut polling, IN_VAIN), looks, "{served}");
            assert_eq!(poll(&mut polling, IN_VAIN), 0, "{served}");
        }
    }

    #[test]
    fn busy_polling_goes_on_while_looks_are_few_for_each_connection() {
        // (number of the look that finds events, connections that these are, whether it goes on)
        for (found_at, connections, goes_on) in [
            (1, 1, true),
            (PAID + 1, 1, true), // the look that finds events would be made in any case
            (PAID + 2, 1, false),
            (16 * PAID + 1, 16, true),
            (16 * PAID + 2, 16, false),
        ] {
            let mut polling = BusyPolling::On(MOST_PAID);
            for _ in 0..10_000 {
                poll(&mut polling, found_at);
                polling.pay(connections);
            }
            let is_on = matches!(polling, BusyPolling::On(left) if left > TRIAL);
            assert_eq!(is_on, goes_on, "{found_at} {connections}");
        }
    }

    #[test]
    fn worker_with_few_requests_hardly_looks() {
        let mut polling = BusyPolling::new();
        let mut looks = 0;
        for _ in 0..100_000 {
            polling.pay(1);
            looks += poll(&mut polling, IN_VAIN);
        }
        assert_eq!(looks, 48 * TRIAL);
    }

    #[test]
    fn other_poller_ends_the_looks_and_costs_nothing() {
        let mut polling = BusyPolling::On(1);
        for _ in 0..10 {
            assert_eq!(
                polling.poll(|| LookResult::OtherPoller),
                LookResult::OtherPoller
            );
        }
        assert_eq!(poll(&mut polling, IN_VAIN), 1);
    }
}
