//! A file that was found, and what the cache remembers of it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::pread;

use super::metadata::Metadata;
use crate::operations::operate;

/// Files up to this length are read into memory and sent with their head in one call.
pub const SMALL: u64 = 16 * 1024;

/// A regular file that may be read.
#[derive(Clone)]
pub struct ReadableFile {
    /// As it was when it was opened.
    pub metadata: Metadata,
    /// Its bytes, or where to get them.
    pub content: FileContent,
    /// Whether no other content has these metadata.
    pub certainty: Certainty,
}

/// Whether the metadata of a file tell its content from any other that a file of this name has, had or will have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// They do.
    Certain,
    /// It changed so recently that another change may not show.
    Uncertain,
}

/// The bytes of a file.
#[derive(Clone)]
pub enum FileContent {
    /// All of them.
    Memory(Arc<[u8]>),
    /// Open for reading, with any position.
    Descriptor(Arc<OwnedFd>),
}

impl FileContent {
    /// Reads bytes from `offset` on; returns how many, 0 at the end.
    ///
    /// # Errors
    /// From pread(2).
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
                let rest = &bytes[from..];
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
            Self::Descriptor(file) => Ok(operate(|| pread(file, &mut *buffer, offset))?),
        }
    }
}

/// A file that is held.
#[derive(Clone)]
pub(super) struct CachedFile {
    pub(super) found: ReadableFile,
    /// Open, if its metadata would tell that its name is not its name any more.
    pub(super) validator: Option<Arc<OwnedFd>>,
}
