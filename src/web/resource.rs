//! The look-up of a path: a file, a directory, or a refusal.

use super::refusal::Stop;
use super::site::Site;
use crate::refusing::{Operation, cannot_read};
use crate::server::Turn;
use crate::store::{ReadableFile, StoreErrorKind};

/// The file or directory at a path.
pub(super) enum Resource {
    File(ReadableFile),
    Directory,
}

impl Site {
    /// Looks up `path`, relative to the root.
    pub(super) fn file(&self, path: &[u8], turn: &Turn<'_>) -> Result<Resource, Stop> {
        match self.files.look_up(path, turn.permission())? {
            Ok(found) => Ok(Resource::File(found)),
            Err(error) if error.kind == StoreErrorKind::Directory => Ok(Resource::Directory),
            Err(error) => Err(cannot_read(error.kind, Operation::WebGet).into()),
        }
    }
}
