//! Content of answers that is sent bit by bit: files, and what is long.

use std::os::fd::AsFd;

use super::dialect::{Dialect, FileRange, ResponseContent};
use super::phases::{Flushed, Phase, Step, Then, Work};
use super::session::HttpSession;
use super::timeouts::{Progress, TimeoutKind};
use crate::server::{After, Transport};

/// Bytes of output that are sent before a long answer adds more to it, so that a blocked one keeps about as many.
const ENOUGH: usize = 64 * 1024;

/// What came of sending a part of an answer.
enum Sent {
    /// It is sent, or in the output.
    All,
    /// This is left.
    Part(ResponseContent, SendPause),
    /// The connection is broken.
    Broken,
}

/// Why a part was not sent to its end.
enum SendPause {
    /// The peer takes no more for now.
    Blocked,
    /// The turn's share is used up.
    OutOfBudget,
}

impl<D: Dialect> HttpSession<D> {
    /// Sends an answer's content, after what is in the output.
    pub(super) fn send<T: Transport>(
        &mut self,
        content: ResponseContent,
        then: Then,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        match self.send_part(content, work) {
            Sent::All => Step::Go(self.after_response(then, work)),
            Sent::Part(rest, SendPause::Blocked) => {
                Step::Wait(Phase::Sending(rest, then), TimeoutKind::Write)
            }
            Sent::Part(rest, SendPause::OutOfBudget) => Step::Yield(Phase::Sending(rest, then)),
            Sent::Broken => Step::Close,
        }
    }

    fn send_part<T: Transport>(
        &mut self,
        part: ResponseContent,
        work: &mut Work<'_, '_, T>,
    ) -> Sent {
        match part {
            ResponseContent::Empty | ResponseContent::Unstated | ResponseContent::Omitted(_) => {
                Sent::All
            }
            ResponseContent::Memory(bytes) => self.send_memory(&bytes, work),
            ResponseContent::TrackedBytes(tracked) => self.send_memory(tracked.bytes(), work),
            ResponseContent::File(range) => self.send_file(range, work),
            ResponseContent::Sequence(mut parts) => {
                while let Some(part) = parts.pop_front() {
                    match self.send_part(part, work) {
                        Sent::All => {}
                        Sent::Part(rest, paused) => {
                            parts.push_front(rest);
                            return Sent::Part(ResponseContent::Sequence(parts), paused);
                        }
                        Sent::Broken => return Sent::Broken,
                    }
                }
                Sent::All
            }
        }
    }

    fn send_memory<T: Transport>(&mut self, bytes: &[u8], work: &mut Work<'_, '_, T>) -> Sent {
        let output = &mut work.buffers.output;
        output.extend_from_slice(bytes);
        if output.len() < ENOUGH {
            return Sent::All;
        }
        let length = output.len() as u64;
        work.budget.bytes = work.budget.bytes.saturating_sub(length);
        match self.flush(work, After::Flush) {
            Flushed::All if work.budget.bytes > 0 => Sent::All,
            Flushed::All => Sent::Part(ResponseContent::Empty, SendPause::OutOfBudget),
            Flushed::Blocked => Sent::Part(ResponseContent::Empty, SendPause::Blocked),
            Flushed::Broken => Sent::Broken,
        }
    }

    fn send_file<T: Transport>(
        &mut self,
        mut range: FileRange,
        work: &mut Work<'_, '_, T>,
    ) -> Sent {
        if work.budget.bytes == 0 {
            return Sent::Part(ResponseContent::File(range), SendPause::OutOfBudget);
        }
        work.turn.enter_blocking_section();
        match self.flush(work, After::More) {
            Flushed::All => {}
            Flushed::Blocked => {
                return Sent::Part(ResponseContent::File(range), SendPause::Blocked);
            }
            Flushed::Broken => return Sent::Broken,
        }
        while range.length > 0 {
            if work.budget.bytes == 0 {
                return Sent::Part(ResponseContent::File(range), SendPause::OutOfBudget);
            }
            let count = usize::try_from(range.length.min(work.budget.bytes)).unwrap_or(usize::MAX);
            match work
                .transport
                .send_file(range.file.as_fd(), range.offset, count)
            {
                Ok(0) => {
                    // The file has become shorter than its Content-Length: only a close says so.
                    log::warn!("a file became shorter while it was sent; its connection is closed");
                    return Sent::Broken;
                }
                Ok(sent) => {
                    let sent = sent as u64;
                    range.offset += sent;
                    range.length -= sent;
                    work.budget.bytes = work.budget.bytes.saturating_sub(sent);
                    self.progress = Progress::Some;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Sent::Part(ResponseContent::File(range), SendPause::Blocked);
                }
                Err(error) => {
                    log::debug!("cannot send a file: {error}");
                    return Sent::Broken;
                }
            }
        }
        Sent::All
    }
}
