//! The version of a change. It gives the order of the changes of a name, whichever of the servers that share a root made
//! them.
//!
//! Names are spread over [`STRIPES`]. Each stripe has a count of its own, and a change takes the next number of its name's
//! stripe. The removal of a directory affects all names below it, so it takes the next number of every stripe. The store
//! counts, the seal of the request log records the numbers, and `httpserver-log merge` orders entries by them. None of
//! these depends on another.

use std::fmt;

/// How many stripes there are.
pub const STRIPES: u8 = 64;

/// Bytes of the longest number in a version with the comma after it.
const NUMBER_LENGTH: usize = "9223372036854775807,".len();

/// See the module's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeVersion {
    /// The number of the stripe of one name.
    Name(u64),
    /// The numbers of all stripes, in their order.
    Directory(Box<[u64; STRIPES as usize]>),
}

/// The stripe of a name, which is a path below the root: 64-bit FNV-1a, folded. It must be the same in all releases and on
/// all machines, since servers that share a root must agree.
#[must_use]
pub fn stripe(path: &[u8]) -> u8 {
    let hash = fnv(path);
    let folded = (hash ^ (hash >> 32)).to_le_bytes();
    folded[0] % STRIPES
}

/// FNV-1a with 64 bits.
#[must_use]
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl ChangeVersion {
    /// Bytes of the longest that [`ChangeVersion::push`] appends for an entry of this name; that of a directory ends with `/`.
    #[must_use]
    pub fn longest(name: &[u8]) -> usize {
        if name.ends_with(b"/") {
            usize::from(STRIPES) * NUMBER_LENGTH
        } else {
            NUMBER_LENGTH
        }
    }

    /// Appends it as a word: its numbers in decimal, with commas between them.
    pub fn push(&self, out: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        for (index, number) in self.numbers().iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(digits.format(*number).as_bytes());
        }
    }

    /// Reads such a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let numbers = word.split(',').map(number).collect::<Option<Vec<_>>>()?;
        match numbers[..] {
            [number] => Some(Self::Name(number)),
            _ => Some(Self::Directory(numbers.into_boxed_slice().try_into().ok()?)),
        }
    }

    /// Its numbers.
    #[must_use]
    pub fn numbers(&self) -> &[u64] {
        match self {
            Self::Name(number) => std::slice::from_ref(number),
            Self::Directory(numbers) => &numbers[..],
        }
    }

    /// Its numbers with their stripes, if it is that of a change of `path`.
    pub fn of_stripes(&self, path: &[u8]) -> impl Iterator<Item = (u8, u64)> {
        let first = match self {
            Self::Name(_) => stripe(path),
            Self::Directory(_) => 0,
        };
        (first..).zip(self.numbers().iter().copied())
    }
}

impl fmt::Display for ChangeVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut word = Vec::new();
        self.push(&mut word);
        formatter.write_str(&String::from_utf8_lossy(&word))
    }
}

/// A decimal number from 1 to 2^63 - 1, without leading zeros.
fn number(digits: &str) -> Option<u64> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number: i64 = digits.parse().ok().filter(|_| is_plain)?;
    u64::try_from(number).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    /// Other releases must find the same.
    #[test]
    fn stripe_of_a_path_is_the_same_everywhere() {
        for (path, expected) in [
            ("", 1),
            ("a", 0),
            ("b", 41),
            ("foobar", 25),
            ("dir/file", 10),
        ] {
            assert_eq!(stripe(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn names_are_spread_over_all_stripes() {
        let mut counts = [0; STRIPES as usize];
        for name in 0..64 * 100 {
            counts[usize::from(stripe(format!("dir/file-{name}.txt").as_bytes()))] += 1;
        }
        assert!(
            counts.iter().all(|count| (50..200).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn versions_are_read_as_they_are_written() {
        let all: Vec<u64> = (1..=u64::from(STRIPES)).collect();
        let directory = ChangeVersion::Directory(all.into_boxed_slice().try_into().unwrap());
        let longest = (i64::MAX).unsigned_abs();
        for (version, name) in [
            (ChangeVersion::Name(1), "a"),
            (ChangeVersion::Name(longest), "a"),
            (directory, "d/"),
            (
                ChangeVersion::Directory(Box::new([longest; STRIPES as usize])),
                "d/",
            ),
        ] {
            let mut word = Vec::new();
            version.push(&mut word);
            assert!(word.len() < ChangeVersion::longest(name.as_bytes()));
            let word = String::from_utf8(word).unwrap();
            assert_eq!(ChangeVersion::parse(&word), Some(version), "{word}");
        }
    }

    #[test]
    fn other_words_are_not_versions() {
        for word in [
            "",
            "0",
            "-",
            "-1",
            "+1",
            "01",
            "1,",
            ",1",
            "1,2",
            "9223372036854775808",
            "a",
        ] {
            assert_eq!(ChangeVersion::parse(word), None, "{word:?}");
        }
        let too_many = vec!["1"; usize::from(STRIPES) + 1].join(",");
        assert_eq!(ChangeVersion::parse(&too_many), None);
    }

    #[test]
    fn removal_of_a_directory_has_a_number_of_every_stripe() {
        let name: Vec<_> = ChangeVersion::Name(7).of_stripes(b"b").collect();
        assert_eq!(name, [(41, 7)]);
        let directory = ChangeVersion::Directory(Box::new([5; STRIPES as usize]));
        let stripes: Vec<_> = directory.of_stripes(b"d/").collect();
        assert_eq!(stripes.len(), usize::from(STRIPES));
        assert_eq!((stripes[0], stripes[63]), ((0, 5), (63, 5)));
    }
}
