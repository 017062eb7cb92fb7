//! The only door to files: the store and the request log together.
//!
//! Every dialect reads, lists, stores and removes files through [`Files`], and records requests through it. So two
//! things stand here once: what belongs to the server itself is not there for any client
//! ([`StoreErrorKind::Concealed`]), and what changes a file is recorded in the same instant.
//!
//! It knows no HTTP: dialects give its errors a status.

mod error;
mod finishing;
mod reading;
mod recording;
mod remove;
mod upload;

use crate::request_log::write::Recorder;
use crate::store::{Metadata, Store, StoreErrorKind};

pub use self::error::UploadError;
pub use self::finishing::{Finishing, Remaining};
pub use self::upload::{Empty, Upload};

/// The files of a server, and its log.
pub struct Files {
    store: Store,
    recorder: Recorder,
}

impl Files {
    /// The files of this store; requests are recorded by this recorder.
    #[must_use]
    pub fn new(store: Store, recorder: Recorder) -> Self {
        Self { store, recorder }
    }

    /// Lets pass what does not belong to the server.
    fn check(&self, file: &Metadata) -> Result<(), StoreErrorKind> {
        if self.recorder.identity() == Some(file.identity()) {
            return Err(StoreErrorKind::Concealed);
        }
        Ok(())
    }
}
