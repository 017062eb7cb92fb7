//! A socket: a number, for which the model's kernel keeps the bytes from its peer.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use httpserver::server::{After, Transport};

use super::epoll;

pub(crate) struct Socket(RawFd);

impl Socket {
    pub(crate) fn new(number: RawFd) -> Self {
        Self(number)
    }

    pub(crate) fn number(&self) -> RawFd {
        self.0
    }

    pub(crate) fn has_input(&self) -> bool {
        epoll::has_input(self.0)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        epoll::forget(self.0);
    }
}

impl Transport for Socket {
    /// Receives all available bytes.
    fn receive(&self, _: &mut [u8]) -> io::Result<usize> {
        match epoll::receive(self.0) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            received => Ok(received),
        }
    }

    fn send(&self, bytes: &[u8], _: After) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn send_file(&self, _: BorrowedFd<'_>, _: u64, count: usize) -> io::Result<usize> {
        Ok(count)
    }

    fn end_sending(&self) -> io::Result<()> {
        Ok(())
    }

    fn acknowledge(&self) {}
}
