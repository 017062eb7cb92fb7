//! Content of answers that is sent bit by bit: files, and what is long.

use std::os::fd::AsFd;

use super::dialect::{Content, Dialect, FileRange};
use super::phases::{Flushed, Phase, Step, Then, Work};
use super::session::Connection;
use super::timeouts::{Progress, Stage};
use crate::server::{After, Transport};

/// Bytes of output that are sent before a long answer adds more to it, so that a blocked one keeps about as many.
const ENOUGH: usize = 64 * 1024;

/// What came of sending a part of an answer.
enum Sent {
    /// It is sent, or in the output.
    All,
    /// This is left.
    Part(Content, Paused),
    /// The connection is broken.
    Broken,
}

/// Why a part was not sent to its end.
enum Paused {
    /// The peer takes no more for now.
    Blocked,
    /// The turn's share is used up.
    Shared,
}

impl<D: Dialect> Connection<D> {
    /// Sends an answer's content, after what is in the output.
    pub(super) fn send<T: Transport>(
        &mut self,
        content: Content,
        then: Then,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        match self.send_part(content, work) {
            Sent::All => Step::Go(self.after_answer(then, work)),
            Sent::Part(rest, Paused::Blocked) => {
                Step::Wait(Phase::Sending(rest, then), Stage::Write)
            }
            Sent::Part(rest, Paused::Shared) => Step::Yield(Phase::Sending(rest, then)),
            Sent::Broken => Step::Close,
        }
    }

    fn send_part<T: Transport>(&mut self, part: Content, work: &mut Work<'_, '_, T>) -> Sent {
        match part {
            Content::Empty | Content::Unstated | Content::Omitted(_) => Sent::All,
            Content::Memory(bytes) => self.send_memory(&bytes, work),
            Content::Held(held) => self.send_memory(held.bytes(), work),
            Content::File(range) => self.send_file(range, work),
            Content::Sequence(mut parts) => {
                while let Some(part) = parts.pop_front() {
                    match self.send_part(part, work) {
                        Sent::All => {}
                        Sent::Part(rest, paused) => {
                            parts.push_front(rest);
                            return Sent::Part(Content::Sequence(parts), paused);
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
        work.share.bytes = work.share.bytes.saturating_sub(length);
        match self.flush(work, After::Flush) {
            Flushed::All if work.share.bytes > 0 => Sent::All,
            Flushed::All => Sent::Part(Content::Empty, Paused::Shared),
            Flushed::Blocked => Sent::Part(Content::Empty, Paused::Blocked),
            Flushed::Broken => Sent::Broken,
        }
    }

    fn send_file<T: Transport>(
        &mut self,
        mut range: FileRange,
        work: &mut Work<'_, '_, T>,
    ) -> Sent {
        if work.share.bytes == 0 {
            return Sent::Part(Content::File(range), Paused::Shared);
        }
        work.turn.enter_blocking_section();
        match self.flush(work, After::More) {
            Flushed::All => {}
            Flushed::Blocked => return Sent::Part(Content::File(range), Paused::Blocked),
            Flushed::Broken => return Sent::Broken,
        }
        while range.length > 0 {
            if work.share.bytes == 0 {
                return Sent::Part(Content::File(range), Paused::Shared);
            }
            let count = usize::try_from(range.length.min(work.share.bytes)).unwrap_or(usize::MAX);
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
                    work.share.bytes = work.share.bytes.saturating_sub(sent);
                    self.progress = Progress::Some;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Sent::Part(Content::File(range), Paused::Blocked);
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
