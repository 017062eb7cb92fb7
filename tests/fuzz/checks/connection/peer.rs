//! A peer in memory: it sends its stream in pieces, receives in pieces, and behaves like a socket in
//! edge-triggered mode, so a connection that waits for bytes that have already arrived is found.

use httpserver::server::{Activity, After, Transport, WakeReason};
use rustix::io::pread;
use std::cell::{RefCell, RefMut};
use std::io;
use std::os::fd::BorrowedFd;

use super::drive::Scenario;

/// The end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the peer's end of stream.
    End,
    /// The peer sends no more bytes until its timeout expires.
    Silence,
    /// With a reset.
    Reset,
    /// At some point the peer receives no more responses, and then resets the connection.
    Deaf,
    /// With the peer's end of stream; the server begins to stop at some point.
    Stop,
    /// The server aborts the connection at some point.
    Abort,
}

impl Ending {
    /// The ending that a byte stands for: a letter, or by its value.
    pub(crate) fn of(byte: u8) -> Self {
        let all = [
            (b'e', Self::End),
            (b's', Self::Silence),
            (b'r', Self::Reset),
            (b'd', Self::Deaf),
            (b't', Self::Stop),
            (b'a', Self::Abort),
        ];
        let named = all.iter().find(|(letter, _)| *letter == byte);
        named.unwrap_or(&all[usize::from(byte) % all.len()]).1
    }

    /// Whether every response is sent to its end.
    pub(crate) fn is_orderly(self) -> bool {
        matches!(self, Self::End | Self::Silence | Self::Stop)
    }

    /// Whether the outcome is independent of the times of the events.
    pub(crate) fn is_repeatable(self) -> bool {
        matches!(self, Self::End | Self::Silence)
    }

    /// Whether the peer's side ends without its end of stream.
    fn breaks(self) -> bool {
        matches!(self, Self::Reset | Self::Deaf)
    }
}

/// The cost of a turn, measured by its peer.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// System calls on the socket.
    calls: usize,
    /// Bytes on the wire, in both directions.
    bytes: usize,
}

/// The most that a turn may cost: a budget for each of two steps, and one piece of work beyond it.
const MOST: Cost = Cost {
    calls: 100,
    bytes: 2 * (1024 + 256) * 1024,
};

/// Bytes that decide the next actions of a peer, in a cycle; without bytes it does everything at once.
pub(crate) struct Chances<'s> {
    bytes: &'s [u8],
    at: usize,
}

impl Chances<'_> {
    /// A number of bytes from 1 to 256 KiB: two to the power of the low half of a byte, and the high half in between.
    fn size(&mut self) -> usize {
        self.next().map_or(usize::MAX, |byte| {
            let base = 1 << (u32::from(byte & 0x0F) * 17 / 15);
            base + base * usize::from(byte >> 4) / 16
        })
    }

    /// Whether a rare event happens.
    fn seldom(&mut self) -> bool {
        self.next().is_some_and(|byte| byte % 8 == 7)
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at % self.bytes.len().max(1))?;
        self.at += 1;
        // A short line must not mean a short pattern.
        let round = u8::try_from(self.at / self.bytes.len() % 251).unwrap_or(0);
        Some(byte.wrapping_add(round.wrapping_mul(37)))
    }
}

/// See the module's description.
pub(super) struct Peer<'s> {
    inner: RefCell<Inner<'s>>,
    /// Called with the bytes sent to the peer.
    sent: &'s dyn Fn(&[u8]),
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact about a socket, and any may hold with any"
)]
struct Inner<'s> {
    chances: Chances<'s>,
    ending: Ending,
    stream: &'s [u8],
    /// Bytes of the stream that have arrived.
    arrived: usize,
    /// Bytes of it that were received.
    received: usize,
    /// Bytes of it that were received or looked at.
    seen: usize,
    /// Whether nothing more arrives until all of this is received.
    full: bool,
    /// Whether the peer's end of stream, or its reset, has arrived.
    ended: bool,
    /// Whether this end was received.
    end_received: bool,
    /// Whether the reactor gets events of arrivals, as it does from the first wait on.
    watched: bool,
    /// Whether bytes or an end arrived since the last wait ended.
    edge: bool,
    /// The bytes sent to the peer.
    taken: Vec<u8>,
    /// Bytes that the peer takes before the server must wait.
    room: usize,
    /// Bytes that the peer takes before it stops receiving.
    hears: usize,
    /// Whether there was no room for the last sent bytes.
    blocked: bool,
    /// Whether the server's side was ended.
    finished: bool,
    /// Whether all bytes of the peer are acknowledged.
    acknowledged: bool,
    /// The turn in progress.
    turn: Cost,
}

impl<'s> Peer<'s> {
    pub(super) fn new(scenario: &'s Scenario, sent: &'s dyn Fn(&[u8])) -> Self {
        let mut chances = Chances {
            bytes: &scenario.chances,
            at: 0,
        };
        let hears = match scenario.ending {
            Ending::Deaf => chances.size(),
            _ => usize::MAX,
        };
        let mut inner = Inner {
            room: chances.size(),
            hears,
            chances,
            ending: scenario.ending,
            stream: &scenario.stream,
            arrived: 0,
            received: 0,
            seen: 0,
            full: false,
            ended: false,
            end_received: false,
            watched: false,
            edge: false,
            taken: Vec::new(),
            blocked: false,
            finished: false,
            acknowledged: true,
            turn: Cost::default(),
        };
        inner.arrive();
        Self {
            inner: RefCell::new(inner),
            sent,
        }
    }

    /// All bytes sent to the peer, at the end.
    pub(super) fn into_taken(self) -> Vec<u8> {
        self.inner.into_inner().taken
    }

    /// The number of bytes sent to the peer so far.
    pub(super) fn taken(&self) -> usize {
        self.inner().taken.len()
    }

    /// Begins to count what one turn costs.
    pub(super) fn begin_turn(&self) {
        let mut inner = self.inner();
        inner.turn = Cost::default();
    }

    /// Checks that the turn was not too long.
    pub(super) fn check_turn(&self) {
        let turn = self.inner().turn;
        assert!(
            turn.calls <= MOST.calls && turn.bytes <= MOST.bytes,
            "a turn costs {turn:?}"
        );
    }

    /// Bytes in both directions so far, with those that were looked at.
    pub(super) fn moved(&self) -> usize {
        let inner = self.inner();
        inner.seen + inner.taken.len()
    }

    /// The reason for a turn now, unless the timeout has expired.
    pub(super) fn reason(&self) -> WakeReason {
        self.inner().reason()
    }

    /// Ends a wait for bytes to receive, before a request or in the middle of one.
    pub(super) fn wake_reader(&self, activity: Activity) -> WakeReason {
        let mut inner = self.inner();
        assert!(
            matches!(activity, Activity::Idle { .. }) || inner.acknowledged,
            "waits for what the peer may hold back"
        );
        let told_at_first = !std::mem::replace(&mut inner.watched, true)
            && (inner.received < inner.arrived || inner.ended);
        if std::mem::take(&mut inner.edge) || told_at_first {
            return inner.reason();
        }
        assert!(!inner.full, "leaves bytes in a full receive buffer");
        assert!(
            inner.seen == inner.arrived && !inner.ended,
            "waits for what has arrived"
        );
        if inner.arrive() {
            inner.edge = false;
            inner.reason()
        } else {
            WakeReason::TimedOut
        }
    }

    /// Ends a wait for room to send into.
    pub(super) fn wake_writer(&self) -> WakeReason {
        let mut inner = self.inner();
        assert!(inner.blocked, "waits for room that there is");
        inner.watched = true;
        inner.blocked = false;
        // Long responses are also taken in larger pieces.
        let more = inner.taken.len() / 64;
        inner.room = inner.chances.size().saturating_add(more);
        if inner.chances.seldom() {
            inner.arrive();
        }
        if inner.hears == 0 {
            if inner.chances.seldom() {
                return WakeReason::TimedOut;
            }
            inner.ended = true;
        }
        inner.edge = false;
        inner.reason()
    }

    fn inner(&self) -> RefMut<'_, Inner<'s>> {
        self.inner.borrow_mut()
    }
}

impl Inner<'_> {
    /// Lets another piece arrive, or the end; false if neither remains.
    fn arrive(&mut self) -> bool {
        let left = self.stream.len() - self.arrived;
        if self.full || self.ended || (left == 0 && self.ending == Ending::Silence) {
            return false;
        }
        // Long streams arrive in larger pieces, to limit the time.
        let more = self.arrived / 64;
        let size = self.chances.size().saturating_add(more).min(left);
        self.arrived += size;
        self.edge = true;
        let end_is_late = size > 0 && self.chances.seldom();
        self.ended = size == left && !end_is_late && self.ending != Ending::Silence;
        true
    }

    fn reason(&self) -> WakeReason {
        if self.ended {
            WakeReason::HungUp
        } else {
            WakeReason::Ready
        }
    }

    fn is_reset(&self) -> bool {
        self.ended && self.ending.breaks()
    }

    /// The number of bytes that the peer takes, of `count`.
    fn take(&mut self, count: usize) -> io::Result<usize> {
        self.turn.calls += 1;
        assert!(count > 0, "sends nothing");
        assert!(!self.finished, "sends after its end of stream");
        if self.is_reset() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = count.min(self.room).min(self.hears);
        self.blocked = count == 0;
        if self.blocked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.acknowledged = true;
        self.turn.bytes += count;
        self.room = self.room.saturating_sub(count);
        self.hears = self.hears.saturating_sub(count);
        Ok(count)
    }
}

impl Transport for Peer<'_> {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.inner();
        assert!(!buffer.is_empty(), "receives into nothing");
        inner.turn.calls += 1;
        assert!(!inner.end_received, "receives after the end");
        let there = &inner.stream[inner.received..inner.arrived];
        if there.is_empty() {
            if !inner.ended {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            inner.end_received = true;
            return if inner.ending.breaks() {
                Err(io::ErrorKind::ConnectionReset.into())
            } else {
                Ok(0)
            };
        }
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        inner.received += count;
        inner.seen = inner.seen.max(inner.received);
        inner.full &= inner.received < inner.arrived;
        inner.acknowledged = false;
        inner.turn.bytes += count;
        // Sometimes more bytes arrive while the connection has its turn.
        if inner.chances.seldom() {
            inner.arrive();
        }
        Ok(count)
    }

    fn peek(&self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        let mut inner = self.inner();
        assert!(!buffer.is_empty(), "looks at nothing");
        assert!(!inner.end_received, "receives after the end");
        inner.turn.calls += 1;
        if inner.received < inner.arrived && inner.chances.seldom() {
            inner.full = true;
        }
        if inner.full {
            return None;
        }
        let there = &inner.stream[inner.received..inner.arrived];
        if there.is_empty() {
            return Some(if !inner.ended {
                Err(io::ErrorKind::WouldBlock.into())
            } else if inner.ending.breaks() {
                Err(io::ErrorKind::ConnectionReset.into())
            } else {
                Ok(0)
            });
        }
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        let end = inner.received + count;
        if end > inner.seen {
            inner.seen = end;
            inner.acknowledged = false;
        }
        inner.turn.bytes += count;
        if inner.chances.seldom() {
            inner.arrive();
        }
        Some(Ok(count))
    }

    fn send(&self, bytes: &[u8], _: After) -> io::Result<usize> {
        let mut inner = self.inner();
        let count = inner.take(bytes.len())?;
        inner.taken.extend_from_slice(&bytes[..count]);
        (self.sent)(&inner.taken);
        Ok(count)
    }

    fn send_file(&self, file: BorrowedFd<'_>, offset: u64, count: usize) -> io::Result<usize> {
        let mut inner = self.inner();
        let count = inner.take(count.min(64 * 1024))?;
        let start = inner.taken.len();
        inner.taken.resize(start + count, 0);
        let read = pread(file, &mut inner.taken[start..], offset)?;
        inner.taken.truncate(start + read);
        Ok(read)
    }

    fn end_sending(&self) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.is_reset() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        assert!(!inner.finished, "ends its side twice");
        inner.finished = true;
        inner.acknowledged = true;
        Ok(())
    }

    fn acknowledge(&self) {
        self.inner().acknowledged = true;
    }
}
