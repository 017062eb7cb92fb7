//! One HTTP connection as a state machine over `http`: read a head, react, receive content, answer, and again.
//!
//! A [`HttpSession`] is in one phase, which owns what it needs and is consumed by the step that leaves it. Every
//! step either goes on at once or says what it waits for; nothing here blocks on a peer, and nothing here knows the
//! rules of a dialect. The steps stand in `request` (heads), `content` (of requests), `response` (answers and the
//! close) and `sending` (long content of answers); `waiting` is what happens between them.

mod buffers;
mod content;
mod dialect;
mod phases;
mod report;
mod request;
mod response;
mod sending;
mod service;
mod session;
mod timeouts;
mod trusted_proxies;
mod turn;
mod waiting;

pub use self::buffers::Buffers;
pub use self::dialect::{
    Action, Block, Decision, Dialect, FileRange, Response, ResponseContent, TrackedBytes, Upload,
};
pub use self::service::Http;
pub use self::session::HttpSession;
pub use self::timeouts::Timeouts;
pub use self::trusted_proxies::{ForwardedField, TrustedProxies};
