//! Sockets that a service manager has bound, and passes on as descriptors from 3; see `sd_listen_fds(3)`.

use std::io;
use std::os::fd::OwnedFd;

use listenfd::ListenFd;
use thiserror::Error;

use super::variables::{Variable, is_for_this_process, number, value};
use httpserver::server::Listener;

/// The name of a socket without a name.
const NAMELESS: &str = "unknown";

/// A limit above the number of sockets of any unit.
const MOST: u64 = 1024;

/// The variables about sockets, or the sockets, are wrong.
#[derive(Debug, Error)]
pub(crate) enum ActivationError {
    #[error("'{0}' is not a value for LISTEN_FDS: it must be a number up to {MOST}")]
    Count(String),
    #[error(
        "LISTEN_FDS says {sockets} and LISTEN_FDNAMES has {names} names: there must be one for each socket"
    )]
    Names { sockets: usize, names: usize },
    #[error("cannot listen on '{name}', descriptor {number} of LISTEN_FDS: {source}")]
    Socket {
        name: String,
        number: usize,
        source: io::Error,
    },
}

/// The names of the sockets that are passed to this process, in their order; several may have the same.
pub(crate) fn names_of_sockets(variables: &[Variable]) -> Result<Vec<String>, ActivationError> {
    let Some(count) = value(variables, "LISTEN_FDS") else {
        return Ok(Vec::new());
    };
    if !is_for_this_process(variables, "LISTEN_PID") {
        return Ok(Vec::new());
    }
    let Some(sockets) = number(count).filter(|count| *count <= MOST) else {
        let count = count.to_string_lossy().escape_debug().to_string();
        return Err(ActivationError::Count(count));
    };
    let sockets = usize::try_from(sockets).unwrap_or_default(); // it fits
    let Some(names) = value(variables, "LISTEN_FDNAMES") else {
        return Ok(vec![NAMELESS.to_owned(); sockets]);
    };
    let names = names.to_string_lossy();
    let names: Vec<_> = names.split(':').map(str::to_owned).collect();
    if names.len() == sockets {
        Ok(names)
    } else {
        let names = names.len();
        Err(ActivationError::Names { sockets, names })
    }
}

/// The sockets that are passed to this process.
pub(crate) struct PassedSockets {
    names: Vec<String>,
    descriptors: ListenFd,
}

impl PassedSockets {
    /// The sockets with these names. Call it once, since it removes the variables that it reads.
    pub(crate) fn new(names: Vec<String>) -> Self {
        let descriptors = if names.is_empty() {
            ListenFd::empty()
        } else {
            ListenFd::from_env()
        };
        Self { names, descriptors }
    }

    /// Takes the socket with this index, once.
    pub(crate) fn take(&mut self, index: usize) -> Result<Listener, ActivationError> {
        let listener = self.listener(index);
        listener.map_err(|source| ActivationError::Socket {
            name: self.names.get(index).cloned().unwrap_or_default(),
            number: index,
            source,
        })
    }

    fn listener(&mut self, index: usize) -> io::Result<Listener> {
        let of_internet = self.descriptors.take_tcp_listener(index);
        let fd = match of_internet.map(|taken| taken.map(OwnedFd::from)) {
            Ok(taken) => taken,
            Err(_) => self
                .descriptors
                .take_unix_listener(index)
                .map_err(|_| {
                    let why = "it is not a stream socket of TCP or of the Unix domain";
                    io::Error::new(io::ErrorKind::InvalidInput, why)
                })?
                .map(OwnedFd::from),
        };
        Listener::from_fd(fd.ok_or(io::ErrorKind::NotFound)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::variables::variables;
    use super::*;

    #[test]
    fn sockets_are_for_the_process_that_is_named() {
        let own = std::process::id().to_string();
        for (pid, fds, names, expected) in [
            (&*own, "2", "web:admin", &["web", "admin"][..]),
            (&own, "2", "web:web", &["web", "web"]),
            (&own, "1", "", &["unknown"]),
            (&own, "0", "", &[]),
            (&own, "", "a:b", &[]),
            ("1", "2", "web:admin", &[]),
            ("", "2", "web:admin", &[]),
        ] {
            let set = variables(&[
                ("LISTEN_PID", pid),
                ("LISTEN_FDS", fds),
                ("LISTEN_FDNAMES", names),
            ]);
            let found = names_of_sockets(&set).unwrap();
            assert_eq!(found, expected, "{pid} {fds} {names}");
        }
        for (fds, names, message) in [
            (
                "1000000000",
                "",
                "'1000000000' is not a value for LISTEN_FDS: it must be a number up to 1024",
            ),
            (
                "-1",
                "",
                "'-1' is not a value for LISTEN_FDS: it must be a number up to 1024",
            ),
            (
                "1",
                "a:b",
                "LISTEN_FDS says 1 and LISTEN_FDNAMES has 2 names: there must be one for each socket",
            ),
        ] {
            let set = variables(&[
                ("LISTEN_PID", &own),
                ("LISTEN_FDS", fds),
                ("LISTEN_FDNAMES", names),
            ]);
            let error = names_of_sockets(&set).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
