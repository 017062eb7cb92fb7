//! What a service manager with the protocols of systemd passes to the server, and is told.
//!
//! It passes sockets that listen already (`activation`), is told when the server is ready, reloads and stops (`notify`,
//! `supervisor`), wants to hear from it regularly (`watchdog`), and reads how grave a line on stderr is (`journal_levels`). All of
//! it is in variables of the environment, which are handed in; where they are not set, nothing happens.

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

/// The service manager that has started the server; maybe there is none.
pub(crate) struct ServiceManager {
    pub(crate) sockets: PassedSockets,
    notifier: Arc<Notifier>,
    watchdog: Option<Watchdog>,
}

impl ServiceManager {
    /// The one of these variables, which passes sockets with these names. It can be told something from now on, however
    /// the process is confined later.
    pub(crate) fn connect(variables: &[Variable], sockets: Vec<String>) -> Self {
        Self {
            sockets: PassedSockets::new(sockets),
            notifier: Arc::new(Notifier::connect(variables)),
            watchdog: Watchdog::of(variables),
        }
    }

    /// What tells it of the life of the server. To be called once.
    pub(crate) fn supervisor(&mut self) -> Supervisor {
        Supervisor::new(Arc::clone(&self.notifier), self.watchdog.take())
    }

    /// Tells it that the server listens at these addresses.
    pub(crate) fn tell_ready(&self, addresses: &[String]) {
        let addresses = addresses.join(", ");
        self.notifier
            .send(&format!("READY=1\nSTATUS=Serving on {addresses}"));
    }
}
