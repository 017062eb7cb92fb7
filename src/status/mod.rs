//! The status of a server: `/healthz`, `/metrics`, `/status` and a page with plots on a listener of their own, and the text for SIGUSR2.
//!
//! It reads figures of the rooms below, and changes nothing there. One thread, the companion of the workers, serves all
//! its clients, at most [`MAX_CONNECTIONS`] at a time, each with a deadline. That thread accesses no file: a separate
//! thread probes the root and the log, and may hang if they hang. Requests for the status are not recorded.

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
