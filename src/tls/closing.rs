//! The end of our side of a TLS stream, and what the peer still sends after it.

use std::io;

use super::buffers::Windows;
use super::records::{RecordWrite, send_records};
use super::stream::{PeerState, TlsStream};
use crate::server::{After, Transport};

impl TlsStream {
    /// Says that we have sent all, if the handshake is done. Nothing is sent from now on.
    pub(super) fn close(&mut self, windows: &mut Windows, socket: &impl Transport) {
        if self.is_closed {
            return;
        }
        if self.unreported == 0 {
            // Without it what there is to say is an alert, or nothing.
            let _ = self.write(windows, RecordWrite::CloseNotify);
            let _ = send_records(&mut windows.outgoing, socket, After::More); // best effort
        }
        self.is_closed = true;
        windows.discard_outgoing();
    }

    /// After our side has ended, what comes is read past: not even a rule that it breaks can be told. `room` gets bytes
    /// that mean nothing.
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
