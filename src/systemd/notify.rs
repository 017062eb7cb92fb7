//! Notifies a service manager by datagrams to the socket in `NOTIFY_SOCKET`; see `sd_notify(3)`.
//!
//! The socket is connected at the start, so that it remains usable after the process is confined.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use super::variables::{Variable, value};

/// The socket of a service manager, if there is one.
pub(crate) struct Notifier {
    socket: Option<UnixDatagram>,
}

impl Notifier {
    /// Connects to the service manager of these variables. If it cannot be reached, the failure is logged, and no
    /// notifications are sent.
    pub(crate) fn connect(variables: &[Variable]) -> Self {
        let Some(address) = value(variables, "NOTIFY_SOCKET") else {
            return Self { socket: None };
        };
        let socket = connect(address);
        if let Err(error) = &socket {
            let address = address.to_string_lossy().escape_debug().to_string();
            log::warn!(
                "cannot tell the service manager at NOTIFY_SOCKET={address} that the server is ready: {error}"
            );
        }
        Self {
            socket: socket.ok(),
        }
    }

    /// Sends one message of assignments, each on a line. It never blocks: if the socket is full, the message is
    /// dropped.
    pub(crate) fn send(&self, message: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = socket.send(message.as_bytes())
        {
            log::debug!("cannot notify the service manager of {message:?}: {error}");
        }
    }
}

/// A path, or a name that is not in the file system and begins with `@`.
fn connect(address: &OsStr) -> io::Result<UnixDatagram> {
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(address)?,
        _ => {
            let why = "it is neither a path nor '@' and a name";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::super::variables::variables;
    use super::*;

    #[test]
    fn service_manager_is_told_at_a_path_and_at_an_abstract_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let name = format!("httpserver-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        for (manager, address) in [
            (
                UnixDatagram::bind(&path).unwrap(),
                path.to_str().unwrap().to_owned(),
            ),
            (
                UnixDatagram::bind_addr(&address).unwrap(),
                format!("@{name}"),
            ),
        ] {
            let notifier = Notifier::connect(&variables(&[("NOTIFY_SOCKET", &address)]));
            notifier.send("READY=1");
            let mut message = [0; 64];
            let length = manager.recv(&mut message).unwrap();
            assert_eq!(&message[..length], b"READY=1");
        }
    }

    #[test]
    fn full_socket_holds_nothing_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let _manager = UnixDatagram::bind(&path).unwrap();
        let set = variables(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
        let notifier = Notifier::connect(&set);
        for _ in 0..10_000 {
            notifier.send("WATCHDOG=1");
        }
    }

    #[test]
    fn without_a_service_manager_nothing_is_sent() {
        for address in ["", "relative", "vsock:2:1", "/nowhere/at/all"] {
            let notifier = Notifier::connect(&variables(&[("NOTIFY_SOCKET", address)]));
            assert!(notifier.socket.is_none(), "{address}");
            notifier.send("READY=1");
        }
    }
}
