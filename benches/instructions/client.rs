//! A client in memory, and the turns of its connection.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use httpserver::connection::{Dialect, HttpService, Timeouts};
use httpserver::server::{
    After, Next, Service, Session, StepClock, Stopping, Transport, Turn, WakeReason,
};

/// Timeouts that never end.
pub(crate) const TIMEOUTS: Timeouts = Timeouts::all(Duration::from_secs(24 * 60 * 60));

/// The bytes that a client has sent and the server has not received, and the number of bytes that it has received.
#[derive(Default)]
struct Client {
    sent: RefCell<Vec<u8>>,
    received: Cell<usize>,
}

impl Transport for Client {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut sent = self.sent.borrow_mut();
        if sent.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = sent.len().min(buffer.len());
        buffer[..count].copy_from_slice(&sent[..count]);
        sent.drain(..count);
        Ok(count)
    }

    fn send(&self, bytes: &[u8], _: After) -> io::Result<usize> {
        self.received.set(self.received.get() + bytes.len());
        Ok(bytes.len())
    }

    fn send_file(&self, _: BorrowedFd<'_>, _: u64, _: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn end_sending(&self) -> io::Result<()> {
        Ok(())
    }

    fn acknowledge(&self) {}
}

/// Sends `request` so many times on one connection, each after the response to the one before, which has at least
/// `least` bytes.
pub(crate) fn exchange<D: Dialect>(
    service: &HttpService<D>,
    request: &[u8],
    least: usize,
    rounds: u64,
) {
    let client = Client::default();
    let mut session = service.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)).into(), 0);
    let mut buffers = service.buffers();
    for _ in 0..rounds {
        client.received.set(0);
        client.sent.borrow_mut().extend_from_slice(request);
        loop {
            let clock = StepClock::default();
            let (reason, stopping) = (WakeReason::Ready, Stopping::No);
            let turn = if session.may_block() {
                Turn::new_blocking(reason, stopping, 0, &clock)
            } else {
                Turn::new(reason, stopping, 0, &clock)
            };
            session.process(&client, &mut buffers, &turn);
            service.commit(0);
            match session.flush(&client, &mut buffers, &turn) {
                Next::Yield => {}
                Next::Wait(..) => break,
                Next::Close => panic!("the connection is closed"),
            }
        }
        assert!(client.received.get() >= least, "the response is too short");
    }
}
