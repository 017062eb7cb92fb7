//! The metrics of the request log.

/// The log's space in bytes; see `space`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFigures {
    /// The offset of the next entry.
    pub end: u64,
    /// Reserved for uploads that are not committed yet.
    pub reserved: u64,
    /// The disk has space for all bytes below this offset.
    pub preallocated: u64,
    /// Whether entries are missing because there was no space.
    pub is_full: bool,
}
