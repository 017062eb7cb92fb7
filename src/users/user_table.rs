//! The file of users: a line for each user, or for a further path of one.
//!
//! ```text
//! *::read
//! ann:$2y$…:create
//! bob:$argon2id$…::/bob
//! ```
//!
//! A line is `NAME:HASH[:RIGHTS[:PATH]]`. RIGHTS are some of `read`, `create`, `replace` and `delete`, separated by
//! commas, or `none`; left out or empty they are all four. PATH begins with a slash and may have any further bytes;
//! left out it is the root. The user `*` is everybody: it has an empty HASH, and states its RIGHTS. Further lines of a
//! user may leave HASH empty. Empty lines and those that begin with `#` are skipped.
//!
//! Bytes in, values out. No error shows a hash.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use thiserror::Error;

use super::password::{HashError, PasswordHash};
use super::rights::{AccessRules, ROOT, Right, Rights};

/// The name that stands for every client.
const EVERYBODY: &str = "*";

/// The byte order mark that some editors put at the beginning of a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Users and their rules.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct UserTable {
    /// The rules for every client.
    pub(super) everybody: Arc<AccessRules>,
    users: BTreeMap<Box<str>, User>,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    /// The name of the user.
    pub(super) name: Arc<str>,
    /// The hash of the user's password.
    pub(super) hash: PasswordHash,
    /// The user's own rules, besides those for every client.
    pub(super) rules: Arc<AccessRules>,
}

/// A fault in a file of users, and its line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {fault}")]
pub struct TableError {
    /// The number of the line, from 1.
    pub line: usize,
    /// The fault.
    pub fault: UserLineError,
}

/// A fault in a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UserLineError {
    /// There is no colon in it.
    #[error("it must be of the form NAME:HASH, NAME:HASH:RIGHTS or NAME:HASH:RIGHTS:PATH")]
    Form,
    /// The name has no characters.
    #[error("the name is empty")]
    NoName,
    /// A name that no client can send (RFC 7617 §2).
    #[error("the name is not UTF-8 or has a control character")]
    Name,
    /// The hash.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The first line of a user has no hash.
    #[error("the first line of a user needs a hash")]
    NoHash,
    /// Two lines of one user have two hashes.
    #[error("the hash differs from that of an earlier line of this user; leave it empty here")]
    TwoHashes,
    /// The user `*` cannot have a password.
    #[error("the user * must not have a hash: its rights apply to every client")]
    HashOfEverybody,
    /// The rights of the user `*` are not stated.
    #[error("the user * must state its rights, such as *::read")]
    NoRights,
    /// Text that is not a right.
    #[error(
        "'{0}' is not a right: rights are read, create, replace and delete, separated by commas, or none"
    )]
    Right(String),
    /// A path that is malformed.
    #[error("a path must begin with a slash, and must not have an empty name, '.' or '..'")]
    Path,
    /// Two rules for one path.
    #[error("an earlier line of this user has the same path")]
    TwoRules,
}

/// A user while the lines of the file are read.
struct UserLines {
    hash: PasswordHash,
    rules: AccessRules,
}

impl UserTable {
    /// Reads a file of users.
    ///
    /// # Errors
    /// The first invalid line; then there are no users.
    pub(super) fn parse(file: &[u8]) -> Result<Self, TableError> {
        let mut everybody = AccessRules::default();
        let mut users = BTreeMap::<Box<str>, UserLines>::new();
        // Otherwise it would be part of the first user's name.
        let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
        for (index, line) in file.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            read_line(line, &mut everybody, &mut users).map_err(|fault| TableError {
                line: index + 1,
                fault,
            })?;
        }
        let users = users.into_iter().map(|(name, UserLines { hash, rules })| {
            let user = User {
                name: Arc::from(&*name),
                hash,
                rules: Arc::new(rules),
            };
            (name, user)
        });
        Ok(Self {
            everybody: Arc::new(everybody),
            users: users.collect(),
        })
    }

    /// The user of this name.
    #[must_use]
    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// All users except `*`, in the order of their names.
    pub(super) fn users(&self) -> impl ExactSizeIterator<Item = &User> {
        self.users.values()
    }
}

fn read_line(
    line: &[u8],
    everybody: &mut AccessRules,
    users: &mut BTreeMap<Box<str>, UserLines>,
) -> Result<(), UserLineError> {
    let mut parts = line.splitn(4, |&byte| byte == b':');
    let name = parts.next().unwrap_or_default();
    let hash = parts.next().ok_or(UserLineError::Form)?;
    let (rights, path) = (parts.next(), parts.next());
    let name = str::from_utf8(name).map_err(|_| UserLineError::Name)?;
    if name.is_empty() {
        return Err(UserLineError::NoName);
    }
    if name.chars().any(char::is_control) {
        return Err(UserLineError::Name);
    }
    let path = read_path(path.unwrap_or(b"/"))?;
    let rights = rights.filter(|rights| !rights.is_empty());
    let rules = if name == EVERYBODY {
        if !hash.is_empty() {
            return Err(UserLineError::HashOfEverybody);
        }
        if rights.is_none() {
            return Err(UserLineError::NoRights);
        }
        everybody
    } else {
        rules_of(name, hash, users)?
    };
    let rights = rights.map_or(Ok(Rights::ALL), read_rights)?;
    rules
        .add(path, rights)
        .then_some(())
        .ok_or(UserLineError::TwoRules)
}

/// The rules so far of the user with this name; also checks the hash.
fn rules_of<'u>(
    name: &str,
    hash: &[u8],
    users: &'u mut BTreeMap<Box<str>, UserLines>,
) -> Result<&'u mut AccessRules, UserLineError> {
    let text = str::from_utf8(hash).map_err(|_| HashError::Kind)?;
    let hash = match text {
        "" => None,
        text => Some(PasswordHash::parse(text)?),
    };
    let lines = match (users.entry(name.into()), hash) {
        (Entry::Vacant(vacant), Some(hash)) => vacant.insert(UserLines {
            hash,
            rules: AccessRules::default(),
        }),
        (Entry::Vacant(_), None) => return Err(UserLineError::NoHash),
        (Entry::Occupied(known), hash) => {
            let known = known.into_mut();
            if hash.is_some_and(|hash| hash != known.hash) {
                return Err(UserLineError::TwoHashes);
            }
            known
        }
    };
    Ok(&mut lines.rules)
}

fn read_rights(text: &[u8]) -> Result<Rights, UserLineError> {
    if text == b"none" {
        return Ok(Rights::NONE);
    }
    let mut rights = Rights::NONE;
    for word in text.split(|&byte| byte == b',') {
        let mut all = Right::ALL.into_iter();
        let right = all.find(|right| right.name().as_bytes() == word);
        let unknown = || {
            let shown: String = word.escape_ascii().take(32).map(char::from).collect();
            UserLineError::Right(shown)
        };
        rights = rights.with(right.ok_or_else(unknown)?);
    }
    Ok(rights)
}

/// A path relative to the root.
fn read_path(text: &[u8]) -> Result<Box<[u8]>, UserLineError> {
    let path = text.strip_prefix(b"/").ok_or(UserLineError::Path)?;
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
    let mut names = path.split(|&byte| byte == b'/');
    if path.is_empty() {
        Ok(ROOT.into())
    } else if names.all(is_name) {
        Ok(path.into())
    } else {
        Err(UserLineError::Path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::password::tests::{ARGON2ID, BCRYPT};
    use super::*;

    fn parse(text: &str) -> Result<UserTable, TableError> {
        let text = text.replace("BC", BCRYPT).replace("A2", ARGON2ID);
        UserTable::parse(text.as_bytes())
    }

    #[test]
    fn three_lines_define_three_kinds_of_users() {
        let table = parse("*::read\nann:BC:create\nbob:A2::/bob\n").unwrap();
        assert_eq!(table.everybody.rights(b"x"), Rights::NONE.with(Right::Read));
        let ann = table.user("ann").unwrap();
        assert_eq!(ann.rules.rights(b"x"), Rights::NONE.with(Right::Create));
        let bob = table.user("bob").unwrap();
        assert_eq!(bob.rules.rights(b"bob/x"), Rights::ALL);
        assert_eq!(bob.rules.rights(b"x"), Rights::NONE);
        assert!(table.user("*").is_none() && table.user("eve").is_none());
        assert_eq!(table.users().len(), 2);
    }

    #[test]
    fn valid_lines_are_parsed() {
        for (text, name, path, expected) in [
            ("ann:BC", "ann", "x", Rights::ALL),
            ("ann:BC:", "ann", "x", Rights::ALL),
            ("ann:BC::/", "ann", "x", Rights::ALL),
            ("ann:BC\r\n", "ann", "x", Rights::ALL),
            ("# ann\n\nann:BC:none", "ann", "x", Rights::NONE),
            ("\u{feff}ann:BC\r\n", "ann", "x", Rights::ALL),
            ("\u{feff}# ann\r\nann:BC\r\n\r\n", "ann", "x", Rights::ALL),
            (
                "ann:BC:read,read",
                "ann",
                "x",
                Rights::NONE.with(Right::Read),
            ),
            ("ann:BC:read:/", "ann", "x", Rights::NONE.with(Right::Read)),
            ("ann:BC::/a b:c/", "ann", "a b:c/d", Rights::ALL),
            (
                "ann:BC:none\nann::read:/pub",
                "ann",
                "pub",
                Rights::NONE.with(Right::Read),
            ),
            (
                "ann:BC:none\nann:BC:read:/pub",
                "ann",
                "pub",
                Rights::NONE.with(Right::Read),
            ),
            ("\u{e5}nn m:A2", "\u{e5}nn m", "x", Rights::ALL),
        ] {
            let table = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let user = table.user(name).unwrap();
            assert_eq!(user.rules.rights(path.as_bytes()), expected, "{text}");
        }
        assert_eq!(parse("").unwrap(), UserTable::default());
    }

    #[test]
    fn errors_name_their_line_and_show_no_hash() {
        for (text, line, fault) in [
            ("ann", 1, UserLineError::Form),
            ("\n# x\nann", 3, UserLineError::Form),
            (":BC", 1, UserLineError::NoName),
            ("a\tnn:BC", 1, UserLineError::Name),
            ("ann:secret", 1, UserLineError::Hash(HashError::Kind)),
            ("ann:BCx", 1, UserLineError::Hash(HashError::Malformed)),
            ("ann:BC\nann:BC", 2, UserLineError::TwoRules),
            ("ann:BC ", 1, UserLineError::Hash(HashError::Malformed)),
            ("ann:BC\n \n", 2, UserLineError::Form),
            ("ann:", 1, UserLineError::NoHash),
            ("ann::read", 1, UserLineError::NoHash),
            ("ann:BC:read\nann:A2:read:/x", 2, UserLineError::TwoHashes),
            ("*:BC:read", 1, UserLineError::HashOfEverybody),
            ("*:", 1, UserLineError::NoRights),
            ("*::", 1, UserLineError::NoRights),
            ("*:::/x", 1, UserLineError::NoRights),
            ("ann:BC:write", 1, UserLineError::Right("write".to_owned())),
            (
                "ann:BC:read, create",
                1,
                UserLineError::Right(" create".to_owned()),
            ),
            (
                "ann:BC:read,none",
                1,
                UserLineError::Right("none".to_owned()),
            ),
            ("ann:BC:READ", 1, UserLineError::Right("READ".to_owned())),
            ("ann:BC:read:x", 1, UserLineError::Path),
            ("ann:BC:read:", 1, UserLineError::Path),
            ("ann:BC:read:/a//b", 1, UserLineError::Path),
            ("ann:BC:read:/a/../b", 1, UserLineError::Path),
            ("ann:BC:read:/.", 1, UserLineError::Path),
            ("ann:BC:read:/a\0", 1, UserLineError::Path),
            (
                "ann:BC:read:/a\nann::create:/a/",
                2,
                UserLineError::TwoRules,
            ),
            ("*::read\n*::create", 2, UserLineError::TwoRules),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, &error.fault), (line, &fault), "{text}");
            assert!(!error.to_string().contains(&BCRYPT[..12]), "{error}");
        }
        let error = UserTable::parse(b"\xff:x").unwrap_err();
        assert_eq!(error.fault, UserLineError::Name);
    }
}
