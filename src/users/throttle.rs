//! The limit on password attempts of one client: after some wrong ones it must wait, longer each time.
//!
//! A client is a [`ClientAddress::subscriber`]. Few attempts of one client wait at a time, so that it cannot fill the
//! queue of the others. This module reads no clock: the caller passes the time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::peer::ClientAddress;

/// Wrong passwords that cost no wait: people mistype.
const FREE: u32 = 4;

/// The longest wait. The first one is a second, and each is twice as long as the one before.
const LONGEST: Duration = Duration::from_secs(256);

/// After this time without a wrong password, a client starts over.
const FORGIVEN: Duration = Duration::from_secs(30 * 60);

/// Attempts of one client that may wait or be verified at a time. A browser opens six connections to a server.
const AT_ONCE: u32 = 8;

/// Clients that are known at a time; of more, those that failed longest ago are forgotten.
const CLIENTS: usize = 4096;

/// The attempts of all clients.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// By subscriber.
    clients: HashMap<ClientAddress, Attempts>,
}

#[derive(Debug)]
struct Attempts {
    /// Attempts that wait or are being verified.
    pending: u32,
    wrong: u32,
    /// The time at which the last attempt failed or began.
    last: Instant,
    /// No other attempt is allowed before this moment.
    next: Instant,
}

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptOutcome {
    /// The password was wrong.
    Wrong,
    /// It was right, or it was not checked.
    NotWrong,
}

impl Throttle {
    /// Begins an attempt.
    ///
    /// # Errors
    /// The time that the client must wait before it may try again.
    pub(super) fn begin(&mut self, client: ClientAddress, now: Instant) -> Result<(), Duration> {
        let client = client.subscriber();
        if !self.clients.contains_key(&client) && self.clients.len() >= CLIENTS {
            self.forget(now);
        }
        let attempts = self.clients.entry(client).or_insert(Attempts {
            pending: 0,
            wrong: 0,
            last: now,
            next: now,
        });
        if now.saturating_duration_since(attempts.last) >= FORGIVEN {
            attempts.wrong = 0;
        }
        if now < attempts.next {
            return Err(attempts.next - now);
        }
        // A guessing client tries one at a time. Otherwise it could try many before the first is found wrong.
        let at_once = if attempts.wrong < FREE { AT_ONCE } else { 1 };
        if attempts.pending >= at_once {
            return Err(Duration::from_secs(1));
        }
        attempts.pending += 1;
        Ok(())
    }

    /// Ends an attempt.
    pub(super) fn end(&mut self, client: ClientAddress, attempt: AttemptOutcome, now: Instant) {
        let client = client.subscriber();
        let Some(attempts) = self.clients.get_mut(&client) else {
            return;
        };
        attempts.pending = attempts.pending.saturating_sub(1);
        if attempt == AttemptOutcome::Wrong {
            attempts.wrong = attempts.wrong.saturating_add(1);
            attempts.last = now;
            if let Some(waits) = attempts.wrong.checked_sub(FREE) {
                let wait = Duration::from_secs(1 << waits.min(16));
                attempts.next = now + wait.min(LONGEST);
            }
        }
        if attempts.pending == 0 && attempts.wrong == 0 {
            self.clients.remove(&client);
        }
    }

    /// Forgets clients without attempts in progress: those that have been forgiven, and else the half that failed
    /// longest ago.
    fn forget(&mut self, now: Instant) {
        let is_recent =
            |attempts: &Attempts| now.saturating_duration_since(attempts.last) < FORGIVEN;
        self.clients
            .retain(|_, attempts| attempts.pending > 0 || is_recent(attempts));
        if self.clients.len() < CLIENTS {
            return;
        }
        let mut times: Vec<_> = self
            .clients
            .values()
            .map(|attempts| attempts.last)
            .collect();
        times.sort_unstable();
        let middle = times[times.len() / 2];
        self.clients
            .retain(|_, attempts| attempts.pending > 0 || attempts.last > middle);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn client(text: &str) -> ClientAddress {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn each_wrong_password_lengthens_the_wait_of_a_client() {
        let mut now = Instant::now();
        let mut throttle = Throttle::default();
        let guesser = client("192.0.2.1");
        let mut waits = Vec::new();
        for _ in 0..16 {
            let wait = throttle.begin(guesser, now).err().unwrap_or_default();
            waits.push(wait.as_secs());
            now += wait;
            if !wait.is_zero() {
                throttle.begin(guesser, now).unwrap();
            }
            throttle.end(guesser, AttemptOutcome::Wrong, now);
            // Another client is not slowed down.
            throttle.begin(client("192.0.2.2"), now).unwrap();
            throttle.end(client("192.0.2.2"), AttemptOutcome::NotWrong, now);
        }
        assert_eq!(
            waits,
            [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256, 256]
        );
        let before_the_end = now + LONGEST / 2;
        assert!(throttle.begin(guesser, before_the_end).is_err());
        assert!(throttle.begin(guesser, now + FORGIVEN).is_ok());
        throttle.end(guesser, AttemptOutcome::Wrong, now + FORGIVEN);
        assert!(
            throttle.begin(guesser, now + FORGIVEN).is_ok(),
            "it starts over"
        );
    }

    #[test]
    fn few_attempts_of_one_client_wait_and_one_of_a_guesser() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        let one = client("192.0.2.1");
        for _ in 0..AT_ONCE {
            throttle.begin(one, now).unwrap();
        }
        assert_eq!(throttle.begin(one, now), Err(Duration::from_secs(1)));
        for _ in 0..AT_ONCE {
            throttle.end(one, AttemptOutcome::Wrong, now);
        }
        let later = now + LONGEST;
        throttle.begin(one, later).unwrap();
        assert!(throttle.begin(one, later).is_err());
    }

    #[test]
    fn addresses_of_one_network_share_their_attempts() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        for _ in 0..FREE {
            let guesser = client("2001:db8::1");
            throttle.begin(guesser, now).unwrap();
            throttle.end(guesser, AttemptOutcome::Wrong, now);
        }
        assert!(throttle.begin(client("2001:db8::2"), now).is_err());
        assert!(throttle.begin(client("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn number_of_remembered_clients_is_limited() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        let number = |number: u32| ClientAddress::Ip(IpAddr::V4(number.into()));
        for count in 0..3 * u32::try_from(CLIENTS).unwrap() {
            let now = now + Duration::from_millis(count.into());
            throttle.begin(number(count), now).unwrap();
            throttle.end(number(count), AttemptOutcome::Wrong, now);
            assert!(throttle.clients.len() <= CLIENTS);
        }
        // A client with the right password is not remembered.
        let before = throttle.clients.len();
        throttle.begin(client("2001:db8::1"), now).unwrap();
        throttle.end(client("2001:db8::1"), AttemptOutcome::NotWrong, now);
        assert!(throttle.clients.len() <= before);
    }
}
