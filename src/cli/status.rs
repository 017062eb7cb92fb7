//! The option of the status.

use clap::Args;
use thiserror::Error;

use httpserver::connection::ProxyProtocol;

use super::address::ListenerSecurity;
use super::group::Group;
use super::listener::{self, ListenerPlace, ListenerProtocol, ListenerSpec, ListenerSyntaxError};

pub(super) const GROUP: Group = Group {
    heading: "Status",
    sentence: "the state of the server, for people, health checks and Prometheus.",
    example: "httpserver --web --status 127.0.0.1:9100",
    does: "also responds to /healthz, /metrics and /status on port 9100",
    defaults: &[],
    needs: &[],
};

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct StatusOptions {
    /// Serve health checks, metrics and the status at SPEC
    ///
    /// SPEC is as for --listen. Anyone who can connect to it can read them.
    #[arg(long, value_name = "SPEC", hide_short_help = true, value_parser = spec)]
    pub(super) status: Option<ListenerSpec>,
}

/// The typed text is not a listener for the status.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum StatusError {
    #[error(transparent)]
    Listen(#[from] ListenerSyntaxError),
    #[error("--status has no PROXY headers: type SPEC without ',proxy'")]
    Proxy,
    #[error("--status has no TLS: type SPEC without ',tls', with a loopback address or a path")]
    Tls,
}

fn spec(typed: &str) -> Result<ListenerSpec, StatusError> {
    let spec = listener::spec(typed)?;
    match (spec.proxy_protocol, spec.security) {
        (ProxyProtocol::Spoken, _) => Err(StatusError::Proxy),
        (ProxyProtocol::NotSpoken, ListenerSecurity::Tls) => Err(StatusError::Tls),
        (ProxyProtocol::NotSpoken, ListenerSecurity::Plain) => Ok(spec),
    }
}

impl StatusOptions {
    /// The listener of the status, if requested; `sockets` are the names of the passed sockets.
    pub(super) fn place(
        &self,
        sockets: &[String],
    ) -> Result<Option<ListenerPlace>, ListenerSyntaxError> {
        let Some(spec) = &self.status else {
            return Ok(None);
        };
        let mut listeners = spec.resolve(ListenerProtocol::Http, None, sockets)?;
        match (listeners.pop(), listeners.is_empty(), spec.socket_name()) {
            (_, false, Some(name)) => Err(ListenerSyntaxError::Several(name.to_owned())),
            (listener, ..) => Ok(listener.map(|listener| listener.place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_on_a_listener_without_proxies() {
        for (typed, place) in [
            ("9100", "127.0.0.1:9100"),
            ("[::1]:9100", "[::1]:9100"),
            ("unix:/run/s,mode=660", "unix:/run/s"),
        ] {
            let status = Some(spec(typed).unwrap());
            let options = StatusOptions { status };
            assert_eq!(options.place(&[]).unwrap().unwrap().to_string(), place);
        }
        for (typed, error) in [
            (
                "9100,proxy",
                "--status has no PROXY headers: type SPEC without ',proxy'",
            ),
            (
                "https://127.0.0.1:9100",
                "--status has no TLS: type SPEC without ',tls', with a loopback address or a path",
            ),
            (
                "unix:",
                "it has no path: type one, such as unix:/run/httpserver.sock",
            ),
        ] {
            assert_eq!(spec(typed).unwrap_err().to_string(), error);
        }
    }
}
