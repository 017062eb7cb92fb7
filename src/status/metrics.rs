//! The metrics, by name. `docs/operations.md` lists them all.

use std::time::{Duration, SystemTime};

use super::exposition::{Exposition, MetricType, MetricsFormat};
use super::snapshot::Snapshot;
use crate::files::FileFigures;
use crate::reporting::{BUCKETS, MethodLabel, Tally};
use crate::server::Figures;

/// All metrics of this moment.
pub(super) fn text(snapshot: &Snapshot, format: MetricsFormat) -> String {
    let mut out = Exposition::new(format);
    process(&mut out, snapshot);
    if let Some(tally) = &snapshot.tally {
        requests(&mut out, tally);
        handshakes(&mut out, tally);
        turns(&mut out, tally);
    }
    connections(&mut out, &snapshot.pool);
    workers(&mut out, &snapshot.pool);
    files(&mut out, &snapshot.files);
    out.end()
}

fn process(out: &mut Exposition, snapshot: &Snapshot) {
    out.family(
        "httpserver_build_info",
        MetricType::Gauge,
        "The version of the server; always 1.",
    );
    out.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    out.family(
        "process_start_time_seconds",
        MetricType::Gauge,
        "When the server started, since the epoch.",
    );
    let since_epoch = snapshot.started.duration_since(SystemTime::UNIX_EPOCH);
    out.sample(&[], seconds(since_epoch.unwrap_or_default()));
    out.family(
        "httpserver_draining",
        MetricType::Gauge,
        "1 while the server finishes its last requests, else 0.",
    );
    out.sample(&[], u8::from(snapshot.is_draining));
}

fn requests(out: &mut Exposition, tally: &Tally) {
    out.family(
        "httpserver_requests",
        MetricType::Counter,
        "Requests that have ended, by method and status; none: the client left before the response.",
    );
    for ((method, status), count) in &tally.requests {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        out.sample(&[("method", method.name()), ("status", &status)], count);
    }
    out.family(
        "httpserver_request_duration_seconds",
        MetricType::Histogram,
        "From the first byte of a request to the last byte of its response, by method.",
    );
    for (method, durations) in MethodLabel::ALL.iter().zip(&tally.durations) {
        let method = ("method", method.name());
        let mut below = 0;
        for (micros, count) in BUCKETS.iter().zip(&durations.counts) {
            below += count;
            let bound = seconds(Duration::from_micros(*micros)).to_string();
            out.part("_bucket", &[method, ("le", &bound)], below);
        }
        let count = durations.count();
        out.part("_bucket", &[method, ("le", "+Inf")], count);
        out.part("_sum", &[method], seconds(durations.sum));
        out.part("_count", &[method], count);
    }
}

fn handshakes(out: &mut Exposition, tally: &Tally) {
    out.family(
        "httpserver_tls_handshakes",
        MetricType::Counter,
        "TLS handshakes that have ended, by version and result; none: no version was agreed on.",
    );
    for ((version, result), count) in &tally.handshakes {
        let version = version.unwrap_or("none");
        out.sample(&[("version", version), ("result", result.name())], count);
    }
}

fn turns(out: &mut Exposition, tally: &Tally) {
    let counters = [
        (
            "httpserver_received_bytes",
            "Bytes received from clients, as on the wire.",
            tally.moved.received,
        ),
        (
            "httpserver_sent_bytes",
            "Bytes sent to clients, as on the wire.",
            tally.moved.sent,
        ),
        ("httpserver_turns", "Turns of connections.", tally.turns),
    ];
    for (name, help, value) in counters {
        out.family(name, MetricType::Counter, help);
        out.sample(&[], value);
    }
    out.family(
        "httpserver_longest_turn_seconds",
        MetricType::Gauge,
        "The longest turn since the start.",
    );
    out.sample(&[], seconds(tally.longest_turn.wall));
}

fn connections(out: &mut Exposition, pool: &Figures) {
    out.family(
        "httpserver_connections_accepted",
        MetricType::Counter,
        "Connections accepted.",
    );
    out.sample(&[], pool.accepted);
    out.family(
        "httpserver_connections",
        MetricType::Gauge,
        "Open connections, by state.",
    );
    for (state, count) in [
        ("idle", pool.connections.idle),
        ("receiving", pool.connections.receiving),
        ("sending", pool.connections.sending),
        ("active", pool.connections.active),
    ] {
        out.sample(&[("state", state)], count);
    }
    let gauges = [
        (
            "httpserver_connections_limit",
            "The most connections that may be open.",
            pool.max_connections,
        ),
        (
            "httpserver_queue_length",
            "Connections that wait in the queue for a worker.",
            pool.queued,
        ),
        (
            "httpserver_queue_capacity",
            "Connections the queue holds before accepting pauses.",
            pool.queue_capacity,
        ),
    ];
    gauge_each(out, &gauges);
}

fn workers(out: &mut Exposition, pool: &Figures) {
    let gauges = [
        (
            "httpserver_workers",
            "Worker threads.",
            pool.processor_times.len() as u64,
        ),
        (
            "httpserver_workers_busy",
            "Workers with a connection.",
            pool.busy,
        ),
        (
            "httpserver_workers_blocked",
            "Workers that may be waiting for a disk.",
            pool.blocked,
        ),
    ];
    gauge_each(out, &gauges);
    out.family(
        "httpserver_worker_cpu_seconds",
        MetricType::Counter,
        "Processor time of a worker.",
    );
    for (worker, time) in pool.processor_times.iter().enumerate() {
        if let Some(time) = time {
            out.sample(&[("worker", &worker.to_string())], seconds(*time));
        }
    }
}

fn files(out: &mut Exposition, files: &FileFigures) {
    let cache = &files.cache;
    for (name, help, value) in [
        (
            "httpserver_cache_hits",
            "Files found in the cache.",
            cache.hits,
        ),
        (
            "httpserver_cache_misses",
            "Files that had to be opened.",
            cache.misses,
        ),
    ] {
        out.family(name, MetricType::Counter, help);
        out.sample(&[], value);
    }
    let gauges = [
        ("httpserver_cache_files", "Files in the cache.", cache.files),
        (
            "httpserver_cache_bytes",
            "Content in the cache.",
            cache.bytes,
        ),
    ];
    gauge_each(out, &gauges);
    let Some(log) = files.log else { return };
    let gauges = [
        (
            "httpserver_log_end_bytes",
            "Offset of the next entry of the request log.",
            log.end,
        ),
        (
            "httpserver_log_reserved_bytes",
            "Space in the request log that is reserved for uploads in progress.",
            log.reserved,
        ),
        (
            "httpserver_log_preallocated_bytes",
            "The disk has space for the request log up to here.",
            log.preallocated,
        ),
        (
            "httpserver_log_full",
            "1 while entries are missing in the request log for want of space, else 0.",
            log.is_full.into(),
        ),
    ];
    gauge_each(out, &gauges);
}

fn gauge_each(out: &mut Exposition, gauges: &[(&'static str, &str, u64)]) {
    for (name, help, value) in gauges {
        out.family(name, MetricType::Gauge, help);
        out.sample(&[], value);
    }
}

/// Seconds, as metrics have all times.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn samples_say_what_is_in_the_snapshot() {
        let text = text(&Snapshot::sample(), MetricsFormat::Prometheus);
        for line in [
            "process_start_time_seconds 1000",
            "httpserver_draining 0",
            "httpserver_requests_total{method=\"GET\",status=\"200\"} 7",
            "httpserver_requests_total{method=\"PUT\",status=\"none\"} 2",
            "httpserver_request_duration_seconds_bucket{method=\"GET\",le=\"0.0001\"} 0",
            "httpserver_request_duration_seconds_bucket{method=\"GET\",le=\"0.00025\"} 7",
            "httpserver_request_duration_seconds_bucket{method=\"GET\",le=\"10\"} 7",
            "httpserver_request_duration_seconds_bucket{method=\"GET\",le=\"+Inf\"} 8",
            "httpserver_request_duration_seconds_sum{method=\"GET\"} 12.0015",
            "httpserver_request_duration_seconds_count{method=\"GET\"} 8",
            "httpserver_request_duration_seconds_count{method=\"other\"} 0",
            "httpserver_tls_handshakes_total{version=\"none\",result=\"failed\"} 1",
            "httpserver_tls_handshakes_total{version=\"TLSv1.3\",result=\"full\"} 4",
            "httpserver_tls_handshakes_total{version=\"TLSv1.3\",result=\"resumed\"} 2",
            "httpserver_received_bytes_total 1000",
            "httpserver_sent_bytes_total 2000",
            "httpserver_turns_total 12",
            "httpserver_longest_turn_seconds 0.0015",
            "httpserver_connections_accepted_total 9",
            "httpserver_connections{state=\"idle\"} 1",
            "httpserver_connections{state=\"receiving\"} 2",
            "httpserver_connections{state=\"sending\"} 3",
            "httpserver_connections{state=\"active\"} 4",
            "httpserver_connections_limit 100",
            "httpserver_queue_length 5",
            "httpserver_queue_capacity 1024",
            "httpserver_workers 2",
            "httpserver_workers_busy 2",
            "httpserver_workers_blocked 1",
            "httpserver_worker_cpu_seconds_total{worker=\"0\"} 1.23",
            "httpserver_cache_hits_total 6",
            "httpserver_cache_misses_total 3",
            "httpserver_cache_files 2",
            "httpserver_cache_bytes 4096",
            "httpserver_log_end_bytes 300",
            "httpserver_log_reserved_bytes 20",
            "httpserver_log_preallocated_bytes 70000",
            "httpserver_log_full 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("worker=\"1\""), "{text}");
    }

    /// Name and kind of each metric, as the format 0.0.4 says them.
    fn emitted() -> BTreeSet<(String, String)> {
        let text = text(&Snapshot::sample(), MetricsFormat::Prometheus);
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let split = types.filter_map(|line| line.split_once(' '));
        split
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .collect()
    }

    #[test]
    fn dashboard_and_alerts_ask_for_emitted_metrics_only() {
        let emitted = emitted();
        for (file, text) in [
            ("alerts.yml", include_str!("../../packaging/alerts.yml")),
            (
                "grafana-dashboard.json",
                include_str!("../../packaging/grafana-dashboard.json"),
            ),
        ] {
            let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let words = text.split(|c| !is_of_a_name(c));
            let names: BTreeSet<_> = words
                .filter(|word| word.starts_with("httpserver_"))
                .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
                .collect();
            assert!(names.len() > 5, "{file}: {names:?}");
            for name in names {
                let is_emitted = emitted.iter().any(|(found, _)| found == name);
                assert!(is_emitted, "{file}: {name}");
            }
        }
    }

    #[test]
    fn the_documented_metrics_are_the_emitted_ones() {
        let document = include_str!("../../docs/operations.md");
        let rows = document.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.trim().trim_matches('`');
            let kind = cells.next()?.trim();
            ["counter", "gauge", "histogram"].contains(&kind).then(|| {
                (
                    name.split('{').next().unwrap_or(name).to_owned(),
                    kind.to_owned(),
                )
            })
        });
        let documented: BTreeSet<_> = rows.collect();
        assert_eq!(documented, emitted());
    }
}
