//! Large files that lose their last name. Closing the last descriptor frees the space, which takes a tenth of a second
//! for each GiB on some file systems. So another descriptor is kept open, and closed in the background.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat};

use super::background::Background;
use super::metadata::Metadata;
use crate::operations::operate;

/// The least length of a large file in bytes; a shorter file is freed within a millisecond or two.
pub(super) const LARGE: u64 = 16 * 1024 * 1024;

/// Delays the freeing of a large file's space.
#[must_use = "the space is freed where this is dropped"]
pub(super) struct HeldSpace(Option<OwnedFd>);

impl HeldSpace {
    /// Keeps the file `name` open, if it is large, before it loses this name.
    pub(super) fn take(directory: &OwnedFd, name: &[u8], file: Option<&Metadata>) -> Self {
        if file.is_none_or(|file| file.length() < LARGE) {
            return Self(None);
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Without a descriptor its space is freed at once.
        Self(operate(|| openat(directory, name, flags, Mode::empty())).ok())
    }

    /// Closes it in the background.
    pub(super) fn release(self, background: &Background) {
        if let Some(file) = self.0 {
            background.run(move || drop(file));
        }
    }
}
