//! Finding the end of a request head in a buffer that grows.
//!
//! It checks only lengths and line ends; [`Request::parse`](crate::http::Request::parse) checks the syntax of the
//! complete head.

use memchr::memchr;

use super::syntax::{is_token_byte, without_cr};
use crate::http::refusal::Refusal;
use crate::http::status_code::StatusCode;

/// Bytes of the longest request line, without its line end. RFC 9112 §3 asks for at least 8000
/// octets; a longer one is 414.
pub const MAX_REQUEST_LINE: usize = 8 * 1024;

/// Bytes of the longest field section, with the line end of each field line, without the empty line that ends it.
/// Browsers with many cookies need this much; a longer section is 431.
pub const MAX_FIELDS_LEN: usize = 16 * 1024;

/// The first byte of a TLS connection: a record of the type handshake (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Finds the end of a head, and remembers the searched length, so that a head that arrives byte by byte is scanned
/// once.
///
/// One scan can be used for one head after another: it restarts when it has found an end.
#[derive(Clone, Debug, Default)]
pub struct HeadScan {
    /// Bytes that were already searched for line ends.
    searched: usize,
    /// The beginning of the current line.
    line: usize,
    stage: ScanState,
}

#[derive(Clone, Copy, Debug, Default)]
enum ScanState {
    /// Nothing of the request line has been seen.
    #[default]
    Before,
    /// In the request line.
    RequestLine,
    /// In the field section that began at `start`.
    Fields { start: usize },
}

impl HeadScan {
    /// Finds the end of the head in `buffer`: all bytes received so far for this head, including an empty line before
    /// it (RFC 9112 §2.2).
    ///
    /// `Ok(Some(len))`: the head is `buffer[..len]`, from there to the end of its empty line.
    /// `Ok(None)`: more is needed, or `buffer` has fewer bytes of this head than the scan has seen already.
    ///
    /// # Errors
    ///
    /// The bytes can never become a valid head: 414 or 431 as soon as a limit is exceeded, with or without a line end;
    /// 400 if the first byte cannot begin a method, as in a TLS handshake.
    pub fn find_end(&mut self, buffer: &[u8]) -> Result<Option<usize>, Refusal> {
        if buffer.len() < self.searched {
            return Ok(None);
        }
        if let ScanState::Before = self.stage {
            let Some(start) = request_line_start(buffer)? else {
                return Ok(None);
            };
            self.line = start;
            self.searched = start;
            self.stage = ScanState::RequestLine;
        }
        while let Some(offset) = memchr(b'\n', buffer.get(self.searched..).unwrap_or_default()) {
            let end = self.searched + offset;
            let line = without_cr(&buffer[self.line..end]);
            match self.stage {
                ScanState::Fields { .. } if line.is_empty() => {
                    *self = Self::default();
                    return Ok(Some(end + 1));
                }
                ScanState::Fields { start } => check_fields_len(end + 1 - start)?,
                ScanState::Before | ScanState::RequestLine => {
                    check_request_line(line)?;
                    self.stage = ScanState::Fields { start: end + 1 };
                }
            }
            self.line = end + 1;
            self.searched = end + 1;
        }
        self.searched = buffer.len();
        // A final CR may be part of an incomplete line end.
        let unfinished = without_cr(buffer.get(self.line..).unwrap_or_default());
        match self.stage {
            ScanState::Fields { start } if !unfinished.is_empty() => {
                check_fields_len(buffer.len() - start)?;
            }
            ScanState::Fields { .. } => {}
            ScanState::Before | ScanState::RequestLine => check_request_line(unfinished)?,
        }
        Ok(None)
    }
}

/// The offset of the request line, after at most one empty line; `None` if it is not known yet.
fn request_line_start(buffer: &[u8]) -> Result<Option<usize>, Refusal> {
    let start = match buffer {
        [b'\r', b'\n', ..] => 2,
        [b'\r'] => return Ok(None),
        [b'\n', ..] => 1,
        _ => 0,
    };
    match buffer.get(start) {
        None => Ok(None),
        Some(&first) if is_token_byte(first) => Ok(Some(start)),
        Some(&TLS_HANDSHAKE) => Err(Refusal::bad_request(
            "this is a TLS handshake, and the connection has no TLS",
        )),
        Some(_) => Err(Refusal::bad_request(
            "the first byte is not that of a method",
        )),
    }
}

fn check_request_line(line: &[u8]) -> Result<(), Refusal> {
    if line.len() > MAX_REQUEST_LINE {
        Err(Refusal::new(
            StatusCode::UriTooLong,
            format!("the request line is longer than {MAX_REQUEST_LINE} bytes"),
        ))
    } else {
        Ok(())
    }
}

fn check_fields_len(len: usize) -> Result<(), Refusal> {
    if len > MAX_FIELDS_LEN {
        Err(Refusal::new(
            StatusCode::RequestHeaderFieldsTooLarge,
            format!("the field lines are longer than {MAX_FIELDS_LEN} bytes"),
        ))
    } else {
        Ok(())
    }
}
