//! Files under one root: found, read, staged and committed.
//!
//! Everything is relative to a descriptor of the root, so the root stays the same directory even if it is renamed; the
//! kernel resolves paths beneath it (see `beneath`). Paths are bytes without a leading `/`. This room does not depend
//! on HTTP: a dialect maps its errors to statuses.

mod background;
mod beneath;
mod cache;
mod caching_mount;
mod certainty;
mod checks;
mod clean_up;
mod commit_locks;
mod concealed;
mod created;
mod directory_entries;
mod directory_snapshot;
mod error;
mod file_system;
mod found;
mod freshness;
mod large;
mod list;
mod make_directories;
mod metadata;
mod occupied;
mod probe;
mod read;
mod remove;
mod root;
mod shared_lock;
mod stage;
mod staged;
mod staging;
mod stamps;
mod state;
mod sys;
mod unnamed;
mod versions;
mod walk;
mod write;
mod write_target;

pub use self::cache::CacheFigures;
pub use self::caching_mount::CachingMount;
pub use self::concealed::ReservedName;
pub use self::directory_entries::{
    DirectoryEntries, DirectoryEntry, DirectoryEntryKind, ListedFile,
};
pub use self::directory_snapshot::{
    DirectorySnapshot, ReadingProgress, SnapshotExtent, UnchangedDirectory,
};
pub use self::error::{StoreError, StoreErrorKind};
pub use self::found::{Certainty, FileContent, ReadableFile, SMALL};
pub use self::list::DirectoryReader;
pub use self::make_directories::TargetProgress;
pub use self::metadata::Metadata;
pub use self::probe::{Attempt, RootProbe, RootProbeError};
pub use self::remove::Removed;
pub use self::staged::{Committed, Staged};
pub use self::staging::is_staging_name;
pub use self::state::{Attachment, Store};
pub use self::walk::{Depth, WalkStep, walk};
pub use self::write_target::{CommitCondition, WriteTarget};
