//! What a path leads to: a file or a directory, else a refusal.

use super::refusal::Stop;
use super::site::Site;
use crate::refusing::{Operation, cannot_read};
use crate::server::Turn;
use crate::store::{ReadableFile, StoreErrorKind};

/// What a path leads to.
pub(super) enum Resource {
    File(ReadableFile),
    Directory,
}

impl Site {
    /// What is at `path`, relative to the root.
    pub(super) fn file(&self, path: &[u8], turn: &Turn<'_>) -> Result<Resource, Stop> {
        match self.files.look_up(path, turn.permission())? {
            Ok(found) => Ok(Resource::File(found)),
            Err(error) if error.kind == StoreErrorKind::Directory => Ok(Resource::Directory),
            Err(error) => Err(cannot_read(error.kind, Operation::WebGet).into()),
        }
    }
}
