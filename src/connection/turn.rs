//! The first step of a turn: runs from phase to phase until the connection must wait for its peer, needs another turn,
//! or has responses that must be sent first.

use super::budget::Budget;
use super::buffers::Buffers;
use super::dialect::Dialect;
use super::entrance::Channel;
use super::kept::Kept;
use super::phases::{AfterFlush, Closing, PeerStream, Phase, Step, StepContext};
use super::response::linger;
use super::session::HttpSession;
use crate::http::Persistence;
use crate::reporting::Moved;
use crate::server::{CloseCause, Interest, Next, Session, Transport, Turn};
use crate::tls::Secured;

impl<D: Dialect> Session for HttpSession<D> {
    type Buffers = Buffers;

    fn may_block(&self) -> bool {
        self.phase.may_block()
    }

    fn process<T: Transport>(&mut self, transport: &T, buffers: &mut Buffers, turn: &Turn<'_>) {
        match std::mem::take(&mut self.channel) {
            Channel::Plain => {
                self.process_over(transport, buffers, turn);
                // The first byte of TLS has arrived.
                if let Channel::Tls(_) = self.channel {
                    self.process(transport, buffers, turn);
                }
            }
            Channel::Tls(mut stream) => {
                let mut windows = std::mem::take(&mut buffers.tls);
                self.process_over(
                    &Secured::new(transport, &mut stream, &mut windows),
                    buffers,
                    turn,
                );
                self.accounting.set_tls_version(stream.version());
                self.count_handshake(&mut stream);
                buffers.tls = windows;
                self.channel = Channel::Tls(stream);
            }
        }
    }

    fn flush<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Buffers,
        turn: &Turn<'_>,
    ) -> Next {
        match std::mem::take(&mut self.channel) {
            Channel::Plain => self.flush_over(transport, buffers, turn),
            Channel::Tls(mut stream) => {
                let mut windows = std::mem::take(&mut buffers.tls);
                let next = self.flush_secured(
                    &Secured::new(transport, &mut stream, &mut windows),
                    buffers,
                    turn,
                );
                buffers.tls = windows;
                self.channel = Channel::Tls(stream);
                next
            }
        }
    }

    fn note_close(&mut self, cause: CloseCause) {
        self.accounting.note_end(match cause {
            CloseCause::Evicted => "it was idle, and a new connection needed its place",
            CloseCause::Stopping => "the server stops",
            CloseCause::Failed => "the server failed",
        });
    }
}

impl<D: Dialect> HttpSession<D> {
    /// The first step of a turn, over the transport of HTTP.
    fn process_over<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Buffers,
        turn: &Turn<'_>,
    ) {
        let clock = turn.clock();
        let stopwatch = self.stopwatch(clock);
        let budget = match turn.permission().require() {
            Ok(_) => Budget::of_blocking_turn(),
            Err(_) => Budget::new(),
        };
        let mut work = StepContext {
            transport,
            buffers,
            turn,
            budget,
        };
        self.begin_turn(&mut work);
        self.spent = work.budget.spent();
        if self.shared.reporter.is_some() {
            clock.read();
        }
        self.time = stopwatch.elapsed(clock);
    }

    /// The last step of a turn, inside TLS.
    fn flush_secured<T: Transport>(
        &mut self,
        secured: &Secured<'_, T>,
        buffers: &mut Buffers,
        turn: &Turn<'_>,
    ) -> Next {
        match self.flush_over(secured, buffers, turn) {
            Next::Close => {
                secured.close();
                Next::Close
            }
            // The peer must take a message of the handshake before it can send more.
            Next::Wait(Interest::Read, deadline) if secured.has_unsent() => {
                Next::Wait(Interest::Write, deadline)
            }
            next => next,
        }
    }

    /// The last step of a turn, over the transport of HTTP.
    fn flush_over<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Buffers,
        turn: &Turn<'_>,
    ) -> Next {
        let clock = turn.clock();
        let stopwatch = self.stopwatch(clock);
        let mut budget = Budget::new();
        let next = self.send_all(transport, turn, &mut budget);
        // A wait has read the clock.
        if self.shared.reporter.is_some() && !matches!(next, Next::Wait(..)) {
            clock.read();
        }
        let moved = self.accounting.take_moved();
        self.report(next, buffers, turn);
        self.unsent = Kept::copy_of(&self.output);
        buffers.take_back(&mut self.output);
        self.spent.add(budget.spent());
        self.time += stopwatch.elapsed(clock);
        self.report_turn(turn, moved);
        next
    }

    /// Reports the requests that have ended, and the end of the connection.
    fn report(&mut self, next: Next, buffers: &mut Buffers, turn: &Turn<'_>) {
        let reporter = self.shared.reporter.as_deref();
        let worker = turn.worker();
        let accounting = &mut self.accounting;
        let now = turn.clock().last();
        accounting.report_ended(reporter, worker, &mut buffers.line, now);
        if next == Next::Close {
            let why = match (self.persistence, self.stream) {
                (Persistence::Close, _) => "its last response was sent",
                (Persistence::Persistent, PeerStream::Ended) => "the client closed it",
                (Persistence::Persistent, _) => "the server stops",
            };
            accounting.close(reporter, Some(worker), why);
        }
    }

    /// The first step of a turn, within a budget.
    fn begin_turn<T: Transport>(&mut self, work: &mut StepContext<'_, T>) {
        // More bytes may have arrived since the last turn, and a stopping server must not overlook them.
        if work.turn.is_stopping() && self.stream == PeerStream::Drained {
            self.stream = PeerStream::Open;
        }
        work.buffers.lend_output(&mut self.output);
        self.output.extend_from_slice(self.unsent.bytes());
        self.unsent = Kept::default();
        // Output of an earlier turn is sent first, except in a phase that must not wait for the peer.
        if !self.output.is_empty() && !matches!(self.phase, Phase::Finishing(_)) {
            self.after_flush = AfterFlush::Yield;
            return;
        }
        work.buffers.take_input(&mut self.unused);
        self.after_flush = self.run(work);
        self.unused = match self.after_flush {
            AfterFlush::Yield => work.buffers.lend_input(),
            AfterFlush::Wait(_) | AfterFlush::Close => work.buffers.keep_input(),
        };
    }

    /// Reports the cost of the turn, if turns are reported.
    fn report_turn(&self, turn: &Turn<'_>, moved: Moved) {
        log::trace!("a turn of {}: {}", self.peer, self.spent);
        if let Some(reporter) = &self.shared.reporter {
            reporter.turn(turn.worker(), self.time, moved);
        }
    }

    fn run<T: Transport>(&mut self, work: &mut StepContext<'_, T>) -> AfterFlush {
        let mut phase = std::mem::take(&mut self.phase);
        loop {
            phase = match self.step(phase, work) {
                Step::Go(next) => next,
                Step::Yield(next) => {
                    self.phase = next;
                    return AfterFlush::Yield;
                }
                Step::Wait(next, kind) if self.has_expired(kind, work.turn) => {
                    match self.expire(next, kind, work) {
                        Some(next) => next,
                        None => return AfterFlush::Close,
                    }
                }
                Step::Wait(next, kind) => {
                    self.phase = next;
                    return AfterFlush::Wait(kind);
                }
                Step::Close => return AfterFlush::Close,
            };
        }
    }

    fn step<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        match phase {
            Phase::ProxyHeader => self.read_proxy_header(work),
            Phase::TlsHello => self.read_tls_hello(work),
            Phase::Head => self.read_head(work),
            Phase::Request(length) => self.handle(length, None, work),
            Phase::Identifying(length, ticket) => self.handle(length, Some(ticket), work),
            Phase::Body(receiving) => self.receive(receiving, work),
            Phase::Finishing(receiving) => self.finish(receiving, work),
            Phase::Preparing(preparing) => self.prepare(preparing, work),
            Phase::Skipping(skipping) => self.skip(skipping, work),
            Phase::Closing(Closing::Linger(left)) => linger(left, work),
            // The flush does that.
            Phase::Sending(..) | Phase::Closing(Closing::Flush | Closing::Close) => {
                Step::Yield(phase)
            }
            Phase::Ended => Step::Close,
        }
    }
}
