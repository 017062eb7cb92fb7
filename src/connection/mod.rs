//! One HTTP connection as a state machine over `http`: read a head, react, receive content, answer, and again.
//!
//! A [`Connection`] is in one phase, which owns what it needs and is consumed by the step that leaves it. Every
//! step either goes on at once or says what it waits for; nothing here blocks on a peer, and nothing here knows the
//! rules of a dialect. The steps stand in `request` (heads), `content` (of requests), `response` (answers and the
//! close) and `sending` (long content of answers); `waiting` is what happens between them.

mod content;
mod desk;
mod dialect;
mod patience;
mod request;
mod response;
mod sending;
mod service;
mod waiting;

use std::sync::Arc;

use self::content::{Receiving, Skipping};
use self::patience::{Progress, Stage, Wait};
use self::response::{Flushed, Goodbye, Then};
use self::service::Shared;
use self::waiting::Paused;
use crate::http::{HeadScan, Persistence, Version};
use crate::server::{After, Next, Session, Transport, Turn};

pub use self::desk::Desk;
pub use self::dialect::{
    Answer, Block, Content, Course, Dialect, FileRange, Held, Reaction, Upload,
};
pub use self::patience::Timeouts;
pub use self::service::Http;

/// One client.
pub struct Connection<D: Dialect> {
    shared: Arc<Shared<D>>,
    phase: Phase<D::Upload>,
    scan: HeadScan,
    /// Of the request in progress, as far as it is known.
    version: Version,
    /// Whether another request may follow the one in progress.
    persistence: Persistence,
    /// Received, not consumed, kept between turns.
    unused: Vec<u8>,
    /// To be sent before anything else, kept between turns.
    unsent: Vec<u8>,
    wait: Option<Wait>,
    /// Since the last wait.
    progress: Progress,
    stream: Stream,
    /// Whether a request was read.
    served: bool,
    /// Whether an answer in the output may not be recorded yet; between turns, whether it waits for that.
    unsettled: bool,
}

/// Where a connection stands.
enum Phase<U> {
    /// Before or in a head.
    Head,
    /// In the content of a request that is received.
    Body(Box<Receiving<U>>),
    /// The content is received; its upload has work left.
    Finishing(Box<Receiving<U>>),
    /// In the content of an answer.
    Sending(Content, Then),
    /// In the content of a request that was answered without it.
    Skipping(Skipping),
    /// All answers are given.
    Goodbye(Goodbye),
}

/// What the peer's side of the stream is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    /// Nothing was received yet.
    Fresh,
    /// There may be more to receive.
    Open,
    /// All that had come was received.
    Drained,
    /// The peer's end of stream was received.
    Ended,
}

/// How a step ends.
enum Step<U> {
    /// In a phase that can go on at once.
    Go(Phase<U>),
    /// In a phase that cannot.
    Wait(Phase<U>, Stage),
    /// In a phase that could go on, but has had its share of this turn.
    Yield(Phase<U>),
    /// With the connection.
    Close,
}

/// What a step works with, besides the connection.
struct Work<'w, 't, T> {
    transport: &'w T,
    desk: &'w mut Desk,
    turn: &'w mut Turn<'t>,
    /// What is left of this turn's share.
    share: Share,
}

/// What a connection may do in one turn before others have theirs.
struct Share {
    /// Requests to read.
    requests: u32,
    /// Bytes of content to move, in either direction.
    bytes: u64,
}

/// A pipelining client's batch: long enough to pay for a turn, short enough that others hardly wait.
const SHARE_REQUESTS: u32 = 32;

/// Some hundred microseconds of copying.
const SHARE_BYTES: u64 = 1024 * 1024;

impl<D: Dialect> Session for Connection<D> {
    type Desk = Desk;

    fn advance<T: Transport>(
        &mut self,
        transport: &T,
        desk: &mut Desk,
        turn: &mut Turn<'_>,
    ) -> Next {
        desk.input.take_over(&mut self.unused);
        desk.take_output(&mut self.unsent);
        // After `Next::Settle`, what has come since is told anew; but who is to say goodbye looks for itself.
        let settled = std::mem::take(&mut self.unsettled);
        if self.stream == Stream::Drained && (!settled || turn.is_stopping()) {
            self.stream = Stream::Open;
        }
        let mut work = Work {
            transport,
            desk,
            turn,
            share: Share {
                requests: SHARE_REQUESTS,
                bytes: SHARE_BYTES,
            },
        };
        let next = self.take_turn(&mut work);
        if next != Next::Settle {
            self.settle(&mut work);
        }
        self.unused = desk.input.hand_back();
        self.unsent = match next {
            Next::Settle => desk.hand_over_output(),
            Next::Wait(..) | Next::Yield | Next::Close => desk.output.as_slice().to_vec(),
        };
        next
    }

    fn release<T: Transport>(&mut self, transport: &T) {
        // If it fails, the next turn will find out.
        if let Ok(sent) = transport.send(&self.unsent, After::Flush) {
            self.unsent.drain(..sent);
            self.progress = Progress::Some;
        }
    }
}

impl<D: Dialect> Connection<D> {
    /// Bytes of input and output that it holds between turns; what an upload holds is not among them.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.unused.capacity() + self.unsent.capacity()
    }

    fn take_turn<T: Transport>(&mut self, work: &mut Work<'_, '_, T>) -> Next {
        let mut phase = std::mem::replace(&mut self.phase, Phase::Head);
        // An upload that has taken effect is recorded before anything waits for the peer.
        let mut step = if work.desk.output.is_empty() || matches!(phase, Phase::Finishing(_)) {
            self.step(phase, work)
        } else {
            match self.flush(work, After::Flush) {
                Flushed::All => self.step(phase, work),
                Flushed::Blocked => Step::Wait(phase, Stage::Write),
                Flushed::Broken => return self.break_off(phase, work),
            }
        };
        loop {
            phase = match step {
                Step::Go(next) => next,
                Step::Yield(next) => {
                    self.phase = next;
                    return Next::Yield;
                }
                Step::Close => return Next::Close,
                Step::Wait(next, Stage::Write) => match self.pause(next, Stage::Write, work) {
                    Paused::Waiting(next) => return next,
                    Paused::Expired(next) => next,
                },
                Step::Wait(next, _) if self.unsettled && work.turn.has_company() => {
                    self.phase = next;
                    return Next::Settle;
                }
                Step::Wait(next, stage) => {
                    let stage = match self.flush(work, After::Flush) {
                        Flushed::All => stage,
                        Flushed::Blocked => Stage::Write,
                        Flushed::Broken => return self.break_off(next, work),
                    };
                    match self.pause(next, stage, work) {
                        Paused::Waiting(next) => return next,
                        Paused::Expired(next) => next,
                    }
                }
            };
            step = self.step(phase, work);
        }
    }

    fn step<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        match phase {
            Phase::Head => self.read_head(work),
            Phase::Body(receiving) => self.receive(receiving, work),
            Phase::Finishing(receiving) => self.finish(receiving, work),
            Phase::Sending(content, then) => self.send(content, then, work),
            Phase::Skipping(skipping) => self.skip(skipping, work),
            Phase::Goodbye(goodbye) => self.say_goodbye(goodbye, work),
        }
    }

    /// Has the answers in the output recorded, so that they may be sent.
    fn settle<T>(&mut self, work: &mut Work<'_, '_, T>) {
        if std::mem::take(&mut self.unsettled) {
            self.shared.dialect.settle(work.turn.worker());
        }
    }
}
