//! Passwords that were verified recently, so that the next request with them costs no hash.
//!
//! Only a keyed hash of each is kept, in memory. The key is made at the start, and never leaves the memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::Sha256;

/// The time for which a password is remembered.
const LASTS: Duration = Duration::from_secs(15 * 60);

/// See the module's description.
pub(super) struct Remembered {
    key: [u8; 32],
    /// One for each user, by name.
    verified: HashMap<Arc<str>, Verified>,
}

struct Verified {
    code: [u8; 32],
    until: Instant,
}

impl Remembered {
    /// An empty set.
    ///
    /// # Errors
    /// From getrandom(2).
    pub(super) fn new() -> std::io::Result<Self> {
        let mut key = [0; 32];
        let mut filled = 0;
        while filled < key.len() {
            filled += getrandom(&mut key[filled..], GetRandomFlags::empty())?;
        }
        Ok(Self {
            key,
            verified: HashMap::new(),
        })
    }

    /// Whether this password of this user was verified. The comparison takes the same time wherever they differ.
    pub(super) fn recall(&self, name: &str, password: &str, now: Instant) -> bool {
        self.verified.get(name).is_some_and(|verified| {
            let is_same = self.mac(name, password).verify_slice(&verified.code);
            is_same.is_ok() && now < verified.until
        })
    }

    pub(super) fn remember(&mut self, name: &Arc<str>, password: &str, now: Instant) {
        let verified = Verified {
            code: self.mac(name, password).finalize().into_bytes().into(),
            until: now + LASTS,
        };
        self.verified.insert(Arc::clone(name), verified);
    }

    pub(super) fn clear(&mut self) {
        self.verified.clear();
    }

    /// A number that depends on the key and on a name.
    pub(super) fn number_of(&self, name: &str) -> u64 {
        let code = self.mac(name, "").finalize().into_bytes();
        code.iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn mac(&self, name: &str, password: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC has no key that it does not take")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length");
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(password.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_remembered_for_a_while() {
        let now = Instant::now();
        let mut remembered = Remembered::new().unwrap();
        let ann: Arc<str> = "ann".into();
        assert!(!remembered.recall("ann", "secret", now));
        remembered.remember(&ann, "secret", now);
        assert!(remembered.recall("ann", "secret", now));
        assert!(remembered.recall("ann", "secret", now + LASTS.mul_f32(0.99)));
        assert!(!remembered.recall("ann", "secret", now + LASTS));
        for (name, password) in [
            ("ann", "Secret"),
            ("ann", ""),
            ("bob", "secret"),
            ("anns", "ecret"),
        ] {
            assert!(!remembered.recall(name, password, now), "{name} {password}");
        }
        // Another password replaces the earlier one.
        remembered.remember(&ann, "new", now);
        assert!(remembered.recall("ann", "new", now) && !remembered.recall("ann", "secret", now));
        remembered.clear();
        assert!(!remembered.recall("ann", "new", now));
    }

    #[test]
    fn each_server_has_a_new_key() {
        let (one, other) = (Remembered::new().unwrap(), Remembered::new().unwrap());
        assert_ne!(one.number_of("ann"), other.number_of("ann"));
        assert_ne!(one.number_of("ann"), one.number_of("bob"));
    }
}
