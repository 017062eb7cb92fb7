//! The sending side of a TLS stream: plain bytes become records, and count as sent when their records are sent.

use std::io;

use rustls::Error;

use super::buffers::{PLAIN, Windows};
use super::records::{RecordWrite, Room, send_records};
use super::stream::{PeerState, TlsStream};
use crate::server::{After, Transport};

impl TlsStream {
    /// Sends plain bytes as send(2) does. If not all of them are sent, the next call must begin with the rest.
    pub(super) fn send(
        &mut self,
        windows: &mut Windows,
        socket: &impl Transport,
        bytes: &[u8],
        after: After,
    ) -> io::Result<usize> {
        if self.unreported == 0 {
            // Messages of the handshake are sent first.
            send_records(&mut windows.outgoing, socket, After::More)?;
            let bytes = &bytes[..bytes.len().min(PLAIN)];
            self.write(windows, RecordWrite::Plain(bytes))?;
            self.unreported = bytes.len();
        }
        self.send_on(windows, socket, after)
    }

    /// Whether records of plain bytes wait to be sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.unreported > 0
    }

    /// Sends more of the waiting records; returns the number of plain bytes that are sent with them.
    pub(super) fn send_on(
        &mut self,
        windows: &mut Windows,
        socket: &impl Transport,
        after: After,
    ) -> io::Result<usize> {
        let before = windows.outgoing.len();
        let sent = send_records(&mut windows.outgoing, socket, after);
        let left = windows.outgoing.len();
        if left == 0 {
            return Ok(std::mem::take(&mut self.unreported));
        }
        // In proportion, so that a slow peer shows progress; the last byte is sent with the last record.
        let count = (self.unreported * (before - left) / before).min(self.unreported - 1);
        if count > 0 {
            self.unreported -= count;
            return Ok(count);
        }
        sent.and(Err(io::ErrorKind::WouldBlock.into()))
    }

    pub(super) fn write(&mut self, windows: &mut Windows, what: RecordWrite<'_>) -> io::Result<()> {
        if self.input == PeerState::Failed {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let no_room = &mut Room::new(&mut []);
        let written = self.advance(windows, no_room, what);
        written.map_err(|error| {
            // All received bytes are read first, so the peer's faults show here, too.
            if error != Error::HandshakeNotComplete {
                self.set_failed(windows, &error);
            }
            io::Error::new(io::ErrorKind::InvalidData, error)
        })
    }
}
