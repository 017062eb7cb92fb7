//! The access log: one line per request, written at its end, with client, request, time and result.
//!
//! It is not the request log: it has no content, it is written after the response, and a full disk costs lines, never
//! requests. A [`Record`] has the values of a line; `combined` and `json` format it. This room is pure: `line_writer`
//! writes the lines.

mod combined;
mod json;
mod record;

pub use self::record::Record;

/// The format of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// The combined log format of Apache httpd and nginx.
    Combined,
    /// JSON Lines: an object per line.
    Json,
}

impl AccessLogFormat {
    /// Appends one line of the server with this name, with its newline.
    pub fn push(self, out: &mut Vec<u8>, server: Option<&str>, record: &Record<'_>) {
        match self {
            Self::Combined => combined::push(out, record),
            Self::Json => json::push(out, server, record),
        }
    }
}
