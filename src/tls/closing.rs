//! The end of the server's side of a TLS stream, and the bytes that the peer sends after it.

use std::io;

use super::buffers::Windows;
use super::records::{RecordWrite, send_records};
use super::stream::{PeerState, TlsStream};
use crate::server::{After, Transport};

impl TlsStream {
    /// Sends `close_notify` if the handshake is done. No further bytes are sent.
    pub(super) fn close(&mut self, windows: &mut Windows, socket: &impl Transport) {
        if self.is_closed {
            return;
        }
        if self.unreported == 0 {
            // Before the end of a handshake there is at most an alert to send.
            let _ = self.write(windows, RecordWrite::CloseNotify);
            let _ = send_records(&mut windows.outgoing, socket, After::More); // best effort
        }
        self.is_closed = true;
        windows.discard_outgoing();
    }

    /// After the server's side has ended, received bytes are discarded, since not even an alert can be sent. The bytes
    /// in `room` have no meaning.
    pub(super) fn discard(
        &mut self,
        windows: &mut Windows,
        socket: &impl Transport,
        room: &mut [u8],
    ) -> io::Result<usize> {
        windows.incoming.consume(windows.incoming.len());
        self.plain.clear();
        if self.input != PeerState::Open {
            return self.end(0);
        }
        let received = socket.receive(room)?;
        if received == 0 {
            self.input = PeerState::Truncated;
        }
        Ok(received)
    }
}
