//! A classic thread-pool HTTP/1.1 file server, and the pool as a library.
//!
//! The main thread accepts connections and pushes them into a bounded queue; N workers pop them. A worker never waits
//! for a peer: a connection that would block is parked until its socket is ready, so one worker holds thousands.
//!
//! # A protocol of your own
//!
//! A protocol is a [`Service`](server::Service), which makes a [`Session`](server::Session) for each connection. A turn
//! of a session has two parts: `process` receives and decides, and `flush` sends and returns the next step. This one
//! greets each client and closes:
//!
//! ```no_run
//! use std::net::{Ipv4Addr, SocketAddr};
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use httpserver::server::{
//!     After, Listener, Next, Peer, Server, ServerError, Service, Session, Settings, Transport, Turn,
//! };
//!
//! struct Greeting;
//! struct Client;
//!
//! impl Service for Greeting {
//!     type Session = Client;
//!     type Buffers = ();
//!     fn connect(&self, _peer: Peer, _listener: usize) -> Client {
//!         Client
//!     }
//!     fn buffers(&self) {}
//! }
//!
//! impl Session for Client {
//!     type Buffers = ();
//!     fn process<T: Transport>(&mut self, _client: &T, _: &mut (), _: &Turn<'_>) {}
//!     fn flush<T: Transport>(&mut self, client: &T, _: &mut (), _: &Turn<'_>) -> Next {
//!         let _ = client.send(b"hello\r\n", After::Flush); // seven bytes fit any socket
//!         Next::Close
//!     }
//! }
//!
//! let listener = Listener::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 7000))])?;
//! let settings = Settings {
//!     workers: NonZeroUsize::MIN,
//!     processors: std::thread::available_parallelism()?,
//!     queue: NonZeroUsize::MIN,
//!     max_connections: None,
//!     client_limit: None,
//!     drain: Duration::from_secs(10),
//!     lifetime: None,
//! };
//! let on_start = || Ok::<(), ServerError>(println!("listening"));
//! Server::new(settings)?.run(vec![listener], Greeting, on_start)?; // until SIGINT or SIGTERM
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/echo.rs` also receives, and waits for its clients.
//!
//! # The rooms
//!
//! This page documents the parts that other programs can use: the pool ([`server`], [`blocking`], [`peer`]) and the
//! request log with its seal ([`request_log`], [`seal`]), specified in `docs/log-format.md`. All other modules are
//! hidden: they are only for this package's own binaries, benchmarks and fuzz targets, and change without notice:
//!
//! | room | question it answers |
//! |---|---|
//! | `server` | Which thread serves which connection, and when? |
//! | `http` | Which bytes are a message (`wire`, RFC 9112), and what does it mean (`semantics`, RFC 9110)? |
//! | `connection` | What does one HTTP client wait for next? |
//! | `classic`, `web` | How does each dialect respond? |
//! | `refusing` | How is a refused request recorded, and which status belongs to an error of a file? |
//! | `files` | May this file be seen or replaced, and what is recorded with a change? |
//! | `store` | Where is a file below the root, and how is it replaced in one step? |
//! | `request_log` | What are the bytes of an entry, where is it written, and how is it read? |
//! | `seal` | How is an alteration of the request log found? |
//! | `input_window` | Which bytes of a log or seal are read and not consumed? |
//! | `change_version` | Which of several changes of a name came first, whichever server made them? |
//! | `requester` | Which client and user made a request, and how was it answered? |
//! | `status` | What is the server doing, and is it healthy? |
//! | `access_log`, `reporting`, `line_writer` | Which requests were made by which clients, and how are they reported without delaying a worker? |
//!
//! `docs/architecture.md` draws the picture and explains the words.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")
)]

#[doc(hidden)]
pub mod access_log;
pub mod blocking;
#[doc(hidden)]
pub mod change_version;
#[doc(hidden)]
pub mod classic;
#[doc(hidden)]
pub mod confinement;
pub mod connection;
#[doc(hidden)]
pub mod durable;
#[doc(hidden)]
pub mod entry_range;
#[doc(hidden)]
pub mod files;
#[doc(hidden)]
pub mod http;
mod input_window;
#[doc(hidden)]
pub mod line_writer;
#[doc(hidden)]
pub mod operations;
pub mod peer;
#[doc(hidden)]
pub mod proxy_protocol;
#[doc(hidden)]
pub mod qr;
mod refusing;
mod rename;
#[doc(hidden)]
pub mod reporting;
pub mod request_log;
#[doc(hidden)]
pub mod requester;
#[doc(hidden)]
pub mod resources;
pub mod seal;
pub mod server;
#[doc(hidden)]
pub mod server_id;
#[doc(hidden)]
pub mod status;
#[doc(hidden)]
pub mod store;
mod sync;
mod time_slice;
#[doc(hidden)]
pub mod tls;
#[doc(hidden)]
pub mod users;
mod utc;
#[doc(hidden)]
pub mod web;
