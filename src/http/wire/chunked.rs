//! The chunked transfer coding, decoded strictly (RFC 9112 §7.1).
//!
//! It finds the content's bytes in the received bytes and copies nothing. Chunk extensions and trailer fields are
//! checked and dropped: the server uses none of them. Line ends are CRLF, never a bare LF: a proxy that disagrees about
//! the end of a chunk would see other requests.

mod extension;

use std::ops::Range;

use self::extension::Extension;
use super::head::MAX_FIELDS;
use super::scan::MAX_FIELDS_LEN;
use super::syntax::{is_token_byte, is_value_byte};
use crate::http::refusal::Refusal;
use crate::http::status_code::StatusCode;

/// Hexadecimal digits in the longest chunk size. They always fit 64 bits; more digits are 400.
pub const MAX_CHUNK_SIZE_DIGITS: u8 = 16;

/// Bytes of chunk extensions in one message; more are 400 (RFC 9112 §7.1.1 asks for such a limit).
pub const MAX_CHUNK_EXTENSIONS_LEN: usize = 4 * 1024;

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Content: a non-empty range of the input.
    Data(Range<usize>),
    /// The input is used up, and the content is not complete.
    NeedMore,
    /// The content is complete.
    End,
}

/// Decodes one chunked message.
#[derive(Clone, Debug, Default)]
pub struct ChunkedDecoder {
    state: ChunkedState,
    /// The chunk size read so far, then the bytes of the chunk that are still to come.
    left: u64,
    /// Bytes of chunk extensions so far, including the white space before them.
    extensions_len: usize,
    /// Bytes of the trailer section so far.
    trailers_len: usize,
    /// Trailer fields so far.
    trailers: usize,
}

/// The next expected element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ChunkedState {
    /// The first digit of a chunk size.
    #[default]
    SizeStart,
    /// After some digits of a chunk size.
    Size(u8),
    Extension(Extension),
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// A trailer field or the end.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Ended,
}

impl ChunkedDecoder {
    /// Whether [`Chunk::End`] was found.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state == ChunkedState::Ended
    }

    /// Consumes bytes from the front of `input`; returns their number and the result.
    ///
    /// The next step must get the bytes after these. After the end it consumes nothing.
    ///
    /// # Errors
    ///
    /// 400 if the bytes are not the chunked coding, 431 for a trailer section beyond [`MAX_FIELDS`] or
    /// [`MAX_FIELDS_LEN`]. The connection is closed after the response, and the decoder must not be used again.
    pub fn step(&mut self, input: &[u8]) -> Result<(usize, Chunk), Refusal> {
        let mut used = 0;
        loop {
            if self.state == ChunkedState::Ended {
                return Ok((used, Chunk::End));
            }
            let rest = &input[used..];
            let Some(&byte) = rest.first() else {
                return Ok((used, Chunk::NeedMore));
            };
            if self.state == ChunkedState::Data {
                // A number that does not fit a usize is larger than the input.
                let len =
                    usize::try_from(self.left).map_or(rest.len(), |left| left.min(rest.len()));
                self.left -= len as u64;
                if self.left == 0 {
                    self.state = ChunkedState::DataCr;
                }
                return Ok((used + len, Chunk::Data(used..used + len)));
            }
            self.state = self.next(byte)?;
            used += 1;
        }
    }

    /// The state after `byte`, which is not content.
    fn next(&mut self, byte: u8) -> Result<ChunkedState, Refusal> {
        match (self.state, byte) {
            // The previous chunk is complete.
            (ChunkedState::SizeStart, _) => self.size_digit(byte, 0),
            (ChunkedState::Size(_), b'\r') => Ok(ChunkedState::SizeLf),
            (ChunkedState::Size(_), b' ' | b'\t' | b';') => self.extension(Extension::begin(byte)),
            (ChunkedState::Size(digits), _) => self.size_digit(byte, digits),
            (ChunkedState::Extension(place), b'\r') if place.may_end() => Ok(ChunkedState::SizeLf),
            (ChunkedState::Extension(place), _) => self.extension(place.next(byte)),
            (ChunkedState::SizeLf, b'\n') if self.left == 0 => Ok(ChunkedState::TrailerStart),
            (ChunkedState::SizeLf, b'\n') => Ok(ChunkedState::Data),
            (ChunkedState::DataCr, b'\r') => Ok(ChunkedState::DataLf),
            (ChunkedState::DataLf, b'\n') => Ok(ChunkedState::SizeStart),
            (ChunkedState::TrailerStart, b'\r') => Ok(ChunkedState::EndLf),
            (ChunkedState::EndLf, b'\n') => Ok(ChunkedState::Ended),
            (
                ChunkedState::TrailerStart
                | ChunkedState::TrailerName
                | ChunkedState::TrailerValue
                | ChunkedState::TrailerLf,
                _,
            ) => self.trailer(byte),
            _ => Err(Refusal::bad_request(match self.state {
                ChunkedState::DataCr | ChunkedState::DataLf => {
                    "the data of a chunk does not end with CRLF at its stated size"
                }
                _ => "a line of the chunked content does not end with CRLF",
            })),
        }
    }

    fn size_digit(&mut self, byte: u8, digits: u8) -> Result<ChunkedState, Refusal> {
        let digit = char::from(byte)
            .to_digit(16)
            .ok_or_else(|| Refusal::bad_request("a chunk size is not a hexadecimal number"))?;
        if digits == MAX_CHUNK_SIZE_DIGITS {
            return Err(Refusal::bad_request(format!(
                "a chunk size has more than {MAX_CHUNK_SIZE_DIGITS} digits"
            )));
        }
        self.left = self.left << 4 | u64::from(digit);
        Ok(ChunkedState::Size(digits + 1))
    }

    /// The state after a byte of chunk extensions, or of the white space before them.
    fn extension(&mut self, place: Option<Extension>) -> Result<ChunkedState, Refusal> {
        let place = place.ok_or_else(|| {
            Refusal::bad_request("a chunk extension is not of the form ;NAME or ;NAME=VALUE")
        })?;
        self.extensions_len += 1;
        if self.extensions_len > MAX_CHUNK_EXTENSIONS_LEN {
            return Err(Refusal::bad_request(format!(
                "the chunk extensions are longer than {MAX_CHUNK_EXTENSIONS_LEN} bytes"
            )));
        }
        Ok(ChunkedState::Extension(place))
    }

    /// The state after a byte of a trailer field (RFC 9112 §7.1.2), by the rules for field lines.
    fn trailer(&mut self, byte: u8) -> Result<ChunkedState, Refusal> {
        self.trailers_len += 1;
        if self.trailers_len > MAX_FIELDS_LEN {
            return Err(Refusal::new(
                StatusCode::RequestHeaderFieldsTooLarge,
                format!("the trailer fields are longer than {MAX_FIELDS_LEN} bytes"),
            ));
        }
        match (self.state, byte) {
            (ChunkedState::TrailerStart, _) if is_token_byte(byte) => {
                self.trailers += 1;
                if self.trailers > MAX_FIELDS {
                    return Err(Refusal::new(
                        StatusCode::RequestHeaderFieldsTooLarge,
                        format!("there are more than {MAX_FIELDS} trailer fields"),
                    ));
                }
                Ok(ChunkedState::TrailerName)
            }
            (ChunkedState::TrailerName, b':') => Ok(ChunkedState::TrailerValue),
            (ChunkedState::TrailerName, _) if is_token_byte(byte) => Ok(ChunkedState::TrailerName),
            (ChunkedState::TrailerValue, b'\r') => Ok(ChunkedState::TrailerLf),
            (ChunkedState::TrailerValue, _) if is_value_byte(byte) => {
                Ok(ChunkedState::TrailerValue)
            }
            (ChunkedState::TrailerLf, b'\n') => Ok(ChunkedState::TrailerStart),
            _ => Err(Refusal::bad_request(
                "a trailer field is not of the form NAME: VALUE",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
