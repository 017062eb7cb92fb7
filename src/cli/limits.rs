//! The options that limit the load.

use std::num::NonZeroUsize;

use clap::Args;

use httpserver::connection::TrustedProxies;
use httpserver::server::ClientLimit;

use super::group::{Default, Group};
use super::values;

pub(super) const GROUP: Group = Group {
    heading: "Limits",
    sentence: "the load that the server accepts. SIZE is in bytes, or has a unit: 64K, 10M, 2G (powers of 1024).",
    example: "httpserver --max-body 10M --max-connections 500 127.0.0.1 8080",
    does: "refuses uploads over 10 MiB, and keeps at most 500 connections open",
    defaults: &[
        Default {
            option: "max-body",
            holds: "no limit",
        },
        Default {
            option: "max-connections-per-client",
            holds: "no limit",
        },
        Default {
            option: "max-connections",
            holds: "from the descriptor limit",
        },
        Default {
            option: "processors",
            holds: "from affinity and control group",
        },
    ],
    needs: &[],
};

/// The largest value for connections: the descriptor limit of any system is lower.
const MOST_CONNECTIONS: usize = 1 << 30;

/// The longest queue: 16 MiB of memory, and four times the connections that are kept open by default.
const LONGEST_QUEUE: usize = 1 << 20;

/// The largest value for processors: Linux supports no more on any machine.
const MOST_PROCESSORS: usize = 8192;

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct LimitOptions {
    /// Refuse uploads over SIZE
    ///
    /// They get 413.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(super) max_body: Option<u64>,

    /// Keep at most N connections open
    ///
    /// At the limit, the one that has been idle for longest is closed to make room. If none is idle, new ones wait in the
    /// kernel's backlog.
    #[arg(long, value_name = "N", hide_short_help = true, value_parser = values::count::<MOST_CONNECTIONS>)]
    pub(super) max_connections: Option<NonZeroUsize>,

    /// Keep at most N connections of one client open
    ///
    /// Another connection of that client is closed without a response. A client is an IPv4 address or an IPv6 network
    /// (/64). Trusted proxies and Unix domain sockets have no limit.
    #[arg(long, value_name = "N", hide_short_help = true, value_parser = values::count::<MOST_CONNECTIONS>)]
    pub(super) max_connections_per_client: Option<NonZeroUsize>,

    /// Let at most N connections wait for a worker
    #[arg(long, value_name = "N", default_value = "1024", hide_short_help = true, value_parser = values::count::<LONGEST_QUEUE>)]
    pub(super) queue: NonZeroUsize,

    /// Run as on a machine with N processors
    ///
    /// It decides how many workers '-N auto' starts, and how many of them wait for connections at a time.
    #[arg(long, value_name = "N", hide_short_help = true, value_parser = values::count::<MOST_PROCESSORS>)]
    pub(super) processors: Option<NonZeroUsize>,
}

impl LimitOptions {
    /// The limit on connections of one client, if there is one.
    pub(super) fn client_limit(&self, proxies: Option<&TrustedProxies>) -> Option<ClientLimit> {
        let exempt = proxies.map(|proxies| proxies.networks.clone());
        self.max_connections_per_client.map(|most| ClientLimit {
            most,
            exempt: exempt.unwrap_or_default(),
        })
    }
}
