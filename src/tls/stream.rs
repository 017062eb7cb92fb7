//! One TLS connection: records in, plain bytes out, and the other way round.
//!
//! This module uses the interface of rustls without buffers: it reads records where they were received, and writes them
//! where they are sent from.

use std::io;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{Error, HandshakeKind, ProtocolVersion};

use super::buffers::{INCOMING, OVERHEAD, PartialRecords, Windows};
use super::handshake::Handshake;
use super::records::{RecordWrite, Room, encode, encrypt, send_records};
use crate::server::{After, Transport};

/// Bytes of a handshake that are kept while its next message is incomplete. No client's hello is as long; with
/// certificates of post-quantum algorithms some come near.
const HANDSHAKE: usize = 20 * 1024;

/// See the module's description.
pub struct TlsStream {
    connection: UnbufferedServerConnection,
    /// Records that are not complete; in the worker's window during a turn.
    incoming: Vec<u8>,
    /// Decrypted bytes that the caller has not received.
    pub(super) plain: Vec<u8>,
    /// Records that the peer has not taken; in the worker's window during a turn.
    outgoing: Vec<u8>,
    /// Plain bytes in these records that were not reported to the caller as sent.
    pub(super) unreported: usize,
    pub(super) input: PeerState,
    /// Whether our side has ended, so that nothing more can be sent.
    pub(super) is_closed: bool,
    /// Whether [`TlsStream::completed_handshake`] has reported it.
    is_handshake_told: bool,
}

/// The state of the peer's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerState {
    Open,
    /// It has sent its `close_notify`: its data is complete (RFC 8446 §6.1).
    Closed,
    /// The socket ended without `close_notify`: data may be missing.
    Truncated,
    /// It broke a rule, and got an alert.
    Failed,
}

impl TlsStream {
    /// The stream of a connection with these `received` bytes.
    pub(super) fn new(connection: UnbufferedServerConnection, received: &[u8]) -> Self {
        Self {
            connection,
            incoming: received.to_vec(),
            plain: Vec::new(),
            outgoing: Vec::new(),
            unreported: 0,
            input: PeerState::Open,
            is_closed: false,
            is_handshake_told: false,
        }
    }

    /// The way in which the handshake was completed; only the first call after that returns it.
    pub fn completed_handshake(&mut self) -> Option<Handshake> {
        if self.is_handshake_told || self.connection.is_handshaking() {
            return None;
        }
        self.is_handshake_told = true;
        match self.connection.handshake_kind()? {
            HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest => Some(Handshake::Full),
            HandshakeKind::Resumed => Some(Handshake::Resumed),
        }
    }

    /// Whether the handshake was completed.
    #[must_use]
    pub fn has_completed_handshake(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// The version, as soon as both sides agree on one: `TLSv1.3`.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        match self.connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            _ => None, // no other version exists
        }
    }

    /// The bytes that it keeps between turns, for the windows of a worker.
    pub(super) fn kept_records(&mut self) -> PartialRecords<'_> {
        PartialRecords {
            incoming: &mut self.incoming,
            outgoing: &mut self.outgoing,
        }
    }

    /// Bytes that it keeps between turns, besides the state of the protocol.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.incoming.capacity() + self.plain.capacity() + self.outgoing.capacity()
    }

    /// Whether there is more to receive, or the end, although the last receive was short.
    pub(super) fn has_more(&self) -> bool {
        self.input != PeerState::Open || !self.plain.is_empty()
    }

    /// Whether the peer's end of stream came without its `close_notify`.
    pub(super) fn is_truncated(&self) -> bool {
        self.input == PeerState::Truncated
    }

    /// Receives plain bytes as recv(2) does: fewer than the room only if the socket has no more, or
    /// [`TlsStream::has_more`].
    pub(super) fn receive(
        &mut self,
        windows: &mut Windows,
        socket: &impl Transport,
        room: &mut [u8],
    ) -> io::Result<usize> {
        if self.is_closed {
            return self.discard(windows, socket, room);
        }
        let mut room = Room::new(room);
        room.fill(&mut self.plain);
        let mut has_written = false;
        let mut is_emptied = false;
        while !room.is_full() {
            if self.input == PeerState::Open {
                self.read(windows, &mut room);
                has_written |= !windows.outgoing.is_empty();
                self.flush(windows, socket)?;
            }
            if room.is_full() || (is_emptied && room.filled > 0) {
                break;
            }
            if self.input != PeerState::Open {
                return self.end(room.filled);
            }
            match self.receive_records(windows, socket, room.left()) {
                Ok(emptied) => is_emptied = emptied,
                Err(_) if room.filled > 0 => break, // it occurs again
                Err(error) => {
                    // No answer carries the acknowledgement of half a message.
                    if self.connection.is_handshaking() && !has_written {
                        socket.acknowledge();
                    }
                    return Err(error);
                }
            }
        }
        Ok(room.filled)
    }

    /// The event after all received bytes.
    pub(super) fn end(&self, filled: usize) -> io::Result<usize> {
        match self.input {
            _ if filled > 0 => Ok(filled),
            PeerState::Open | PeerState::Closed | PeerState::Truncated => Ok(0),
            PeerState::Failed => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Receives records once, about as many as hold `wanted` plain bytes; returns whether the socket has no more.
    fn receive_records(
        &mut self,
        windows: &mut Windows,
        socket: &impl Transport,
        wanted: usize,
    ) -> io::Result<bool> {
        let incoming = &mut windows.incoming;
        let most = if self.connection.is_handshaking() {
            HANDSHAKE.saturating_sub(incoming.len())
        } else {
            (wanted + OVERHEAD).min(INCOMING)
        };
        if most == 0 {
            self.fail(
                windows,
                socket,
                &Error::General("the handshake is too long".to_owned()),
            );
            return Ok(false);
        }
        incoming.reserve(most);
        let received = socket.receive(&mut incoming.room()[..most])?;
        incoming.add(received);
        if received == 0 {
            self.input = PeerState::Truncated;
        }
        Ok(received < most)
    }

    /// Reads all complete records. A peer that breaks a rule gets an alert.
    fn read(&mut self, windows: &mut Windows, room: &mut Room<'_>) {
        if let Err(error) = self.advance(windows, room, RecordWrite::Nothing) {
            self.set_failed(windows, &error);
        }
    }

    /// The stream is broken.
    fn fail(&mut self, windows: &mut Windows, socket: &impl Transport, error: &Error) {
        self.set_failed(windows, error);
        let _ = self.flush(windows, socket); // the peer may be gone
    }

    pub(super) fn set_failed(&mut self, windows: &mut Windows, error: &Error) {
        log::debug!("TLS: {error}");
        self.input = PeerState::Failed;
        // Received bytes are not processed again. Only the alert remains to be sent.
        let Windows {
            incoming, outgoing, ..
        } = windows;
        incoming.consume(incoming.len());
        while self.connection.wants_write() {
            let status = self.connection.process_tls_records(&mut []);
            let Ok(ConnectionState::EncodeTlsData(message)) = status.state else {
                break;
            };
            if encode(message, outgoing).is_err() {
                break;
            }
        }
    }

    /// Sends the messages of the handshake, as far as the peer takes them.
    fn flush(&mut self, windows: &mut Windows, socket: &impl Transport) -> io::Result<()> {
        if self.is_closed {
            windows.discard_outgoing();
        }
        if self.unreported > 0 {
            return Ok(()); // sent with the rest
        }
        match send_records(&mut windows.outgoing, socket, After::Flush) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            sent => sent,
        }
    }

    /// Reads all complete records, then writes.
    pub(super) fn advance(
        &mut self,
        windows: &mut Windows,
        room: &mut Room<'_>,
        what: RecordWrite<'_>,
    ) -> Result<(), Error> {
        let Windows {
            incoming, outgoing, ..
        } = windows;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.connection.process_tls_records(incoming.bytes_mut());
            let mut done = None;
            match state {
                Err(error) => done = Some(Err(error)),
                Ok(ConnectionState::ReadTraffic(mut records)) => {
                    while let Some(record) = records.next_record() {
                        let record = record?;
                        discard += record.discard;
                        room.put(record.payload, &mut self.plain);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(message)) => encode(message, outgoing)?,
                // They are sent with the following bytes.
                Ok(ConnectionState::TransmitTlsData(records)) => records.done(),
                Ok(ConnectionState::PeerClosed) => self.input = PeerState::Closed,
                Ok(ConnectionState::WriteTraffic(writer)) => {
                    done = Some(encrypt(writer, outgoing, what));
                }
                Ok(_) => {
                    done = Some(match what {
                        RecordWrite::Nothing => Ok(()),
                        RecordWrite::Plain(_) | RecordWrite::CloseNotify => {
                            Err(Error::HandshakeNotComplete)
                        }
                    });
                }
            }
            incoming.consume(discard);
            if let Some(result) = done {
                return result;
            }
        }
    }
}
