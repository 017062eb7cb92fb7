//! A classic thread-pool HTTP/1.1 file server, as a library: the binaries, the benchmarks and the fuzz targets are
//! built from it.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")
)]

pub mod access_log;
pub mod blocking;
pub mod classic;
pub mod connection;
pub mod durable;
pub mod entry_range;
pub mod files;
pub mod http;
pub mod line_writer;
pub mod proxy_protocol;
pub mod reporting;
pub mod request_log;
pub mod server;
pub mod store;
mod sync;
mod utc;
pub mod web;
