//! The status of a server: `/healthz`, `/metrics`, `/status` and a page with plots on a listener of their own, and the text for SIGUSR2.
//!
//! It sees the rooms below through figures that they give out, and changes nothing there. One thread, the companion of
//! the workers, serves all its clients, at most [`MAX_CONNECTIONS`] at a time, each with a deadline. That thread touches
//! no file: whether the root and the log can be used is tried by a thread of its own, which may hang where they hang.
//! What it serves is not recorded anywhere.

mod conversation;
mod exposition;
mod health;
mod history;
mod metrics;
mod rendering;
mod request;
mod server;
mod snapshot;

pub use self::server::{MAX_CONNECTIONS, StatusServer};
pub use self::snapshot::{FigureSources, Snapshot};
