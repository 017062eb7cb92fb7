//! All options of `httpserver`, as defined for the parser.

use std::ffi::OsString;

use clap::{Command, CommandFactory, Parser};

use super::listener::ListenerSpec;
use super::{
    access_log, confinement, harness, help, limits, listen, log, option, proxies, serve, status,
    timeouts, tls, users, web,
};

/// The words of a command line.
#[derive(Debug, Parser)]
#[command(
    name = "httpserver",
    version,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub(super) struct Typed {
    /// The positional arguments.
    pub(super) arguments: Vec<OsString>,

    #[command(flatten)]
    pub(super) serve: serve::ServeOptions,
    #[command(flatten)]
    pub(super) confinement: confinement::ConfinementOptions,
    #[command(flatten)]
    pub(super) listen: listen::ListenOptions,
    #[command(flatten)]
    pub(super) tls: tls::TlsOptions,
    #[command(flatten)]
    pub(super) log: log::LogOptions,
    #[command(flatten)]
    pub(super) access_log: access_log::AccessLogOptions,
    #[command(flatten)]
    pub(super) web: web::WebOptions,
    #[command(flatten)]
    pub(super) users: users::UserOptions,
    #[command(flatten)]
    pub(super) proxies: proxies::ProxyOptions,
    #[command(flatten)]
    pub(super) limits: limits::LimitOptions,
    #[command(flatten)]
    pub(super) timeouts: timeouts::TimeoutOptions,
    #[command(flatten)]
    pub(super) harness: harness::HarnessOptions,
    #[command(flatten)]
    pub(super) status: status::StatusOptions,
    #[command(flatten)]
    pub(super) help: help::HelpOptions,
}

impl Typed {
    /// The indices of the passed sockets that no option names.
    pub(super) fn unnamed_sockets(&self, names: &[String]) -> Vec<usize> {
        let specs = self.listen.specs();
        let specs = specs
            .chain(&self.tls.redirect_http)
            .chain(&self.status.status);
        let used: Vec<_> = specs.filter_map(ListenerSpec::socket_name).collect();
        let all = names.iter().enumerate();
        all.filter(|(_, name)| !used.contains(&name.as_str()))
            .map(|(index, _)| index)
            .collect()
    }
}

/// The definition of the options, with the texts of help.
pub(super) fn command() -> Command {
    let command = Typed::command().mut_args(|arg| {
        // In `-N -1` the value is wrong, not missing.
        let takes_number =
            option::value_name(&arg).is_some_and(|name| ["N", "SIZE", "TIME"].contains(&name));
        arg.allow_hyphen_values(takes_number)
    });
    help::with_texts(command)
}
