//! A log of the command line: a file or standard input, plain or compressed.
//!
//! The first bytes decide about its format, never the name. Everything that cannot be a log is refused.

use crate::compression::{Compression, SIGNATURE, unread_format};
use crate::failure::Failure;
use crate::log_reader::LogReader;
use crate::text;
use crate::whole_lines::WholeLines;
use httpserver::request_log::format::line::{BEGINNING, may_begin_log};
use indicatif::ProgressBar;
use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// A limit above the length of a seal's first line.
const LINE: usize = 4 * 1024;

/// Where the bytes of a log come from.
#[derive(Debug)]
pub(crate) struct LogSource {
    name: String,
    input: InputKind,
}

#[derive(Debug)]
enum InputKind {
    /// Standard input: read once, from its present position.
    Stdin,
    /// A pipe or a device: the same.
    Stream(File),
    /// A regular file, which can be read again and at any place.
    File(File, Metadata),
}

impl LogSource {
    /// Opens a log; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = text::path(path);
        if path.as_os_str() == "-" {
            return Ok(Self {
                name,
                input: InputKind::Stdin,
            });
        }
        let file = File::open(path).map_err(Failure::file(path))?;
        let metadata = file.metadata().map_err(Failure::file(path))?;
        if metadata.is_dir() {
            return Err(Failure::file(path)(io::ErrorKind::IsADirectory.into()));
        }
        let input = if metadata.is_file() {
            InputKind::File(file, metadata)
        } else {
            InputKind::Stream(file)
        };
        Ok(Self { name, input })
    }

    /// Opens a log that `purpose` reads twice. Only a regular file can be read twice.
    pub(crate) fn open_for_two_readings(
        path: &Path,
        purpose: &'static str,
    ) -> Result<Self, Failure> {
        let source = Self::open(path)?;
        source.require_file(purpose)?;
        Ok(source)
    }

    /// Checks that the log can be read twice, as `purpose` needs: it must be a regular file.
    pub(crate) fn require_file(&self, purpose: &'static str) -> Result<(), Failure> {
        let input = match self.input {
            InputKind::File(..) => return Ok(()),
            InputKind::Stream(_) => "a pipe or a device",
            InputKind::Stdin => "standard input",
        };
        Err(Failure::ReadTwice {
            log: self.name.clone(),
            purpose,
            input,
        })
    }

    /// The name of the log in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the file as stored, compressed or not; `None` if not known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.metadata().map(Metadata::len)
    }

    /// The result of fstat(2), for a regular file.
    pub(crate) fn metadata(&self) -> Option<&Metadata> {
        match &self.input {
            InputKind::File(_, metadata) => Some(metadata),
            InputKind::Stream(_) | InputKind::Stdin => None,
        }
    }

    /// Reads the log from its start; `bar` counts the bytes of the file.
    pub(crate) fn read(&self, bar: &ProgressBar) -> Result<LogReader<'_>, Failure> {
        Ok(LogReader::new(&self.name, self.log_bytes(bar)?))
    }

    /// The bytes of the log.
    pub(crate) fn log_bytes(
        &self,
        bar: &ProgressBar,
    ) -> Result<Box<dyn Read + Send + '_>, Failure> {
        let (input, compression) = self.decompressed(bar)?;
        self.log(input, compression)
    }

    /// The bytes of a file other than a log.
    pub(crate) fn bytes(&self, bar: &ProgressBar) -> Result<Box<dyn Read + Send + '_>, Failure> {
        self.decompressed(bar).map(|(input, _)| input)
    }

    fn decompressed(&self, bar: &ProgressBar) -> Result<Decompressed<'_>, Failure> {
        let failed = Failure::file(&self.name);
        let input: Box<dyn Read + Send + '_> = match &self.input {
            InputKind::Stdin => Box::new(io::stdin()),
            InputKind::Stream(file) => Box::new(file),
            InputKind::File(file, _) => Box::new(FileTail { file, at: 0 }),
        };
        let mut input = bar.wrap_read(input);
        let head = match take(&mut input, SIGNATURE.max(BEGINNING)) {
            Ok(head) => head,
            Err(error) => return Err(failed(error)),
        };
        let compression = Compression::of(&head);
        let input = Cursor::new(head).chain(input);
        Ok(match compression {
            None => (Box::new(input), None),
            Some(compression) => (compression.decompress(input), Some(compression)),
        })
    }

    /// Device and inode number of a file.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        self.metadata().map(|found| (found.dev(), found.ino()))
    }

    /// Whether the file has a complete first line.
    pub(crate) fn is_begun(&self) -> bool {
        let mut line = [0; LINE];
        self.read_at(&mut line, 0)
            .is_ok_and(|count| line[..count].contains(&b'\n'))
    }

    /// The present length of the file in bytes.
    pub(crate) fn current_length(&self) -> Result<u64, Failure> {
        let metadata = self.file()?.metadata();
        Ok(metadata.map_err(Failure::file(&self.name))?.len())
    }

    /// Reads bytes of the file at a place; fewer only at its end.
    pub(crate) fn read_at(&self, out: &mut [u8], offset: u64) -> Result<usize, Failure> {
        let mut read = 0;
        while read < out.len() {
            let count = self.file()?.read_at(&mut out[read..], offset + read as u64);
            match count.map_err(Failure::file(&self.name))? {
                0 => break,
                count => read += count,
            }
        }
        Ok(read)
    }

    /// The lines of a file that grows.
    pub(crate) fn whole_lines(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        Ok(Box::new(WholeLines::new(self.file()?)))
    }

    fn file(&self) -> Result<&File, Failure> {
        match &self.input {
            InputKind::File(file, _) => Ok(file),
            InputKind::Stream(_) | InputKind::Stdin => Err(Failure::NotFollowed {
                log: self.name.clone(),
            }),
        }
    }

    /// Reads an uncompressed log from entry `number` on, which begins at byte `offset`. `None` if it is compressed, or
    /// cannot be read from there for another reason.
    pub(crate) fn read_from(&self, offset: u64, number: u64) -> Option<LogReader<'_>> {
        let InputKind::File(file, _) = &self.input else {
            return None;
        };
        let mut head = [0; SIGNATURE];
        let length = file.read_at(&mut head, 0).ok()?;
        if Compression::of(&head[..length]).is_some() {
            return None;
        }
        let input = Box::new(FileTail { file, at: offset });
        Some(LogReader::resume(&self.name, input, offset, number))
    }

    fn log<'s>(
        &self,
        mut input: Box<dyn Read + Send + 's>,
        compression: Option<Compression>,
    ) -> Result<Box<dyn Read + Send + 's>, Failure> {
        let head = take(&mut input, BEGINNING).map_err(Failure::file(&self.name))?;
        if !may_begin_log(&head) {
            return Err(self.not_a_log(&head, compression));
        }
        Ok(Box::new(Cursor::new(head).chain(input)))
    }

    fn not_a_log(&self, head: &[u8], compression: Option<Compression>) -> Failure {
        let log = self.name.clone();
        match unread_format(head) {
            Some((format, command)) if compression.is_none() => Failure::Compressed {
                log,
                format,
                command,
            },
            _ => Failure::NotALog {
                log,
                decompressed: compression.map_or("it", |_| "decompressed, it"),
                head: head.escape_ascii().to_string(),
            },
        }
    }
}

/// The bytes of a file, and how it is compressed.
type Decompressed<'s> = (Box<dyn Read + Send + 's>, Option<Compression>);

/// Reads `most` bytes, or up to the end.
fn take(input: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A file from a byte on, read without moving its position, so that it can be read twice.
#[derive(Debug)]
struct FileTail<'f> {
    file: &'f File,
    at: u64,
}

impl Read for FileTail<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(out, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
