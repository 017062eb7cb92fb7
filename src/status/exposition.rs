//! The two text formats of metrics: Prometheus' 0.0.4, and `OpenMetrics` 1.0.
//!
//! They differ in the name of a counter's family, and in the line at the end. The crate `prometheus-client` writes the
//! second only, so this is written here. Which metrics there are is in `metrics`.

use std::fmt::{Display, Write};

use crate::http::semantics::negotiation::weights::prefers;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricsFormat {
    Prometheus,
    OpenMetrics,
}

/// The name, type and meaning of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricType {
    /// It only grows. The name of its family has no `_total`.
    Counter,
    Gauge,
    Histogram,
}

/// Metrics in one of the formats, family after family.
pub(super) struct Exposition {
    format: MetricsFormat,
    text: String,
    family: &'static str,
    kind: MetricType,
}

impl MetricsFormat {
    /// The format that a client asks for with this Accept field.
    pub(super) fn of(accept: Option<&[u8]>) -> Self {
        match accept {
            Some(accept) if prefers(accept, "application/openmetrics-text", "text/plain") => {
                Self::OpenMetrics
            }
            _ => Self::Prometheus,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Exposition {
    pub(super) fn new(format: MetricsFormat) -> Self {
        Self {
            format,
            text: String::new(),
            family: "",
            kind: MetricType::Gauge,
        }
    }

    /// Begins a family.
    pub(super) fn family(&mut self, name: &'static str, kind: MetricType, help: &str) {
        let suffix = match (kind, self.format) {
            (MetricType::Counter, MetricsFormat::Prometheus) => "_total",
            _ => "",
        };
        let word = match kind {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
        };
        let _ = writeln!(
            self.text,
            "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {word}"
        );
        (self.family, self.kind) = (name, kind);
    }

    /// A sample of the family. No value of a label needs an escape.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let suffix = match self.kind {
            MetricType::Counter => "_total",
            MetricType::Gauge | MetricType::Histogram => "",
        };
        self.line(suffix, labels, value);
    }

    /// A sample of a histogram: one of its buckets, its count or its sum.
    pub(super) fn part(&mut self, part: &str, labels: &[(&str, &str)], value: impl Display) {
        self.line(part, labels, value);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.family);
        for (at, (name, value)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{name}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// The whole text.
    pub(super) fn end(mut self) -> String {
        if self.format == MetricsFormat::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_sent_to_those_that_prefer_it() {
        const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;q=0.5,\
                                  application/openmetrics-text;version=0.0.1;q=0.4,\
                                  text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (None, MetricsFormat::Prometheus),
            (Some(""), MetricsFormat::Prometheus),
            (Some("*/*"), MetricsFormat::Prometheus),
            (Some("text/plain"), MetricsFormat::Prometheus),
            (Some(PROMETHEUS), MetricsFormat::OpenMetrics),
            (
                Some("application/openmetrics-text"),
                MetricsFormat::OpenMetrics,
            ),
            (
                Some("application/openmetrics-text;q=0"),
                MetricsFormat::Prometheus,
            ),
            (
                Some("application/openmetrics-text;q=0.1, text/plain"),
                MetricsFormat::Prometheus,
            ),
        ] {
            let chosen = MetricsFormat::of(accept.map(str::as_bytes));
            assert_eq!(chosen, format, "{accept:?}");
        }
    }

    #[test]
    fn families_are_written_in_either_format() {
        let write = |format| {
            let mut out = Exposition::new(format);
            out.family("a_bytes", MetricType::Counter, "Bytes.");
            out.sample(&[("x", "1"), ("y", "2")], 3);
            out.family("b", MetricType::Gauge, "B.");
            out.sample(&[], 0.5);
            out.end()
        };
        assert_eq!(
            write(MetricsFormat::Prometheus),
            "# HELP a_bytes_total Bytes.\n# TYPE a_bytes_total counter\na_bytes_total{x=\"1\",y=\"2\"} 3\n\
             # HELP b B.\n# TYPE b gauge\nb 0.5\n"
        );
        assert_eq!(
            write(MetricsFormat::OpenMetrics),
            "# HELP a_bytes Bytes.\n# TYPE a_bytes counter\na_bytes_total{x=\"1\",y=\"2\"} 3\n\
             # HELP b B.\n# TYPE b gauge\nb 0.5\n# EOF\n"
        );
    }
}
