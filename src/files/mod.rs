//! The store and the request log together: what changes a file is recorded in the same instant.
//!
//! It knows no HTTP: dialects give its errors a status.

mod error;
mod finishing;
mod remove;
mod upload;

use crate::request_log::write::Recorder;
use crate::store::{Metadata, Store};

pub use self::error::UploadError;
pub use self::finishing::{Finishing, Remaining};
pub use self::upload::{Empty, Upload};

/// Where uploads go, and where all requests are recorded.
pub struct Files {
    /// The files.
    pub store: Store,
    /// The log.
    pub recorder: Recorder,
}

impl Files {
    /// Whether this file is the log, which nobody is to read or replace.
    #[must_use]
    pub fn is_log(&self, file: &Metadata) -> bool {
        self.recorder.identity() == Some(file.identity())
    }
}
