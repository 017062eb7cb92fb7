//! The summary at shutdown.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::state_file::{json_line, stamp};
use httpserver::reporting::Totals;

/// A server that has ended.
#[derive(Debug, Serialize)]
pub(super) struct Done<'t> {
    pid: u32,
    version: &'static str,
    started: String,
    ended: String,
    requests: u64,
    /// Requests by the status of their response.
    by_status: &'t BTreeMap<u16, u64>,
    /// Requests without a response, since their clients left.
    without_response: u64,
    bytes_in: u64,
    bytes_out: u64,
    log_entries: u64,
    longest_turn_us: u128,
    longest_turn_processor_us: u128,
}

impl<'t> Done<'t> {
    pub(super) fn new(totals: &'t Totals, started: SystemTime, ended: SystemTime) -> Self {
        Self {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            started: stamp(started),
            ended: stamp(ended),
            requests: totals.requests,
            by_status: &totals.by_status,
            without_response: totals.requests - totals.by_status.values().sum::<u64>(),
            bytes_in: totals.bytes_in,
            bytes_out: totals.bytes_out,
            log_entries: totals.entries,
            longest_turn_us: totals.longest_turn.wall.as_micros(),
            longest_turn_processor_us: totals.longest_turn.processor.as_micros(),
        }
    }

    pub(super) fn line(&self) -> Vec<u8> {
        json_line(self)
    }
}
