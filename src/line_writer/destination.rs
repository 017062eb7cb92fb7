//! Where lines may go.

use std::path::Path;

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'p> {
    /// The file at this path, at its end; it is made if it is absent.
    File(&'p Path),
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
