//! The only door to files: the store and the request log together.
//!
//! Every dialect reads, lists, stores and removes files through [`Files`], and records requests through it. So two
//! things stand here once: what belongs to the server itself is not there for any client
//! ([`StoreErrorKind::Concealed`](crate::store::StoreErrorKind::Concealed)), and what changes a file is recorded in the
//! same instant.
//!
//! It knows no HTTP: dialects give its errors a status.

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
