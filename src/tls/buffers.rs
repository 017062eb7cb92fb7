//! The buffers of a worker through which the records of all its streams pass.

use super::window::Window;

/// Bytes of records that are received at a time: three of the longest, or many short ones.
pub(super) const INCOMING: usize = 64 * 1024;

/// Plain bytes that become records at a time.
pub(super) const PLAIN: usize = 64 * 1024;

/// Bytes that records add to [`PLAIN`]: 5 of a header, 16 of a tag, and at most 9 more, four times; and a message of the
/// handshake that may come before them.
pub(super) const OVERHEAD: usize = 1024;

/// What a worker needs for any stream.
#[derive(Default)]
pub struct TlsBuffers(Option<Box<Windows>>);

/// Made when the first stream needs them.
pub(super) struct Windows {
    pub(super) incoming: Window,
    pub(super) outgoing: Window,
    /// Content of files, on its way into records.
    pub(super) file: Box<[u8]>,
}

/// What a stream keeps between its turns.
pub(super) struct PartialRecords<'s> {
    /// Records that are not complete.
    pub(super) incoming: &'s mut Vec<u8>,
    /// Records that the peer has not taken.
    pub(super) outgoing: &'s mut Vec<u8>,
}

impl TlsBuffers {
    /// The windows, with what a stream kept in them.
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

    /// Gives back to the stream what it must keep.
    pub(super) fn give_back(&mut self, kept: &mut PartialRecords<'_>) {
        *kept.incoming = self.incoming.give_back();
        *kept.outgoing = self.outgoing.give_back();
    }
}
