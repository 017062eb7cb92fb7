//! The only door to files: the store and the request log together.
//!
//! Every dialect reads, lists, stores and removes files through [`Files`], and records requests through it. So two
//! rules are implemented once: the server's own files do not exist for clients
//! ([`StoreErrorKind::Concealed`](crate::store::StoreErrorKind::Concealed)), and each change of a file is recorded at
//! the same instant.
//!
//! This room does not depend on HTTP: dialects map its errors to statuses.

mod empty;
mod error;
mod finishing;
mod judging;
mod reading;
mod recording;
mod remove;
mod secret;
mod state;
mod upload;
mod view;

pub use self::empty::Empty;
pub use self::error::UploadError;
pub use self::finishing::{Finishing, Remaining};
pub use self::secret::SecretError;
pub use self::state::Files;
pub use self::upload::{FileCommit, FileUpload};
pub use self::view::{FileFigures, FilesView, Probe, ProbeError};
