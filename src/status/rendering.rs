//! The status as a text for people, and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::history::History;
use super::snapshot::Snapshot;
use crate::reporting::{HandshakeResult, Tally};

impl Snapshot {
    /// Some lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let state = if self.is_draining {
            "finishing its last requests"
        } else {
            "serving"
        };
        let uptime = self.uptime().as_secs();
        let _ = writeln!(
            text,
            "httpserver {}: {state}, for {uptime} s",
            env!("CARGO_PKG_VERSION")
        );
        self.push_requests(&mut text);
        let pool = &self.pool;
        let connections = pool.connections;
        let _ = writeln!(
            text,
            "connections: {} of {} (idle {}, receiving {}, sending {}, active {}); {} accepted",
            connections.open(),
            pool.max_connections,
            connections.idle,
            connections.receiving,
            connections.sending,
            connections.active,
            pool.accepted
        );
        let _ = writeln!(
            text,
            "queue: {} of {}; workers: {} busy of {}, {} blocked",
            pool.queued,
            pool.queue_capacity,
            pool.busy,
            pool.processor_times.len(),
            pool.blocked
        );
        let cache = self.files.cache;
        let _ = writeln!(
            text,
            "cache: {} hits, {} misses; {} files, {} bytes",
            cache.hits, cache.misses, cache.files, cache.bytes
        );
        if let Some(log) = self.files.log {
            let full = if log.is_full {
                "; full: entries are missing"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "log: {} bytes, {} reserved, preallocated up to {}{full}",
                log.end, log.reserved, log.preallocated
            );
        }
        text
    }

    fn push_requests(&self, text: &mut String) {
        match &self.tally {
            Some(tally) => {
                let _ = writeln!(
                    text,
                    "requests: {} ({} failed by the server); {} bytes in, {} bytes out",
                    tally.requests(),
                    tally.server_errors(),
                    tally.moved.received,
                    tally.moved.sent
                );
                if !tally.handshakes.is_empty() {
                    let [full, resumed, failed] = handshakes(tally);
                    let _ = writeln!(
                        text,
                        "TLS handshakes: {full} full, {resumed} resumed, {failed} failed"
                    );
                }
                let _ = writeln!(
                    text,
                    "turns: {}, the longest {} us",
                    tally.turns,
                    tally.longest_turn.wall.as_micros()
                );
            }
            None => text.push_str("requests: not counted; --status counts them\n"),
        }
    }

    /// The same as an object, with the figures of the last minutes.
    pub(super) fn json(&self, history: &History) -> Value {
        let pool = &self.pool;
        let connections = pool.connections;
        let cache = self.files.cache;
        let mut object = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "draining": self.is_draining,
            "history": history.samples(),
            "uptime_seconds": self.uptime().as_secs_f64(),
            "connections": {
                "accepted": pool.accepted,
                "open": connections.open(),
                "idle": connections.idle,
                "receiving": connections.receiving,
                "sending": connections.sending,
                "active": connections.active,
                "limit": pool.max_connections,
            },
            "queue": { "length": pool.queued, "capacity": pool.queue_capacity },
            "workers": {
                "total": pool.processor_times.len(),
                "busy": pool.busy,
                "blocked": pool.blocked,
                "cpu_seconds": pool.processor_times.iter()
                    .map(|time| time.map(|time| time.as_secs_f64())).collect::<Vec<_>>(),
            },
            "cache": {
                "hits": cache.hits,
                "misses": cache.misses,
                "files": cache.files,
                "bytes": cache.bytes,
            },
        });
        if let Some(tally) = &self.tally {
            let by_status = tally.requests.iter().map(|((method, status), count)| {
                json!({ "method": method.name(), "status": status, "count": count })
            });
            object["requests"] = json!({
                "total": tally.requests(),
                "server_errors": tally.server_errors(),
                "by_method_and_status": by_status.collect::<Vec<_>>(),
                "bytes_in": tally.moved.received,
                "bytes_out": tally.moved.sent,
                "turns": tally.turns,
                "longest_turn_seconds": tally.longest_turn.wall.as_secs_f64(),
            });
        }
        object["tls_handshakes"] = self.handshakes_as_json();
        if let Some(log) = self.files.log {
            object["log"] = json!({
                "end": log.end,
                "reserved": log.reserved,
                "preallocated": log.preallocated,
                "full": log.is_full,
            });
        }
        object
    }

    /// `null` if there were none.
    fn handshakes_as_json(&self) -> Value {
        let tally = self.tally.as_ref();
        let Some(tally) = tally.filter(|tally| !tally.handshakes.is_empty()) else {
            return Value::Null;
        };
        let [full, resumed, failed] = handshakes(tally);
        json!({ "full": full, "resumed": resumed, "failed": failed })
    }

    /// Since the start of the server.
    pub(super) fn uptime(&self) -> Duration {
        self.taken.duration_since(self.started).unwrap_or_default()
    }
}

/// How many TLS handshakes were full, resumed, and failed.
fn handshakes(tally: &Tally) -> [u64; 3] {
    use HandshakeResult::{Failed, Full, Resumed};
    [Full, Resumed, Failed].map(|wanted| {
        let all = tally.handshakes.iter();
        all.filter(|((_, result), _)| *result == wanted)
            .map(|(_, count)| count)
            .sum()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn history() -> History {
        let now = Instant::now();
        let mut history = History::new(now);
        history.add(&Snapshot::sample(), now);
        history
    }

    #[test]
    fn text_says_what_the_server_does() {
        let snapshot = Snapshot::sample();
        assert_eq!(
            snapshot.text(),
            format!(
                "httpserver {}: serving, for 90 s\n\
                 requests: 10 (1 failed by the server); 1000 bytes in, 2000 bytes out\n\
                 TLS handshakes: 4 full, 2 resumed, 1 failed\n\
                 turns: 12, the longest 1500 us\n\
                 connections: 10 of 100 (idle 1, receiving 2, sending 3, active 4); 9 accepted\n\
                 queue: 5 of 1024; workers: 2 busy of 2, 1 blocked\n\
                 cache: 6 hits, 3 misses; 2 files, 4096 bytes\n\
                 log: 300 bytes, 20 reserved, preallocated up to 70000\n",
                env!("CARGO_PKG_VERSION")
            )
        );
    }

    #[test]
    fn text_says_what_is_not_counted() {
        let snapshot = Snapshot {
            tally: None,
            is_draining: true,
            ..Snapshot::sample()
        };
        let text = snapshot.text();
        assert!(text.contains("finishing its last requests"), "{text}");
        assert!(text.contains("requests: not counted"), "{text}");
        assert_eq!(snapshot.json(&history())["requests"], Value::Null);
    }

    #[test]
    fn json_has_the_same() {
        let json = Snapshot::sample().json(&history());
        assert_eq!(json["requests"]["total"], 10);
        assert_eq!(json["connections"]["sending"], 3);
        assert_eq!(json["workers"]["cpu_seconds"], json!([1.23, null]));
        assert_eq!(json["log"]["full"], false);
        assert_eq!(
            json["tls_handshakes"],
            json!({ "full": 4, "resumed": 2, "failed": 1 })
        );
        assert_eq!(json["history"][0]["connections"], 10);
    }
}
