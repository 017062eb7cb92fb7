//! The versions of all servers of a root: a count for each stripe, in the file of the shared locks.
//!
//! A record has 16 bytes: the last number that a server has taken, and a checksum of it, both little-endian. It is read and
//! written under the shared lock of its stripe, before the change with the number takes effect. A server that is killed in
//! between leaves a number that no change has.
//!
//! If a record is missing or damaged, counting continues at the clock's microseconds since 1970, which is higher than any
//! count of changes, or after the last number that this server has used in the stripe if that is higher.
//!
//! No number is used twice as long as a read under the lock returns the last record that was written under it. If a file
//! system returns an older one, a number is used again; `httpserver-log merge` reports that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::StoreErrorKind;
use super::shared_lock::{ByteLock, NAME, VERSIONS_AT};
use crate::change_version::{ChangeVersion, STRIPES, fnv};
use crate::durable::Durability;

/// Bytes of a record.
pub(super) const RECORD: usize = 2 * size_of::<u64>();

/// The highest number that a record can have, as a version in the seal.
const HIGHEST: u64 = i64::MAX.unsigned_abs();

/// The last versions that this server has used.
pub(super) struct Versions {
    /// The last number that a change of this server got in each stripe; 0 if there was none. Each is read and written under
    /// the lock of its stripe.
    seen: [AtomicU64; STRIPES as usize],
}

/// A version whose records are written, for the next change.
#[must_use = "a version that no change gets must be given back"]
pub(super) struct TakenVersion<'v> {
    pub(super) version: ChangeVersion,
    versions: &'v Versions,
    /// The bytes of its records before.
    before: Vec<u8>,
}

/// A parsed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VersionRecord {
    /// It is empty: it was never written, or was lost.
    Missing,
    /// No server writes such a record.
    Damaged,
    /// The last number that a server has taken.
    Last(u64),
}

/// A fault of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordFault {
    Damaged,
    /// Its number is lower than one that this server has used.
    WentBack,
}

impl Versions {
    pub(super) fn new() -> Self {
        Self {
            seen: [const { AtomicU64::new(0) }; STRIPES as usize],
        }
    }

    /// Takes the next number of each stripe that is locked.
    ///
    /// # Errors
    /// From pread(2), pwrite(2) or fdatasync(2). The number may then be skipped.
    pub(super) fn take(
        &self,
        lock: &ByteLock,
        durability: Durability,
    ) -> Result<TakenVersion<'_>, StoreErrorKind> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.ok().and_then(|now| u64::try_from(now.as_micros()).ok());
        let mut before = vec![0; lock.stripes().len() * RECORD];
        lock.read_at(&mut before, position(lock))?;
        let mut after = Vec::with_capacity(before.len());
        let mut numbers = Vec::with_capacity(lock.stripes().len());
        for (stripe, record) in lock.stripes().zip(before.chunks_exact(RECORD)) {
            let seen = self.seen[usize::from(stripe)].load(Ordering::Relaxed);
            let record = VersionRecord::parse(stripe, record);
            let (number, fault) = next(record, seen, now.unwrap_or(1));
            if let Some(fault) = fault {
                report(fault, stripe, number);
            }
            push_record(&mut after, stripe, number);
            numbers.push(number);
        }
        lock.write_at(&after, position(lock))?;
        if durability == Durability::Storage {
            lock.sync()?;
        }
        let version = match numbers[..] {
            [number] => ChangeVersion::Name(number),
            _ => ChangeVersion::Directory(
                numbers
                    .into_boxed_slice()
                    .try_into()
                    .map_err(|_| StoreErrorKind::Locked)?,
            ),
        };
        Ok(TakenVersion {
            version,
            versions: self,
            before,
        })
    }
}

impl TakenVersion<'_> {
    /// Keeps the version for its change.
    pub(super) fn keep(self, lock: &ByteLock) -> ChangeVersion {
        for (stripe, number) in lock.stripes().zip(self.version.numbers()) {
            self.versions.seen[usize::from(stripe)].store(*number, Ordering::Relaxed);
        }
        self.version
    }

    /// Gives it back, since no change has it: the next change gets the same numbers.
    pub(super) fn give_back(self, lock: &ByteLock) {
        if let Err(error) = lock.write_at(&self.before, position(lock)) {
            log::warn!("a version in {NAME} remains without a change: {error}");
        }
    }
}

/// The position of the first record of the locked stripes.
fn position(lock: &ByteLock) -> u64 {
    VERSIONS_AT + u64::from(lock.stripes().start) * RECORD as u64
}

impl VersionRecord {
    fn parse(stripe: u8, record: &[u8]) -> Self {
        let (number, check) = record.split_at(RECORD / 2);
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        match (word(number), word(check)) {
            (0, 0) => Self::Missing,
            (number @ 1..HIGHEST, found) if found == check_of(stripe, number) => Self::Last(number),
            _ => Self::Damaged,
        }
    }
}

fn push_record(out: &mut Vec<u8>, stripe: u8, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&check_of(stripe, number).to_le_bytes());
}

/// The checksum of a number. It includes the stripe, so the record of another stripe is not valid.
fn check_of(stripe: u8, number: u64) -> u64 {
    let mut bytes = [stripe; 1 + size_of::<u64>()];
    bytes[1..].copy_from_slice(&number.to_le_bytes());
    fnv(&bytes)
}

/// The next number, and the fault of the record if it has one. `seen` is the last number that this server has used in the
/// stripe, `now` the clock's microseconds since 1970.
fn next(record: VersionRecord, seen: u64, now: u64) -> (u64, Option<RecordFault>) {
    match record {
        VersionRecord::Last(last) if last >= seen => (last + 1, None),
        VersionRecord::Last(_) => (seen + 1, Some(RecordFault::WentBack)),
        VersionRecord::Missing if seen == 0 => (now, None),
        VersionRecord::Missing => (now.max(seen + 1), Some(RecordFault::WentBack)),
        VersionRecord::Damaged => (now.max(seen + 1), Some(RecordFault::Damaged)),
    }
}

fn report(fault: RecordFault, stripe: u8, number: u64) {
    match fault {
        RecordFault::Damaged => log::error!(
            "the version of stripe {stripe} in {NAME} is damaged: counting continues at {number}"
        ),
        RecordFault::WentBack => log::error!(
            "the version of stripe {stripe} in {NAME} went back: counting continues at {number}; versions that other servers have used since may be too low"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_go_back() {
        use RecordFault::{Damaged, WentBack};
        use VersionRecord::{Last, Missing};
        for (record, seen, now, expected) in [
            (Last(7), 0, 1_000, (8, None)),
            (Last(7), 7, 1_000, (8, None)),
            // Other servers have counted further.
            (Last(9), 7, 1_000, (10, None)),
            (Last(5), 7, 1_000, (8, Some(WentBack))),
            (Missing, 0, 1_000, (1_000, None)),
            (Missing, 7, 1_000, (1_000, Some(WentBack))),
            // The clock was set back.
            (Missing, 2_000, 1_000, (2_001, Some(WentBack))),
            (VersionRecord::Damaged, 0, 1_000, (1_000, Some(Damaged))),
            (VersionRecord::Damaged, 2_000, 1_000, (2_001, Some(Damaged))),
        ] {
            assert_eq!(next(record, seen, now), expected, "{record:?} {seen} {now}");
        }
    }

    #[test]
    fn records_are_read_as_they_are_written() {
        let mut record = Vec::new();
        push_record(&mut record, 5, 1_795_780_800_123_456);
        assert_eq!(record.len(), RECORD);
        let parse = VersionRecord::parse;
        assert_eq!(
            parse(5, &record),
            VersionRecord::Last(1_795_780_800_123_456)
        );
        assert_eq!(parse(6, &record), VersionRecord::Damaged);
        assert_eq!(parse(5, &[0; RECORD]), VersionRecord::Missing);
        for byte in 0..RECORD {
            let mut damaged = record.clone();
            damaged[byte] ^= 0x40;
            assert_eq!(parse(5, &damaged), VersionRecord::Damaged, "{byte}");
            damaged[byte..].fill(0);
            assert_ne!(parse(5, &damaged), VersionRecord::Last(1), "{byte}");
        }
    }
}
