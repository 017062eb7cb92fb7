//! The protocols between the server and a service manager such as systemd.
//!
//! The manager passes listening sockets (`activation`), and is notified when the server is ready, reloads and stops
//! (`notify`, `supervisor`). It may expect regular messages (`watchdog`), and reads the levels of lines on stderr
//! (`journal_levels`). Environment variables, which the caller passes, turn each part on.

mod activation;
mod journal_levels;
mod notify;
mod supervisor;
mod variables;
mod watchdog;

use std::sync::Arc;

use self::notify::Notifier;
use self::supervisor::Supervisor;
use self::watchdog::Watchdog;

pub(crate) use self::activation::{ActivationError, PassedSockets, names_of_sockets};
pub(crate) use self::journal_levels::is_journal;
pub(crate) use self::variables::Variable;

/// The service manager that has started the server, if there is one.
pub(crate) struct ServiceManager {
    pub(crate) sockets: PassedSockets,
    notifier: Arc<Notifier>,
    watchdog: Option<Watchdog>,
}

impl ServiceManager {
    /// The service manager of these variables, which passes sockets with these names. It can be notified from now on,
    /// even after the process is confined.
    pub(crate) fn connect(variables: &[Variable], sockets: Vec<String>) -> Self {
        Self {
            sockets: PassedSockets::new(sockets),
            notifier: Arc::new(Notifier::connect(variables)),
            watchdog: Watchdog::of(variables),
        }
    }

    /// The supervisor that notifies it. It must be called once.
    pub(crate) fn supervisor(&mut self) -> Supervisor {
        Supervisor::new(Arc::clone(&self.notifier), self.watchdog.take())
    }

    /// Notifies it that the server listens at these addresses.
    pub(crate) fn tell_ready(&self, addresses: &[String]) {
        let addresses = addresses.join(", ");
        self.notifier
            .send(&format!("READY=1\nSTATUS=Serving on {addresses}"));
    }
}
