//! What can be seen of the request log while it is written.

/// The log's space in bytes; see `space`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFigures {
    /// Where the next entry begins.
    pub end: u64,
    /// Reserved for uploads that are not committed yet.
    pub reserved: u64,
    /// The disk has space for all that is below.
    pub preallocated: u64,
    /// Whether entries are missing since there was no space.
    pub is_full: bool,
}
