//! Writes records into a window, sends them, and returns decrypted bytes.

use std::io;

use rustls::Error;
use rustls::unbuffered::{EncodeError, EncodeTlsData, EncryptError, WriteTraffic};

use super::window::Window;
use crate::server::{After, Transport};

/// The state after all records are read.
#[derive(Clone, Copy)]
pub(super) enum RecordWrite<'b> {
    Nothing,
    Plain(&'b [u8]),
    /// The peer's `close_notify`.
    CloseNotify,
}

/// The destination of plain bytes.
pub(super) struct Room<'r> {
    bytes: &'r mut [u8],
    pub(super) filled: usize,
}

/// Writes a message of the handshake, or an alert.
pub(super) fn encode<D>(
    mut message: EncodeTlsData<'_, D>,
    outgoing: &mut Window,
) -> Result<(), Error> {
    let written = grow(
        outgoing,
        |out| message.encode(out),
        |error| match error {
            EncodeError::InsufficientSize(needed) => Some(needed.required_size),
            EncodeError::AlreadyEncoded => None,
        },
    );
    written.map_err(|error| Error::General(error.to_string()))
}

/// Writes records, unless there is nothing to write.
pub(super) fn encrypt<D>(
    mut writer: WriteTraffic<'_, D>,
    outgoing: &mut Window,
    what: RecordWrite<'_>,
) -> Result<(), Error> {
    let written = grow(
        outgoing,
        |out| match what {
            RecordWrite::Nothing => Ok(0),
            RecordWrite::Plain(bytes) => writer.encrypt(bytes, out),
            RecordWrite::CloseNotify => writer.queue_close_notify(out),
        },
        |error| match error {
            EncryptError::InsufficientSize(needed) => Some(needed.required_size),
            EncryptError::EncryptExhausted => None,
        },
    );
    written.map_err(|error| Error::General(error.to_string()))
}

/// Appends the output of `write`, with as much space as it needs.
fn grow<E>(
    outgoing: &mut Window,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
    needed: impl Fn(&E) -> Option<usize>,
) -> Result<(), E> {
    let written = match write(outgoing.room()) {
        Err(error) => {
            let Some(needed) = needed(&error) else {
                return Err(error);
            };
            outgoing.reserve(needed);
            write(outgoing.room())?
        }
        Ok(written) => written,
    };
    outgoing.add(written);
    Ok(())
}

/// Sends records; an error unless the peer accepts all of them.
pub(super) fn send_records(
    records: &mut Window,
    socket: &impl Transport,
    after: After,
) -> io::Result<()> {
    while !records.is_empty() {
        let sent = socket.send(records.bytes(), after)?;
        records.consume(sent);
    }
    Ok(())
}

impl<'r> Room<'r> {
    pub(super) fn new(bytes: &'r mut [u8]) -> Self {
        Self { bytes, filled: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.left() == 0
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.filled
    }

    /// Takes bytes that were decrypted earlier.
    pub(super) fn fill(&mut self, plain: &mut Vec<u8>) {
        let count = plain.len().min(self.left());
        self.bytes[self.filled..][..count].copy_from_slice(&plain[..count]);
        self.filled += count;
        if count == plain.len() {
            *plain = Vec::new();
        } else {
            plain.drain(..count);
        }
    }

    /// Takes the content of a record; bytes that do not fit go to `plain`.
    pub(super) fn put(&mut self, content: &[u8], plain: &mut Vec<u8>) {
        let count = content.len().min(self.left());
        let (now, later) = content.split_at(count);
        self.bytes[self.filled..][..count].copy_from_slice(now);
        self.filled += count;
        plain.extend_from_slice(later);
    }
}
