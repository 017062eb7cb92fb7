//! The server's own files: no client can see, replace or remove them by any path.
//!
//! There are two kinds of rules, besides the prefix of staging files:
//!
//! - *By name in a directory* ([`ReservedName`]): a name of the server, and all names that begin with it and a dot. The
//!   directory is identified by device and inode number, so another path to it makes no difference. The rule holds even
//!   if no file has the name: no client can put a file where the server will open its own.
//! - *By identity*, under any name, such as a hard link: a file that the server has open; and a file that had a
//!   reserved name at the last check, as long as it still has that name. (Its identity alone is not enough, since file
//!   systems reuse the inode numbers of removed files.)
//!
//! Directories are never concealed: a log named `app` does not hide the directory `app.d`. `checks` applies the rules.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock, RwLock};

use rustix::fs::{Dir, Mode, OFlags, openat};

use super::error::StoreErrorKind;
use super::metadata::{Identity, Metadata};
use super::sys::metadata_at;
use crate::sync::{read, write};

/// A name of the server in one directory, together with all names that begin with it and a dot.
#[derive(Debug, Clone)]
pub struct ReservedName {
    directory: Arc<OwnedFd>,
    identity: Identity,
    name: Box<[u8]>,
}

/// The rules in force; none at first.
#[derive(Debug, Default)]
pub(super) struct Concealed(OnceLock<RwLock<Arc<ConcealmentRules>>>);

/// The concealment rules; see the module's description.
#[derive(Debug, Default, Clone)]
pub(super) struct ConcealmentRules {
    names: Vec<ReservedName>,
    /// The identities of files that the server has open.
    open: Vec<Identity>,
    /// The identities of files that had a reserved name at the last check, with the index of that rule in `names`, and
    /// the name.
    kept: HashMap<Identity, (usize, Box<[u8]>)>,
}

impl ReservedName {
    /// Reserves `name` in this directory with this device and inode number; it may be open with `O_PATH`.
    #[must_use]
    pub fn new(directory: Arc<OwnedFd>, identity: (u64, u64), name: &[u8]) -> Self {
        Self {
            directory,
            identity,
            name: name.into(),
        }
    }

    fn covers(&self, name: &[u8]) -> bool {
        name.strip_prefix(&*self.name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
    }

    fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity && self.name == other.name
    }

    /// The files that have such a name now, with their names; none if the directory cannot be read.
    fn files(&self) -> Vec<(Identity, Box<[u8]>)> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let entries = openat(&*self.directory, ".", flags, Mode::empty()).and_then(Dir::new);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let name = self.name.escape_ascii();
                log::debug!("the directory of {name} cannot be searched for older files: {error}");
                return Vec::new();
            }
        };
        entries
            .filter_map(|entry| {
                let name: Box<[u8]> = entry.ok()?.file_name().to_bytes().into();
                let name = Some(name).filter(|name| self.covers(name))?;
                let identity = metadata_at(&self.directory, &*name).ok()?.identity();
                Some((identity, name))
            })
            .collect()
    }
}

impl ConcealmentRules {
    /// Makes the rules, and finds the files that have such a name now.
    pub(super) fn new(names: Vec<ReservedName>, open: Vec<Identity>) -> Self {
        Self {
            open,
            ..Self::default().and(names)
        }
    }

    /// Adds names, and finds the files that have one of them now.
    pub(super) fn and(&self, names: Vec<ReservedName>) -> Self {
        let mut more = self.clone();
        for name in names {
            let rule = more.names.len();
            for (identity, of_file) in name.files() {
                more.kept.insert(identity, (rule, of_file));
            }
            more.names.push(name);
        }
        more
    }

    /// Whether `other` reserves every name that `self` reserves.
    pub(super) fn reserves_all_of(&self, other: &Self) -> bool {
        let is_here = |name: &ReservedName| self.names.iter().any(|here| here.is_same(name));
        other.names.iter().all(is_here)
    }

    /// Whether the server needs this directory, since a name is reserved in it.
    pub(super) fn reserve_names_in(&self, directory: Identity) -> bool {
        self.names.iter().any(|rule| rule.identity == directory)
    }

    /// Whether a file is concealed that has this name in `directory`; or the name, if no file has it.
    pub(super) fn cover(
        &self,
        name: &[u8],
        file: Option<&Metadata>,
        directory: impl FnOnce() -> Result<Identity, StoreErrorKind>,
    ) -> bool {
        if file.is_some_and(Metadata::is_directory) {
            return false;
        }
        file.is_some_and(|file| self.cover_file(file.identity()))
            || self.cover_name(name, directory)
    }

    /// Whether [`ConcealmentRules::cover`] must be called; without I/O.
    fn may_cover(&self, name: &[u8], file: Option<&Metadata>) -> bool {
        file.is_some_and(|file| {
            let identity = file.identity();
            self.open.contains(&identity) || self.kept.contains_key(&identity)
        }) || self.names.iter().any(|rule| rule.covers(name))
    }

    fn cover_file(&self, identity: Identity) -> bool {
        let has_its_name = |(rule, name): &(usize, Box<[u8]>)| {
            metadata_at(&self.names[*rule].directory, &**name)
                .is_ok_and(|there| there.identity() == identity)
        };
        self.open.contains(&identity) || self.kept.get(&identity).is_some_and(has_its_name)
    }

    fn cover_name(
        &self,
        name: &[u8],
        directory: impl FnOnce() -> Result<Identity, StoreErrorKind>,
    ) -> bool {
        let mut rules = self
            .names
            .iter()
            .filter(|rule| rule.covers(name))
            .peekable();
        if rules.peek().is_none() {
            return false;
        }
        match directory() {
            Ok(directory) => rules.any(|rule| rule.identity == directory),
            Err(_) => true, // what cannot be judged stays concealed
        }
    }
}

impl Concealed {
    /// Replaces the rules; returns the old ones.
    pub(super) fn replace(&self, rules: Arc<ConcealmentRules>) -> Arc<ConcealmentRules> {
        let slot = self.0.get_or_init(RwLock::default);
        std::mem::replace(&mut *write(slot), rules)
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> Arc<ConcealmentRules> {
        self.0
            .get()
            .map(|rules| Arc::clone(&read(rules)))
            .unwrap_or_default()
    }

    /// Whether there are any rules.
    pub(super) fn is_in_use(&self) -> bool {
        self.0.get().is_some()
    }

    /// The rules, if they may apply to this name or file.
    pub(super) fn rules_about(
        &self,
        name: &[u8],
        file: Option<&Metadata>,
    ) -> Option<Arc<ConcealmentRules>> {
        let rules = read(self.0.get()?);
        rules.may_cover(name, file).then(|| Arc::clone(&rules))
    }
}
