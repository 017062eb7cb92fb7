//! One HTTP connection as a state machine over `http`: read a head, respond, receive content, respond, and again.
//!
//! An [`HttpSession`] is in one phase. The phase owns its data, and the step that leaves it consumes it. A turn has the
//! three steps that the pool asks for (see [`crate::server::Service`]):
//!
//! 1. `turn` runs from phase to phase. The steps are in `request` (heads), `content` (of requests) and `response`.
//!    Responses collect in the output; nothing is sent.
//! 2. The dialect commits the pending entries.
//! 3. `sending` sends the output and long content, and ends with the wait for the peer (`waiting`) or another turn.
//!
//! Phases that read or write files run in blocking turns only. This room does not depend on the rules of a dialect.

mod accounting;
mod budget;
mod buffers;
mod content;
mod diagnostic;
mod dialect;
mod entrance;
mod exchange;
mod identify;
mod input;
mod kept;
mod phases;
mod proxy_header;
mod receiving;
mod redirect;
mod request;
mod response;
mod sending;
mod service;
mod session;
mod spent;
mod timeouts;
mod tls_hello;
mod trusted_proxies;
mod turn;
mod waiting;

pub use self::buffers::Buffers;
pub use self::dialect::{
    Action, Block, Decision, Dialect, FileRange, Preparation, Response, ResponseContent,
    TrackedBytes, Upload, UploadProgress,
};
pub use self::entrance::{Entrance, EntranceProtocol, ProxyProtocol};
pub use self::service::HttpService;
pub use self::session::HttpSession;
pub use self::spent::Spent;
pub use self::timeouts::Timeouts;
pub use self::trusted_proxies::{ForwardedField, TrustedProxies, UnixPeers};
