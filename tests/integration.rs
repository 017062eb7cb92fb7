//! All integration tests, in one binary: the real programs, started as a user starts them.
//!
//! - `it`: `httpserver` in the classic dialect, over raw sockets and with curl.
//! - `web`: `httpserver --web`, over raw sockets, with curl, wget and a real browser.
//! - `log`: `httpserver-log` on logs made for it.
//! - `users`: `httpserver --users`, in both dialects.
//! - `proxy`: `httpserver` behind a real nginx and a real `haproxy`.
//! - `tls`: HTTPS, with curl, openssl and clients of rustls.
//! - `packages`: what a package has besides the programs, and packages as they are installed.
//! - `fault`: what a disk, a signal, a kill or a hostile peer does to the server.
//!
//! `support` is what they share: it starts programs, speaks to them, and waits. One binary, since a helper that no
//! test uses shows as dead code, and since all tests are linked once.
//!
//! `cargo test --test integration web::` runs one group, and any part of a test's path runs fewer.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected shall panic"
)]

mod fault;
mod it;
mod log;
mod packages;
mod proxy;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod users;
mod web;
