//! The first byte on a TLS port: it distinguishes TLS from plain HTTP by mistake.

use std::time::{Duration, Instant};

use super::dialect::{Dialect, Response, ResponseContent};
use super::entrance::{Channel, Entrance, EntranceProtocol, Security};
use super::phases::{Closing, Filled, PeerStream, Phase, Step, StepContext};
use super::receiving::HEADS;
use super::session::HttpSession;
use super::timeouts::TimeoutKind;
use crate::http::{Refusal, write_field};
use crate::reporting::HandshakeResult;
use crate::server::Transport;
use crate::sync::lock;
use crate::tls::{HANDSHAKE, Handshake, TlsStream, is_beginning};

/// The time between two reports of TLS on an HTTP port.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// The text for plain HTTP on a TLS port.
const USE_HTTPS: &[u8] = b"This port speaks HTTPS: type https:// instead of http://.\n";

impl Entrance {
    /// The phase that follows a PROXY header, or the accept.
    pub(super) fn phase<U>(&self) -> Phase<U> {
        match self.protocol {
            EntranceProtocol::Https(_) => Phase::TlsHello,
            EntranceProtocol::Http | EntranceProtocol::RedirectToHttps(_) => Phase::Head,
        }
    }
}

impl<D: Dialect> HttpSession<D> {
    /// The entrance of its listener.
    pub(super) fn entrance(&self) -> &Entrance {
        &self.shared.entrances[self.listener]
    }

    /// Waits for the first byte, and continues with TLS or without.
    pub(super) fn read_tls_hello<T: Transport>(
        &mut self,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        loop {
            match work.buffers.input.bytes() {
                [] => {}
                [HANDSHAKE, ..] => return self.begin_tls(work),
                [..] => return Step::Go(Phase::Head),
            }
            match self.fill(work, HEADS) {
                Filled::More => {}
                Filled::Broken => return Step::Close,
                Filled::NoMore if self.stream == PeerStream::Ended || work.turn.is_stopping() => {
                    return Step::Go(Phase::Closing(Closing::Close));
                }
                Filled::NoMore => return Step::Wait(Phase::TlsHello, TimeoutKind::Fresh),
            }
        }
    }

    /// Passes the bytes received so far to TLS. The turn continues over the TLS stream.
    fn begin_tls<T: Transport>(&mut self, work: &mut StepContext<'_, T>) -> Step<D::Upload> {
        let input = &mut work.buffers.input;
        let stream = match &self.entrance().protocol {
            EntranceProtocol::Https(server) => server.accept(input.bytes()),
            EntranceProtocol::Http | EntranceProtocol::RedirectToHttps(_) => None,
        };
        let Some(stream) = stream else {
            return Step::Close;
        };
        input.consume(input.bytes().len());
        self.channel = Channel::Tls(Box::new(stream));
        self.security = Security::Tls;
        // None of the bytes received so far are HTTP.
        if self.stream == PeerStream::Drained {
            self.stream = PeerStream::Open;
        }
        Step::Yield(Phase::Head)
    }

    /// Counts a handshake that was completed in this turn.
    pub(super) fn count_handshake(&self, stream: &mut TlsStream) {
        let Some(reporter) = &self.shared.reporter else {
            return;
        };
        if let Some(handshake) = stream.completed_handshake() {
            let result = match handshake {
                Handshake::Full => HandshakeResult::Full,
                Handshake::Resumed => HandshakeResult::Resumed,
            };
            reporter.handshake(stream.version(), result);
        }
    }

    /// Counts the handshake of a connection that ends, unless it was completed.
    pub(super) fn count_failed_handshake(&self) {
        if let Some(reporter) = &self.shared.reporter
            && let Channel::Tls(stream) = &self.channel
            && !stream.has_completed_handshake()
        {
            reporter.handshake(stream.version(), HandshakeResult::Failed);
        }
    }

    /// The refusal of a request that must be inside TLS.
    pub(super) fn check_security(&self) -> Result<(), Refusal> {
        match (&self.entrance().protocol, self.security) {
            (EntranceProtocol::Https(_), Security::Plain) => Err(Refusal::bad_request(
                "the request is not inside TLS, which this port requires",
            )),
            _ => Ok(()),
        }
    }

    /// Adds an explanation in plain text to the response.
    pub(super) fn explain_security(&self, method: Option<&[u8]>, response: &mut Response) {
        if self.check_security().is_ok() {
            return;
        }
        response.fields.clear();
        write_field(&mut response.fields, "Content-Type", b"text/plain");
        response.content = if method == Some(b"HEAD") {
            ResponseContent::Omitted(USE_HTTPS.len() as u64)
        } else {
            ResponseContent::Memory(USE_HTTPS.into())
        };
    }

    /// Warns on stderr, at most once a minute, of TLS on an HTTP port.
    pub(super) fn report_misdirected_tls(&self, received: &[u8]) {
        if self.security == Security::Tls || !is_beginning(received) {
            return;
        }
        let now = Instant::now();
        let mut last = lock(&self.shared.misdirected);
        let is_due = last.is_none_or(|last| now.duration_since(last) >= REPORT_INTERVAL);
        if is_due {
            *last = Some(now);
            drop(last);
            let peer = self.peer;
            log::warn!(
                "{peer} speaks TLS on a port for HTTP: type http:// there, or --tls-cert here"
            );
        }
    }
}
