//! Large files that lose their names: the space of one is freed when its last descriptor is closed, which takes the
//! kernel a tenth of a second for each GiB in some file systems. So one more descriptor of it is held, and closed in the
//! background.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat};

use super::background::Background;
use super::metadata::Metadata;
use crate::operations::operate;

/// Bytes of a file from which on it counts as large: less is freed within a millisecond or two.
pub(super) const LARGE: u64 = 16 * 1024 * 1024;

/// Keeps a file's space from being freed, if that would take long.
#[must_use = "the space is freed where this is dropped"]
pub(super) struct HeldSpace(Option<OwnedFd>);

impl HeldSpace {
    /// Holds the file `name`, which is about to lose this name, if it is large.
    pub(super) fn take(directory: &OwnedFd, name: &[u8], file: Option<&Metadata>) -> Self {
        if file.is_none_or(|file| file.length() < LARGE) {
            return Self(None);
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Without a descriptor its space is only freed at once.
        Self(operate(|| openat(directory, name, flags, Mode::empty())).ok())
    }

    /// Lets it go in the background.
    pub(super) fn release(self, background: &Background) {
        if let Some(file) = self.0 {
            background.run(move || drop(file));
        }
    }
}
