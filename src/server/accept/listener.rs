//! The listening socket: bound before anything else starts, with the largest backlog the kernel gives.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{self, SocketFlags, sockopt};

use crate::server::transport::Socket;

/// A bound, listening, non-blocking TCP socket.
#[derive(Debug)]
pub struct Listener(TcpListener);

/// What came of one accept4(2).
pub(crate) enum Accepted {
    /// A new connection, and its peer's address.
    Connection(Socket, SocketAddr),
    /// No connection waits.
    Nobody,
    /// The connection was gone before it was accepted, or the network failed it: try the next.
    Gone,
    /// There is no descriptor or memory for another connection.
    Exhausted(Errno),
}

impl Listener {
    /// Binds to the first of `addresses` that allows it, and listens.
    ///
    /// # Errors
    /// That of the last address, from socket(2), bind(2) or listen(2).
    pub fn bind(addresses: &[SocketAddr]) -> io::Result<Self> {
        let listener = TcpListener::bind(addresses)?;
        listener.set_nonblocking(true)?;
        // Accepted sockets inherit it, so that no response waits for an acknowledgement (tcp(7)).
        sockopt::set_tcp_nodelay(&listener, true)?;
        // And this: an acknowledgement goes with the response instead of in a segment of its own. See
        // `Transport::acknowledge` for those that must not wait.
        sockopt::set_tcp_quickack(&listener, false)?;
        // A second listen(2) only sets the backlog; the kernel lowers it to net.core.somaxconn.
        net::listen(&listener, i32::MAX)?;
        Ok(Self(listener))
    }

    /// The address it is bound to, with the real port.
    ///
    /// # Errors
    /// See getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Accepts one connection.
    pub(crate) fn accept(&self) -> Accepted {
        match net::acceptfrom_with(&self.0, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok((fd, peer)) => match peer.and_then(|peer| SocketAddr::try_from(peer).ok()) {
                Some(peer) => Accepted::Connection(Socket::new(fd), peer),
                // No TCP connection is without one.
                None => Accepted::Gone,
            },
            Err(Errno::AGAIN) => Accepted::Nobody,
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                // The kernel takes a descriptor before it looks whether a connection waits.
                if self.has_waiting() {
                    Accepted::Exhausted(error)
                } else {
                    Accepted::Nobody
                }
            }
            // accept(2) hands over what went wrong on the new socket: ECONNABORTED, EPROTO, ENETDOWN, …
            Err(error) => {
                log::debug!("a connection was gone before it was accepted: {error}");
                Accepted::Gone
            }
        }
    }

    /// Whether a connection waits to be accepted.
    pub(crate) fn has_waiting(&self) -> bool {
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let listener = &mut [PollFd::new(&self.0, PollFlags::IN)];
        poll(listener, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
