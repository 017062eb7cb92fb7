//! The bytes of a listing's text: plain, or compressed with gzip (RFC 1952) while they are written.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The coding of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextCoding {
    Plain,
    Gzip,
}

/// Bytes of memory for the next part of a plain text; a part has 32 KiB and the rest of a portion.
const CAPACITY: usize = 40 * 1024;

/// See the module's description. It keeps finished bytes until they are taken.
pub(super) enum Output {
    Plain(Vec<u8>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Output {
    pub(super) fn plain() -> Self {
        Self::Plain(Vec::with_capacity(CAPACITY))
    }

    /// The fastest level: since rows are similar, it compresses them to a tenth.
    pub(super) fn gzip() -> Self {
        Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::fast())))
    }

    /// Appends a text. Writing into a vector cannot fail.
    pub(super) fn push(&mut self, text: &str) {
        let _ = match self {
            Self::Plain(bytes) => bytes.write_all(text.as_bytes()),
            Self::Gzip(encoder) => encoder.write_all(text.as_bytes()),
        };
    }

    /// The coding of the bytes.
    pub(super) fn coding(&self) -> TextCoding {
        match self {
            Self::Plain(_) => TextCoding::Plain,
            Self::Gzip(_) => TextCoding::Gzip,
        }
    }

    /// The number of finished bytes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Gzip(encoder) => encoder.get_ref().len(),
        }
    }

    /// Takes the finished bytes.
    pub(super) fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Plain(bytes) => std::mem::replace(bytes, Vec::with_capacity(CAPACITY)),
            Self::Gzip(encoder) => std::mem::take(encoder.get_mut()),
        }
    }

    /// The last bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Gzip(encoder) => encoder.finish().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    /// The result of an output, taken whenever this many bytes are finished.
    fn written(mut output: Output, texts: &[&str], part: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in texts {
            output.push(text);
            if output.len() >= part {
                bytes.extend(output.take());
            }
        }
        bytes.extend(output.finish());
        bytes
    }

    #[test]
    fn parts_joined_are_the_text() {
        let row = "<tr><th><a href=./name>name</a><td>1 B<td>2026-11-27\n";
        let long = row.repeat(5_000);
        for texts in [&[][..], &[""], &["a", "", "b"], &[row, &long, row]] {
            for part in [1, 1_000, usize::MAX] {
                let text = texts.concat();
                assert_eq!(written(Output::plain(), texts, part), text.as_bytes());
                let coded = written(Output::gzip(), texts, part);
                let mut decoded = String::new();
                let mut gunzip = GzDecoder::new(coded.as_slice());
                gunzip.read_to_string(&mut decoded).unwrap();
                assert!(decoded == text, "{part}");
                assert!(text.len() < 1_000 || coded.len() < text.len() / 10);
            }
        }
    }
}
