//! The access log: who asked for what, when, and what came of it; one line per request, written at its end.
//!
//! It is not the request log: it holds no content, it is written after the response, and a full disk costs lines of it,
//! never requests. What a line says is a [`Record`]; `combined` and `json` are two ways to write one. Pure: where
//! lines go is the business of `line_writer`.

mod combined;
mod json;
mod record;

pub use self::record::Record;

/// How a line is written.
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
