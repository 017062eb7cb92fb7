//! All figures of one moment.

use std::sync::Arc;
use std::time::SystemTime;

use crate::files::{FileFigures, FilesView, Probe};
use crate::reporting::{Reporter, Tally};
use crate::server::{Figures, View};
use crate::store::Attempt;

/// The source of figures.
#[derive(Clone)]
pub struct FigureSources {
    reporter: Option<Arc<Reporter>>,
    files: FilesView,
    attempt: Attempt,
    started: SystemTime,
}

/// The figures of a server at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// When the server started.
    pub started: SystemTime,
    /// The time of the snapshot.
    pub taken: SystemTime,
    /// Whether it is draining.
    pub is_draining: bool,
    /// Connections and workers.
    pub pool: Figures,
    /// Requests, if they are counted.
    pub tally: Option<Tally>,
    /// The file cache and the request log.
    pub files: FileFigures,
}

impl FigureSources {
    /// The source for a server that starts now. `attempt` is the extent of its probes.
    #[must_use]
    pub fn new(reporter: Option<Arc<Reporter>>, files: FilesView, attempt: Attempt) -> Self {
        Self {
            reporter,
            files,
            attempt,
            started: SystemTime::now(),
        }
    }

    /// The figures now.
    #[must_use]
    pub fn snapshot(&self, view: &dyn View) -> Snapshot {
        Snapshot {
            started: self.started,
            taken: SystemTime::now(),
            is_draining: view.is_draining(),
            pool: view.figures(),
            tally: self.reporter.as_ref().and_then(|reporter| reporter.tally()),
            files: self.files.figures(),
        }
    }

    /// A probe of the current root and log; `None` if the server has ended.
    pub(super) fn probe(&self) -> Option<Probe> {
        self.files.probe(self.attempt)
    }
}

#[cfg(test)]
impl Snapshot {
    /// Distinct figures.
    pub(super) fn sample() -> Self {
        use std::collections::BTreeMap;
        use std::time::Duration;

        use crate::reporting::{HandshakeResult, MethodLabel, Moved, TurnTime};
        use crate::request_log::write::LogFigures;
        use crate::server::Connections;
        use crate::store::CacheFigures;

        let mut tally = Tally {
            requests: BTreeMap::from([
                ((MethodLabel::Get, Some(200)), 7),
                ((MethodLabel::Get, Some(500)), 1),
                ((MethodLabel::Put, None), 2),
            ]),
            moved: Moved {
                received: 1_000,
                sent: 2_000,
            },
            turns: 12,
            longest_turn: TurnTime {
                wall: Duration::from_micros(1_500),
                ..TurnTime::default()
            },
            handshakes: BTreeMap::from([
                ((None, HandshakeResult::Failed), 1),
                ((Some("TLSv1.3"), HandshakeResult::Full), 4),
                ((Some("TLSv1.3"), HandshakeResult::Resumed), 2),
            ]),
            ..Tally::default()
        };
        tally.durations[0].counts[1] = 7;
        tally.durations[0].counts[16] = 1;
        tally.durations[0].sum = Duration::from_micros(12_001_500);
        Self {
            started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000),
            taken: SystemTime::UNIX_EPOCH + Duration::from_secs(1_090),
            is_draining: false,
            pool: Figures {
                accepted: 9,
                connections: Connections {
                    idle: 1,
                    receiving: 2,
                    sending: 3,
                    active: 4,
                },
                max_connections: 100,
                queued: 5,
                queue_capacity: 1_024,
                busy: 2,
                blocked: 1,
                processor_times: vec![Some(Duration::from_millis(1_230)), None],
            },
            tally: Some(tally),
            files: FileFigures {
                cache: CacheFigures {
                    hits: 6,
                    misses: 3,
                    files: 2,
                    bytes: 4_096,
                },
                log: Some(LogFigures {
                    end: 300,
                    reserved: 20,
                    preallocated: 70_000,
                    is_full: false,
                }),
            },
        }
    }
}
