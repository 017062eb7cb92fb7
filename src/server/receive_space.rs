//! Whether a TCP socket has space for bytes that its peer may still send, while received bytes stay in it.

use std::os::fd::AsFd;

use nix::sys::socket::getsockopt;
use nix::{getsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// The memory of a socket, see `SO_MEMINFO` in socket(7).
    MemoryInfo,
    GetOnly,
    libc::SOL_SOCKET,
    libc::SO_MEMINFO,
    [u32; 9]
);

/// Places in [`MemoryInfo`].
const RECEIVED: usize = 0;
const RECEIVE_BUFFER: usize = 1;
const BACKLOG: usize = 7;

/// The part of the receive buffer, as a divisor, that is a margin for what the kernel rounds.
const MARGIN: u32 = 16;

/// Whether more than half of the receive buffer of this socket is free.
///
/// With less, Linux may close the window (`__tcp_select_window` in `net/ipv4/tcp_output.c`: if less than the largest
/// segment of the peer is free, 64 KiB on one machine), and the peer sends nothing until something is received. The
/// buffer counts memory, not bytes: a segment whose last byte is in it counts as a whole, and a segment of one byte as
/// several hundred bytes.
///
/// The answer holds until more arrives, which makes the socket ready again.
pub(super) fn has_receive_space(socket: &impl AsFd) -> bool {
    getsockopt(&socket.as_fd(), MemoryInfo).is_ok_and(|memory| {
        let used = memory[RECEIVED].saturating_add(memory[BACKLOG]);
        let size = memory[RECEIVE_BUFFER];
        used.saturating_add(size / MARGIN) <= size / 2
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::server::{Socket, Transport};

    /// Two ends of a connection; the second does not block.
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (receiver, _) = listener.accept().unwrap();
        (sender, receiver)
    }

    #[test]
    fn few_received_bytes_leave_space() {
        let (mut sender, receiver) = pair();
        assert!(has_receive_space(&receiver));
        sender.write_all(&[b'x'; 16_384]).unwrap();
        receiver.peek(&mut [0; 1]).unwrap();
        assert!(has_receive_space(&receiver));
    }

    #[test]
    fn full_receive_buffer_has_space_when_all_is_received() {
        let (mut sender, mut receiver) = pair();
        sender.set_nonblocking(true).unwrap();
        let many = vec![b'x'; 65_536];
        let mut sent = 0;
        while let Ok(count) = sender.write(&many) {
            sent += count;
        }
        // The last bytes of a large segment are in the socket.
        let mut all = vec![0; sent];
        receiver.read_exact(&mut all[..1]).unwrap();
        assert!(!has_receive_space(&receiver));
        receiver.set_nonblocking(true).unwrap();
        let socket = Socket::new(receiver.try_clone().unwrap().into());
        assert!(socket.peek(&mut all).is_none());
        receiver.set_nonblocking(false).unwrap();
        receiver.read_exact(&mut all[1..]).unwrap();
        assert!(has_receive_space(&receiver));
    }

    #[test]
    fn other_files_have_no_space() {
        assert!(!has_receive_space(&tempfile::tempfile().unwrap()));
    }
}
