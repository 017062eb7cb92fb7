//! The PROXY header of a connection that a trusted proxy passes on, before its first head.

use super::dialect::Dialect;
use super::phases::{Closing, Filled, PeerStream, Phase, Step, StepContext};
use super::receiving::HEADS;
use super::session::HttpSession;
use super::timeouts::TimeoutKind;
use crate::proxy_protocol::{self, ConnectionSource};
use crate::server::Transport;

impl<D: Dialect> HttpSession<D> {
    /// Reads the header, and records the source of the connection.
    pub(super) fn read_proxy_header<T: Transport>(
        &mut self,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        loop {
            let input = work.buffers.input.bytes();
            match proxy_protocol::parse(input) {
                Ok(Some(header)) => {
                    work.buffers.input.consume(header.length);
                    if let ConnectionSource::Address(source) = header.source {
                        self.peer = source.into();
                        self.accounting.set_source(self.peer);
                    }
                    return Step::Go(self.entrance().phase());
                }
                Ok(None) => {}
                Err(error) => return self.refuse_proxy(&error.to_string()),
            }
            let is_begun = !input.is_empty();
            match self.fill(work, HEADS) {
                Filled::More => {}
                Filled::Broken => return Step::Close,
                Filled::NoMore => {
                    return match self.stream {
                        PeerStream::Ended if is_begun => {
                            self.refuse_proxy("it ends before its PROXY header does")
                        }
                        // A health check of the proxy.
                        PeerStream::Ended => Step::Go(Phase::Closing(Closing::Close)),
                        _ if work.turn.is_stopping() => Step::Go(Phase::Closing(Closing::Close)),
                        _ => Step::Wait(Phase::ProxyHeader, TimeoutKind::Fresh),
                    };
                }
            }
        }
    }

    /// Without a valid header the following bytes have no meaning, so the connection is closed without a response.
    fn refuse_proxy(&mut self, why: &str) -> Step<D::Upload> {
        log::warn!("{}: the connection is closed: {why}", self.peer);
        self.accounting.note_end("its PROXY header is malformed");
        Step::Close
    }
}
