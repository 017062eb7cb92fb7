//! A file that was found, and its cached form.

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
    /// Its metadata when it was opened.
    pub metadata: Metadata,
    /// Its bytes or an open descriptor.
    pub content: FileContent,
    /// Whether these metadata identify the content.
    pub certainty: Certainty,
}

/// Whether the metadata of a file distinguish its content from all earlier and later contents of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// They do.
    Certain,
    /// It changed so recently that another change may have the same metadata.
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
    /// Reads bytes from `offset` on; returns their number, 0 at the end.
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

/// A cached file.
#[derive(Clone)]
pub(super) struct CachedFile {
    pub(super) found: ReadableFile,
    /// Open, if its metadata also cover changes of its name.
    pub(super) validator: Option<Arc<OwnedFd>>,
}
