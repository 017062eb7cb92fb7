//! The destinations of lines.

use std::path::Path;

/// A destination of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'p> {
    /// The file at this path; lines are appended, and it is created if it is absent.
    File(&'p Path),
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
