//! The options that limit how long the server waits.

use std::time::Duration;

use clap::Args;

use httpserver::connection::Timeouts;

use super::group::Group;
use super::values;

pub(super) const GROUP: Group = Group {
    heading: "Timeouts",
    sentence: "how long the server waits. TIME is in seconds, or has a unit: 500ms, 10s, 2m, 1h.",
    example: "httpserver --idle-timeout 2m --drain-timeout 1 127.0.0.1 8080",
    does: "keeps idle connections for two minutes, and stops at most a second after ctrl-C",
    defaults: &[],
    needs: &[],
};

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct TimeoutOptions {
    /// Time for a client to send a complete request head
    #[arg(long = "head-timeout", value_name = "TIME", default_value = "20s", hide_short_help = true, value_parser = values::duration)]
    head: Duration,

    /// Time for a client to send the next bytes of an upload
    #[arg(long = "body-timeout", value_name = "TIME", default_value = "30s", hide_short_help = true, value_parser = values::duration)]
    body: Duration,

    /// Time for a client to read the next bytes of a response
    #[arg(long = "write-timeout", value_name = "TIME", default_value = "30s", hide_short_help = true, value_parser = values::duration)]
    write: Duration,

    /// Close connections idle for TIME
    #[arg(long = "idle-timeout", value_name = "TIME", default_value = "60s", value_parser = values::duration)]
    idle: Duration,

    /// Time for a client to close after the last response
    #[arg(long = "linger-timeout", value_name = "TIME", default_value = "5s", hide_short_help = true, value_parser = values::duration)]
    linger: Duration,

    /// Time to finish requests in progress after SIGINT or SIGTERM
    #[arg(long = "drain-timeout", value_name = "TIME", default_value = "10s", hide_short_help = true, value_parser = values::duration)]
    pub(super) drain: Duration,
}

impl TimeoutOptions {
    /// How long a connection waits for its client.
    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts {
            head: self.head,
            body: self.body,
            write: self.write,
            idle: self.idle,
            linger: self.linger,
        }
    }
}
