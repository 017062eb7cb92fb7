//! A TLS stream as the transport of one turn.

use std::cell::RefCell;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::{pread, retry_on_intr};

use super::buffers::{TlsBuffers, Windows};
use super::stream::TlsStream;
use crate::server::{After, Transport};

/// A stream on its socket, with the buffers of the worker that has the turn.
pub struct Secured<'t, T> {
    socket: &'t T,
    inner: RefCell<ActiveStream<'t>>,
}

struct ActiveStream<'t> {
    stream: &'t mut TlsStream,
    windows: &'t mut Windows,
}

impl<'t, T: Transport> Secured<'t, T> {
    /// Lends stream and buffers to a turn, until this is dropped.
    pub fn new(socket: &'t T, stream: &'t mut TlsStream, buffers: &'t mut TlsBuffers) -> Self {
        let windows = buffers.lend(&mut stream.kept_records());
        Self {
            socket,
            inner: RefCell::new(ActiveStream { stream, windows }),
        }
    }

    /// Sends `close_notify`, as far as the peer accepts it.
    pub fn close(&self) {
        let ActiveStream { stream, windows } = &mut *self.inner.borrow_mut();
        stream.close(windows, self.socket);
    }

    /// Whether unsent records wait for the peer.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        !self.inner.borrow().windows.is_all_sent()
    }
}

impl<T> Drop for Secured<'_, T> {
    fn drop(&mut self) {
        let ActiveStream { stream, windows } = self.inner.get_mut();
        windows.give_back(&mut stream.kept_records());
    }
}

impl<T: Transport> Transport for Secured<'_, T> {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let ActiveStream { stream, windows } = &mut *self.inner.borrow_mut();
        stream.receive(windows, self.socket, buffer)
    }

    fn send(&self, bytes: &[u8], after: After) -> io::Result<usize> {
        let ActiveStream { stream, windows } = &mut *self.inner.borrow_mut();
        stream.send(windows, self.socket, bytes, after)
    }

    /// Through a buffer of the worker: only kTLS could avoid it, and few kernels support that.
    fn send_file(&self, file: BorrowedFd<'_>, offset: u64, count: usize) -> io::Result<usize> {
        let ActiveStream { stream, windows } = &mut *self.inner.borrow_mut();
        if stream.has_unsent() {
            return stream.send_on(windows, self.socket, After::Flush);
        }
        let mut buffer = std::mem::take(&mut windows.file);
        let room = buffer.len().min(count);
        let read = retry_on_intr(|| pread(file, &mut buffer[..room], offset));
        let sent = match read {
            Ok(0) => Ok(0),
            Ok(read) => stream.send(windows, self.socket, &buffer[..read], After::Flush),
            Err(error) => Err(error.into()),
        };
        windows.file = buffer;
        sent
    }

    fn end_sending(&self) -> io::Result<()> {
        self.close();
        self.socket.end_sending()
    }

    fn acknowledge(&self) {
        self.socket.acknowledge();
    }

    fn has_more(&self) -> bool {
        self.inner.borrow().stream.has_more()
    }

    fn is_truncated(&self) -> bool {
        self.inner.borrow().stream.is_truncated()
    }
}
