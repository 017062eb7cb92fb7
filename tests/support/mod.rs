//! The code that all integration tests share: programs that are started and ended, clients, files, and waiting.

pub(crate) mod access;
pub(crate) mod bytes;
pub(crate) mod client;
pub(crate) mod curl;
pub(crate) mod deep;
pub(crate) mod entries;
pub(crate) mod home;
pub(crate) mod journal;
pub(crate) mod message;
pub(crate) mod namespace;
mod observe;
pub(crate) mod options;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod reasons;
pub(crate) mod requirements;
pub(crate) mod response;
pub(crate) mod running;
pub(crate) mod seal;
pub(crate) mod server;
pub(crate) mod setup;
pub(crate) mod status;
pub(crate) mod strace;
pub(crate) mod systemd;
pub(crate) mod terminal;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod tree;
pub(crate) mod wait;
