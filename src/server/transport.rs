//! The byte stream under a session: a non-blocking socket in the server, a stream of TLS on one, something in memory in
//! a test.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::io::{Errno, ioctl_fionread, retry_on_intr};
use rustix::net::{self, RecvFlags, SendFlags};

use super::receive_space::has_receive_space;

/// A byte stream that never blocks: where it would, the error is of kind [`io::ErrorKind::WouldBlock`].
pub trait Transport {
    /// Receives into `buffer`; 0 is the peer's end of stream. See recv(2).
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Copies received bytes into `buffer`, and leaves them in the stream: the next call starts at the same byte. The
    /// end of stream is 0. `None` if the peer might not be able to send more while they are there: then they must be
    /// received.
    fn peek(&self, _buffer: &mut [u8]) -> Option<io::Result<usize>> {
        None
    }

    /// Sends as much as there is room for, and returns the number of bytes. See send(2).
    fn send(&self, bytes: &[u8], after: After) -> io::Result<usize>;

    /// Sends up to `count` bytes of `file` from `offset`; 0 means that the file ends there. See sendfile(2).
    fn send_file(&self, file: BorrowedFd<'_>, offset: u64, count: usize) -> io::Result<usize>;

    /// Sends the end of stream; receiving stays possible. See shutdown(2).
    fn end_sending(&self) -> io::Result<()>;

    /// Acknowledges the received bytes now. Otherwise an acknowledgement goes with the next sent bytes, or after 40 ms;
    /// and a peer may hold more bytes back until it has the acknowledgement (Nagle's algorithm, RFC 9293 §3.7.4). See
    /// `TCP_QUICKACK` in tcp(7).
    fn acknowledge(&self);

    /// Whether there is more to receive, or the end of stream, although the last receive was shorter than its buffer
    /// and the socket need not become ready again.
    fn has_more(&self) -> bool {
        false
    }

    /// Whether the received end of stream may have come before the peer has sent all: the stream has an end of
    /// its own (RFC 8446 §6.1), and this end is missing.
    fn is_truncated(&self) -> bool {
        false
    }
}

/// The data that follows the bytes of one [`Transport::send`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing for now: send them immediately.
    Flush,
    /// More follows immediately: the last segment may wait for it (`MSG_MORE`).
    More,
}

/// A connected, non-blocking TCP socket.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// Takes a connected, non-blocking socket.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// The number of its descriptor, which no other open socket has.
    pub(crate) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Whether bytes of the peer are in the socket that were not received yet.
    pub(crate) fn has_input(&self) -> bool {
        ioctl_fionread(&self.0).is_ok_and(|bytes| bytes > 0)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Transport for Socket {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match net::recv(&self.0, &mut *buffer, RecvFlags::empty()) {
                Ok((received, _)) => return Ok(received),
                Err(Errno::INTR) => {}
                // Before an urgent byte Linux also reports this while a signal is about to reach the thread, and
                // nothing would report that byte again.
                Err(Errno::WOULDBLOCK) if self.has_input() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// With `MSG_PEEK`, see recv(2).
    fn peek(&self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        if !has_receive_space(&self.0) {
            return None;
        }
        let received = retry_on_intr(|| net::recv(&self.0, &mut *buffer, RecvFlags::PEEK));
        Some(match received {
            Ok((received, _)) => Ok(received),
            Err(error) => Err(error.into()),
        })
    }

    fn send(&self, bytes: &[u8], after: After) -> io::Result<usize> {
        let flags = match after {
            After::Flush => SendFlags::NOSIGNAL,
            After::More => SendFlags::NOSIGNAL | SendFlags::MORE,
        };
        Ok(retry_on_intr(|| net::send(&self.0, bytes, flags))?)
    }

    fn send_file(&self, file: BorrowedFd<'_>, offset: u64, count: usize) -> io::Result<usize> {
        let mut from = offset;
        Ok(retry_on_intr(|| {
            rustix::fs::sendfile(&self.0, file, Some(&mut from), count)
        })?)
    }

    fn end_sending(&self) -> io::Result<()> {
        Ok(net::shutdown(&self.0, net::Shutdown::Write)?)
    }

    fn acknowledge(&self) {
        // It fails only for a connection that is broken, which shows in the next call anyway.
        let _ = net::sockopt::set_tcp_quickack(&self.0, true);
    }
}
