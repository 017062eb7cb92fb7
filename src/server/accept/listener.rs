//! Listening sockets: bound before anything else starts, with the largest backlog the kernel gives.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::Mode;
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{self, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use super::socket_file::SocketFile;
use crate::peer::Peer;
use crate::server::transport::Socket;

/// A bound, listening, non-blocking socket: of TCP, or of the Unix domain.
#[derive(Debug)]
pub struct Listener {
    /// The file of a socket that this listener has bound itself. It is dropped first, while no other file can have its
    /// inode number.
    file: Option<SocketFile>,
    fd: OwnedFd,
    local: LocalAddress,
}

/// The address that clients connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalAddress {
    /// An address and a port.
    Internet(SocketAddr),
    /// A path, or a name that is not in the file system.
    Unix(PathBuf),
}

/// The result of one accept4(2).
pub(crate) enum AcceptOutcome {
    /// A new connection, and its peer.
    Connection(Socket, Peer),
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
    /// The error of the last address, from socket(2), bind(2) or listen(2).
    pub fn bind(addresses: &[SocketAddr]) -> io::Result<Self> {
        let listener = Self::from_fd(TcpListener::bind(addresses)?.into())?;
        // A second listen(2) only sets the backlog; the kernel lowers it to net.core.somaxconn.
        net::listen(&listener.fd, i32::MAX)?;
        Ok(listener)
    }

    /// Binds to a path, and listens there. An abandoned socket is replaced. The socket has these permission bits, or
    /// those that the umask leaves. It is removed when this is dropped, if it is still the same.
    ///
    /// # Errors
    /// From socket(2), bind(2) and listen(2): `AddrInUse` if a program listens there, `AlreadyExists` if the file is
    /// not a socket.
    pub fn bind_unix(path: &Path, mode: Option<u16>) -> io::Result<Self> {
        let mode = mode.map(|bits| Mode::from_raw_mode(bits.into()));
        let (fd, file) = SocketFile::bind(path, mode)?;
        Ok(Self {
            fd,
            local: LocalAddress::Unix(path.to_path_buf()),
            file: Some(file),
        })
    }

    /// Takes a listening socket that another program has bound.
    ///
    /// # Errors
    /// `InvalidInput` if it is not a stream socket of TCP or of the Unix domain, or does not listen. From getsockopt(2)
    /// and getsockname(2).
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
        if sockopt::socket_type(&fd)? != SocketType::STREAM {
            return Err(invalid("it is not a stream socket"));
        }
        if !sockopt::socket_acceptconn(&fd)? {
            return Err(invalid("the socket does not listen"));
        }
        let local = net::getsockname(&fd)?;
        let local = if let Ok(address) = SocketAddr::try_from(local.clone()) {
            LocalAddress::Internet(address)
        } else if let Ok(address) = SocketAddrUnix::try_from(local) {
            LocalAddress::Unix(path_of(&address))
        } else {
            return Err(invalid(
                "the socket is neither of TCP nor of the Unix domain",
            ));
        };
        ioctl_fionbio(&fd, true)?;
        if let LocalAddress::Internet(_) = local {
            // Accepted sockets inherit it, so that no response waits for an acknowledgement (tcp(7)).
            sockopt::set_tcp_nodelay(&fd, true)?;
            // Also inherited: acknowledgements are sent with the response instead of in segments of their own. See
            // `Transport::acknowledge` for those that must not wait.
            sockopt::set_tcp_quickack(&fd, false)?;
            // Also inherited: urgent data is part of the stream (RFC 6093 §5), so no byte is lost.
            sockopt::set_socket_oobinline(&fd, true)?;
        }
        Ok(Self {
            fd,
            local,
            file: None,
        })
    }

    /// The address that clients connect to, with the actual port.
    #[must_use]
    pub fn local(&self) -> &LocalAddress {
        &self.local
    }

    /// Gives the file of a socket that was bound by path to this user and group, by their numbers. Other listeners are
    /// not changed.
    ///
    /// # Errors
    /// From open(2) and fchownat(2). `NotFound` if another file has its path.
    pub fn hand_over(&self, (user, group): (u32, u32)) -> io::Result<()> {
        match &self.file {
            Some(file) => file.hand_over(user, group),
            None => Ok(()),
        }
    }

    /// Accepts one connection.
    pub(crate) fn accept(&self) -> AcceptOutcome {
        match net::acceptfrom_with(&self.fd, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok((fd, address)) => match self.peer(address) {
                Some(peer) => AcceptOutcome::Connection(Socket::new(fd), peer),
                None => AcceptOutcome::Gone,
            },
            Err(Errno::AGAIN) => AcceptOutcome::Nobody,
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => {
                // The kernel allocates a descriptor before it checks for a waiting connection.
                if self.has_waiting() {
                    AcceptOutcome::Exhausted(error)
                } else {
                    AcceptOutcome::Nobody
                }
            }
            // accept(2) returns pending errors of the new socket: ECONNABORTED, EPROTO, ENETDOWN, …
            Err(error) => {
                log::debug!("a connection was gone before it was accepted: {error}");
                AcceptOutcome::Gone
            }
        }
    }

    fn peer(&self, address: Option<SocketAddrAny>) -> Option<Peer> {
        match self.local {
            // Every TCP connection has an address.
            LocalAddress::Internet(_) => SocketAddr::try_from(address?).ok().map(Peer::from),
            LocalAddress::Unix(_) => Some(Peer::Unix),
        }
    }

    /// Whether a connection waits to be accepted.
    pub(crate) fn has_waiting(&self) -> bool {
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let listener = &mut [PollFd::new(&self.fd, PollFlags::IN)];
        poll(listener, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }
}

/// The path that a socket is bound to; one that is not in the file system begins with `@`.
fn path_of(address: &SocketAddrUnix) -> PathBuf {
    if let Some(path) = address.path_bytes() {
        return Path::new(std::ffi::OsStr::from_bytes(path)).to_path_buf();
    }
    let name = address.abstract_name().unwrap_or_default();
    PathBuf::from(format!("@{}", name.escape_ascii()))
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Display for LocalAddress {
    /// `127.0.0.1:8080` or `unix:/run/httpserver.sock`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream, UdpSocket};
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn listening_sockets_are_taken_as_they_are() {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = tcp.local_addr().unwrap();
        let taken = Listener::from_fd(tcp.into()).unwrap();
        assert_eq!(*taken.local(), LocalAddress::Internet(address));
        assert!(matches!(taken.accept(), AcceptOutcome::Nobody));
        let client = TcpStream::connect(address).unwrap();
        assert!(taken.has_waiting());
        let peer = Peer::Internet(client.local_addr().unwrap());
        assert!(matches!(taken.accept(), AcceptOutcome::Connection(_, found) if found == peer));

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let taken = Listener::from_fd(UnixListener::bind(&path).unwrap().into()).unwrap();
        assert_eq!(
            taken.local().to_string(),
            format!("unix:{}", path.display())
        );
        let _client = UnixStream::connect(&path).unwrap();
        assert!(matches!(
            taken.accept(),
            AcceptOutcome::Connection(_, Peer::Unix)
        ));
        drop(taken);
        assert!(
            path.exists(),
            "only the process that has bound it removes it"
        );
    }

    #[test]
    fn other_descriptors_are_not_taken() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let datagram = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let file = std::fs::File::open("/").unwrap();
        for (fd, why) in [
            (OwnedFd::from(connected), "the socket does not listen"),
            (datagram.into(), "it is not a stream socket"),
            (file.into(), "Socket operation on non-socket"),
        ] {
            let error = Listener::from_fd(fd).unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
