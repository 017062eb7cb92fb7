//! The buffers of a worker through which the records of all its streams pass.

use super::window::Window;

/// Bytes of records that are received at a time: three of the longest, or many short ones.
pub(super) const INCOMING: usize = 64 * 1024;

/// Plain bytes that are encrypted into records at a time.
pub(super) const PLAIN: usize = 64 * 1024;

/// Bytes that records add to [`PLAIN`]: four times a header of 5, a tag of 16 and at most 9 more, plus a message of the
/// handshake that may precede them.
pub(super) const OVERHEAD: usize = 1024;

/// The buffers of a worker for any stream.
#[derive(Default)]
pub struct TlsBuffers(Option<Box<Windows>>);

/// Allocated for the first stream.
pub(super) struct Windows {
    pub(super) incoming: Window,
    pub(super) outgoing: Window,
    /// Content of files before encryption.
    pub(super) file: Box<[u8]>,
}

/// The bytes that a stream keeps between its turns.
pub(super) struct PartialRecords<'s> {
    /// Records that are not complete.
    pub(super) incoming: &'s mut Vec<u8>,
    /// Records that the peer has not taken.
    pub(super) outgoing: &'s mut Vec<u8>,
}

impl TlsBuffers {
    /// The windows, filled with the bytes that a stream kept.
    pub(super) fn lend(&mut self, kept: &mut PartialRecords<'_>) -> &mut Windows {
        let windows = self.0.get_or_insert_with(|| {
            Box::new(Windows {
                incoming: Window::new(INCOMING),
                outgoing: Window::new(PLAIN + OVERHEAD),
                file: vec![0; PLAIN].into_boxed_slice(),
            })
        });
        windows.incoming.take(kept.incoming);
        windows.outgoing.take(kept.outgoing);
        windows
    }
}

impl Windows {
    /// Drops the records that were not sent.
    pub(super) fn discard_outgoing(&mut self) {
        self.outgoing.consume(self.outgoing.len());
    }

    pub(super) fn is_all_sent(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// Returns to the stream the bytes that it must keep.
    pub(super) fn give_back(&mut self, kept: &mut PartialRecords<'_>) {
        *kept.incoming = self.incoming.give_back();
        *kept.outgoing = self.outgoing.give_back();
    }
}
