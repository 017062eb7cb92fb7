//! The command line of `httpserver`: what was typed becomes a [`Config`] of plain, validated values.
//!
//! It opens nothing and starts nothing; it only resolves the address, since that is where a typed name ends.

mod web_options;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use thiserror::Error;

use httpserver::connection::Timeouts;
use httpserver::durable::Durability;
use httpserver::request_log::write::Mode;
use httpserver::server::Settings;
use httpserver::web;

use self::web_options::TypedWeb;

const EXAMPLES: &str = "\
Examples:
  httpserver -N 8 -l log.txt 127.0.0.1 8080
      Serve and store files of the current directory, and record every request.
  httpserver --root /srv/drop --durable --max-body 100000000 localhost 8080
      An upload drop that answers when a file has reached the disk.
  httpserver --web --listing --root ./public 8000
      A site for browsers, or a directory to look around in.

Set RUST_LOG=debug to see on stderr why requests are refused.";

/// A classic thread-pool HTTP/1.1 file server.
///
/// GET serves a file and PUT stores one; names have 27 characters of A-Z a-z 0-9 - _.
#[derive(Debug, Parser)]
#[command(name = "httpserver", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Typed {
    /// Address or host name to listen on, or a lone port on 127.0.0.1
    address: String,

    /// Port to listen on; 0 lets the system choose [default: 80]
    port: Option<String>,

    /// Number of worker threads
    #[arg(short = 'N', long, value_name = "N", default_value_t = NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN))]
    threads: NonZeroUsize,

    /// Record every request in FILE; an old one is kept as FILE.1
    #[arg(short, long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Continue the log instead of starting a new one
    #[arg(long, requires = "log")]
    log_append: bool,

    /// Serve files from and store them into DIR
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,

    /// Answer when what is stored and the log entry have reached the disk
    #[arg(long)]
    durable: bool,

    /// Refuse uploads of more than BYTES bytes [default: no limit]
    #[arg(long, value_name = "BYTES")]
    max_body: Option<u64>,

    /// Keep at most N connections open [default: what the descriptor limit allows]
    #[arg(long, value_name = "N")]
    max_connections: Option<NonZeroUsize>,

    /// Let at most N connections wait for a worker
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::new(1024).unwrap_or(NonZeroUsize::MIN))]
    queue: NonZeroUsize,

    /// Time for a whole request head
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    head_timeout: Duration,

    /// Time for some more of an upload
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    body_timeout: Duration,

    /// Time for the client to take some more of an answer
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    write_timeout: Duration,

    /// Time between two requests of a connection
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    idle_timeout: Duration,

    /// Time for the client to close after the last answer
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    linger_timeout: Duration,

    /// Time for requests in progress after SIGINT or SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    drain_timeout: Duration,

    #[command(flatten)]
    web: TypedWeb,
}

/// What to do, in plain values.
#[derive(Debug)]
pub(crate) struct Config {
    /// What was typed for the address, for messages.
    pub(crate) listen: String,
    /// Where to listen: the first that can be bound.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) settings: Settings,
    pub(crate) timeouts: Timeouts,
    pub(crate) log: Option<(PathBuf, Mode)>,
    pub(crate) root: PathBuf,
    pub(crate) durability: Durability,
    /// Bytes of the longest upload.
    pub(crate) max_body: u64,
    /// For the web dialect; the classic one has none.
    pub(crate) web: Option<web::Options>,
}

/// What is wrong with the values typed.
#[derive(Debug, Error)]
pub(crate) enum TypedError {
    #[error("invalid port '{0}': it must be a number from 0 to 65535")]
    Port(String),
    #[error("cannot resolve '{host}': {reason}")]
    Resolve { host: String, reason: String },
    #[error("invalid path '{}': it must be that of a file in the root", .0.display())]
    Spa(PathBuf),
}

/// The port of a server whose user names none.
const DEFAULT_PORT: u16 = 80;

impl TryFrom<Typed> for Config {
    type Error = TypedError;

    fn try_from(typed: Typed) -> Result<Self, TypedError> {
        let (host, port) = host_and_port(&typed.address, typed.port.as_deref())?;
        let mode = if typed.log_append {
            Mode::Append
        } else {
            Mode::Fresh
        };
        let max_body = typed.max_body.unwrap_or(u64::MAX);
        Ok(Self {
            web: typed.web.options(max_body)?,
            addresses: resolve(&host, port)?,
            listen: format!("{host} port {port}"),
            settings: Settings {
                workers: typed.threads,
                queue: typed.queue,
                max_connections: typed.max_connections,
                drain: typed.drain_timeout,
            },
            timeouts: Timeouts {
                head: typed.head_timeout,
                body: typed.body_timeout,
                write: typed.write_timeout,
                idle: typed.idle_timeout,
                linger: typed.linger_timeout,
            },
            log: typed.log.map(|path| (path, mode)),
            root: typed.root,
            durability: if typed.durable {
                Durability::Storage
            } else {
                Durability::Kernel
            },
            max_body,
        })
    }
}

/// A lone number is a port on the loopback address.
fn host_and_port(address: &str, port: Option<&str>) -> Result<(String, u16), TypedError> {
    let lone_number = !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_digit());
    match port {
        Some(port) => Ok((address.to_owned(), parse_port(port)?)),
        None if lone_number => Ok((Ipv4Addr::LOCALHOST.to_string(), parse_port(address)?)),
        None => Ok((address.to_owned(), DEFAULT_PORT)),
    }
}

/// Digits only: no sign, no space.
fn parse_port(typed: &str) -> Result<u16, TypedError> {
    let digits = typed.bytes().all(|byte| byte.is_ascii_digit());
    match typed.parse() {
        Ok(port) if digits => Ok(port),
        _ => Err(TypedError::Port(typed.to_owned())),
    }
}

/// Numbers stand for themselves (an IPv6 one with or without brackets), `localhost` is 127.0.0.1, and other names are
/// resolved with getaddrinfo(3).
fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, TypedError> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
    }
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::from((address, port))]);
    }
    let failed = |reason: String| TypedError::Resolve {
        host: host.to_owned(),
        reason,
    };
    let found: Vec<_> = (bare, port)
        .to_socket_addrs()
        .map_err(|error| failed(error.to_string()))?
        .collect();
    if found.is_empty() {
        return Err(failed("it has no address".to_owned()));
    }
    Ok(found)
}

/// A number of seconds, such as `30` or `0.5`.
fn seconds(typed: &str) -> Result<Duration, String> {
    typed
        .parse::<f64>()
        .ok()
        .filter(|&seconds| seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| *duration <= LONGEST && !duration.is_zero())
        .ok_or_else(|| "it must be a number of seconds above 0, such as 30 or 0.5".to_owned())
}

/// The longest time-out: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn config(arguments: &str) -> Result<Config, TypedError> {
        let words = std::iter::once("httpserver").chain(arguments.split_whitespace());
        Config::try_from(Typed::try_parse_from(words).unwrap())
    }

    #[test]
    fn positionals_and_options_come_in_any_order() {
        for arguments in [
            "-N 8 -l log.txt 127.0.0.1 8080",
            "127.0.0.1 -N 8 8080 -l log.txt",
            "127.0.0.1 8080 --threads 8 --log log.txt",
            "8080 -N8 -llog.txt",
            "-l log.txt localhost -N=8 8080",
        ] {
            let config = config(arguments).unwrap();
            assert_eq!(
                config.addresses,
                ["127.0.0.1:8080".parse().unwrap()],
                "{arguments}"
            );
            assert_eq!(config.settings.workers.get(), 8, "{arguments}");
            assert_eq!(
                config.log,
                Some((PathBuf::from("log.txt"), Mode::Fresh)),
                "{arguments}"
            );
        }
    }

    #[test]
    fn addresses() {
        for (arguments, expected) in [
            ("127.0.0.1", "127.0.0.1:80"),
            ("0.0.0.0 0", "0.0.0.0:0"),
            ("8000", "127.0.0.1:8000"),
            ("0", "127.0.0.1:0"),
            ("localhost 65535", "127.0.0.1:65535"),
            ("LOCALHOST 1", "127.0.0.1:1"),
            ("::1 8080", "[::1]:8080"),
            ("[::1] 8080", "[::1]:8080"),
            (":: 8080", "[::]:8080"),
        ] {
            let config = config(arguments).unwrap();
            assert_eq!(config.addresses, [expected.parse().unwrap()], "{arguments}");
        }
    }

    #[test]
    fn bad_ports_are_named() {
        for (arguments, port) in [
            ("127.0.0.1 65536", "65536"),
            ("127.0.0.1 +80", "+80"),
            ("127.0.0.1 http", "http"),
            ("127.0.0.1 80x", "80x"),
            ("99999", "99999"),
        ] {
            let message = config(arguments).unwrap_err().to_string();
            assert!(
                message.contains(&format!("'{port}'")),
                "{arguments}: {message}"
            );
        }
    }

    #[test]
    fn times_are_positive_seconds() {
        for (typed, expected) in [
            ("30", Some(30_000)),
            ("0.25", Some(250)),
            ("1e1", Some(10_000)),
            ("0", None),
            ("-1", None),
            ("nan", None),
            ("inf", None),
            ("1e300", None),
            ("5s", None),
            ("", None),
        ] {
            assert_eq!(
                seconds(typed).ok(),
                expected.map(Duration::from_millis),
                "{typed}"
            );
        }
    }
}
