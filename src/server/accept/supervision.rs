//! Calls the supervisor of a server when a call is due.

use std::time::{Duration, Instant};

use crate::server::lifecycle::Lifecycle;
use crate::server::view::View;

/// Reports what the server does.
pub(crate) type Report<'p> = &'p dyn Fn(&dyn View);

/// The callbacks on the main thread, and the time of the next call.
pub(crate) struct Supervision<'p> {
    view: &'p dyn View,
    /// Called for SIGUSR2.
    report_status: Option<Report<'p>>,
    lifecycle: &'p mut dyn Lifecycle,
    next_check: Option<Instant>,
}

impl<'p> Supervision<'p> {
    pub(crate) fn new(
        view: &'p dyn View,
        report_status: Option<Report<'p>>,
        lifecycle: &'p mut dyn Lifecycle,
    ) -> Self {
        let interval = lifecycle.check_interval();
        Self {
            view,
            report_status,
            lifecycle,
            next_check: interval.and_then(|interval| Instant::now().checked_add(interval)),
        }
    }

    /// The time at which [`Supervision::check`] is due.
    pub(super) fn next_check(&self) -> Option<Instant> {
        self.next_check
    }

    /// Checks the server, if a check is due.
    pub(super) fn check(&mut self) {
        let now = Instant::now();
        if self.next_check.is_some_and(|at| at <= now) {
            self.lifecycle.check(self.view);
            let interval = self.lifecycle.check_interval();
            self.next_check = interval.and_then(|interval| now.checked_add(interval));
        }
    }

    pub(super) fn report_status(&self) {
        if let Some(report) = self.report_status {
            report(self.view);
        }
    }

    /// Runs `reload` between the calls for its beginning and its end.
    pub(super) fn reload(&mut self, reload: impl FnOnce()) {
        self.lifecycle.reloading();
        reload();
        self.lifecycle.reloaded();
    }

    pub(super) fn stopping(&mut self, drain: Duration) {
        self.lifecycle.stopping(drain);
    }
}
