//! The shipped pool, over models of the kernel and the queue.

pub(crate) mod accept;
pub(crate) mod epoll;
pub(crate) mod scripted;
pub(crate) mod transport;
pub(crate) mod waker;
pub(crate) mod workers;

#[path = "../../../src/server/accepted.rs"]
pub(crate) mod accepted;
#[path = "../../../src/server/reactor/mod.rs"]
pub(crate) mod reactor;
#[path = "../../../src/server/session_waker.rs"]
pub(crate) mod session_waker;

/// The messages between a session and its worker.
pub(crate) mod protocol {
    pub(crate) use httpserver::server::{
        Activity, CloseCause, Deadline, Interest, Service, Session, WakeReason,
    };
}
