//! A classic thread-pool HTTP/1.1 file server.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")
)]
pub mod http;
pub mod request_log;
pub mod web;
