//! Compressed logs: detection, and decompression while reading.
//!
//! Memory is constant: 32 KiB of history for gzip, and for zstd the window that the file names, up to 128 MiB, which is
//! also the default limit of zstd(1). Checksums are compared. A file may have several gzip members or zstd frames, as
//! after concatenation with cat(1).

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::error::Error;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of the longest signature.
pub(crate) const SIGNATURE: usize = 6;

/// Compressed bytes that are read at a time.
const BUFFER: usize = 128 * 1024;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl Compression {
    /// The format of a file that begins with `head`: [`SIGNATURE`] bytes, or the whole file.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The decompressed content of `input`.
    pub(crate) fn decompress<'i>(self, input: impl Read + Send + 'i) -> Box<dyn Read + Send + 'i> {
        let input = BufReader::with_capacity(BUFFER, input);
        match self {
            Self::Gzip => Box::new(Named {
                compression: self,
                input: MultiGzDecoder::new(input),
            }),
            Self::Zstd => Box::new(Named {
                compression: self,
                input: Frames {
                    input,
                    decoder: FrameDecoder::new(),
                    place: FramePosition::Between,
                },
            }),
        }
    }
}

/// The command for a compression format that this tool does not support, and the format's name.
pub(crate) fn unread_format(head: &[u8]) -> Option<(&'static str, &'static str)> {
    match head {
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(("xz", "xz -dc")),
        [b'B', b'Z', b'h', ..] => Some(("bzip2", "bzip2 -dc")),
        [0x04, 0x22, 0x4D, 0x18, ..] => Some(("lz4", "lz4 -dc")),
        [b'P', b'K', 3, 4, ..] => Some(("zip", "unzip -p")),
        _ => None,
    }
}

/// Names the format in errors.
struct Named<R> {
    compression: Compression,
    input: R,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.input.read(out).map_err(|error| {
            let compression = self.compression;
            match error.kind() {
                // The data is not at fault.
                _ if error.raw_os_error().is_some() => error,
                io::ErrorKind::UnexpectedEof => {
                    io::Error::other(format!("the {compression} data ends too early"))
                }
                _ => io::Error::other(format!("the {compression} data is damaged ({error})")),
            }
        })
    }
}

/// The zstd frames of an input, one after the other.
struct Frames<R> {
    input: R,
    decoder: FrameDecoder,
    place: FramePosition,
}

/// Where in the frames a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FramePosition {
    /// Before a frame, or at the end.
    Between,
    /// In a frame.
    Inside,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match self.place {
                FramePosition::Between if self.input.fill_buf()?.is_empty() => return Ok(0),
                FramePosition::Between => self.begin_frame()?,
                FramePosition::Inside => match self.read_frame(out)? {
                    0 => self.end_frame()?,
                    count => return Ok(count),
                },
            }
        }
    }
}

impl<R: BufRead> Frames<R> {
    /// Reads the head of a frame; a skippable frame (RFC 8878 §3.1.2) is skipped.
    fn begin_frame(&mut self) -> io::Result<()> {
        match self.decoder.init(&mut self.input) {
            Ok(()) => self.place = FramePosition::Inside,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                let passed = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
                if passed < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(failure(&error)),
        }
        Ok(())
    }

    /// The next bytes of a frame; none at its end.
    fn read_frame(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            self.decoder
                .decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1))
                .map_err(|error| failure(&error))?;
        }
        self.decoder.read(out)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let stated = self.decoder.get_checksum_from_data();
        if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
            return Err(io::Error::other("the checksum does not match"));
        }
        self.place = FramePosition::Between;
        Ok(())
    }
}

/// The error of a decoder, or the error of its input that caused it.
fn failure(error: &FrameDecoderError) -> io::Error {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let kind = io::Error::from(error.kind());
            return error
                .raw_os_error()
                .map_or(kind, io::Error::from_raw_os_error);
        }
        cause = error.source();
    }
    match error {
        FrameDecoderError::WindowSizeTooBig { .. } => io::Error::other(
            "its window is larger than 128 MiB; `zstd -dc --long=31` decompresses it",
        ),
        FrameDecoderError::DictNotProvided { .. } => io::Error::other("it needs a dictionary"),
        _ => io::Error::other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use std::io::Write;

    const TEXT: &[u8] =
        b"PUT a length 20\n00000000 68 69 68 69 68 69 68 69 68 69 68 69 68 69 68 69 68 69 68 69\n\
        ========\nGET a length 0\n========\n";

    fn compressed(compression: Compression) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(TEXT).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => compress_to_vec(TEXT, CompressionLevel::Fastest),
        }
    }

    proptest! {
        #[test]
        fn changed_bytes_give_an_error_or_text_and_never_a_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in any::<prop::sample::Index>(),
        ) {
            for compression in [Compression::Gzip, Compression::Zstd] {
                let whole = compressed(compression);
                let mut bytes = whole.clone();
                for (at, byte) in &changes {
                    bytes[at.index(whole.len())] = *byte;
                }
                let cut = &whole[..cut.index(whole.len())];
                for bytes in [&bytes[..], cut] {
                    let mut text = Vec::new();
                    let read = compression.decompress(bytes).take(1 << 20).read_to_end(&mut text);
                    prop_assert!(read.is_err() || bytes.is_empty() || text == TEXT || bytes != cut);
                }
            }
        }
    }
}
