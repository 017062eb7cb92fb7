//! The pool: listeners, a bounded queue, N workers and a reactor, for any protocol that is a [`Service`].
//!
//! The main thread accepts and pushes into the queue. Workers pop, and serve a connection until it would wait for its
//! peer; then the connection is parked in the reactor, and the worker is free. An idle worker polls the reactor and
//! serves connections that become ready. [`Service`] describes a turn.
//!
//! This room does not depend on HTTP or files: `examples/echo.rs` runs another protocol on it.

mod accept;
mod accepted;
mod epoll;
mod lifecycle;
mod processor_time;
mod protocol;
mod reactor;
mod receive_space;
mod session_waker;
mod step_clock;
mod transport;
mod view;
pub(crate) mod waker;
mod workers;

use std::io;
use std::num::NonZeroUsize;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use thiserror::Error;

use self::accept::accept_loop::Acceptor;
use self::accept::admission::Limits;
use self::accept::limits;
use self::accept::scheduled_stop::ScheduledStop;
use self::accept::signals::Signals;
use self::accept::supervision::{Report, Supervision};
use self::lifecycle::Unsupervised;
use self::reactor::{Reactor, max_pollers};
use self::view::PoolView;
use self::waker::Waker;
use self::workers::pool::Pool;
use self::workers::queue::Queue;
use self::workers::spares::SpareWorkers;
use self::workers::worker::Worker;

pub use self::accept::client_limit::ClientLimit;
pub(crate) use self::accept::listener::AcceptOutcome;
pub use self::accept::listener::{Listener, LocalAddress};
pub use self::accept::scheduled_stop::StopHandle;
pub use self::lifecycle::Lifecycle;
pub(crate) use self::processor_time::thread_processor_time;
pub use self::protocol::{
    Activity, CloseCause, Deadline, Interest, Next, Service, Session, Stopping, Turn, WakeReason,
};
pub use self::session_waker::SessionWaker;
pub use self::step_clock::StepClock;
pub use self::transport::{After, Socket, Transport};
pub use self::view::{Connections, Figures, View, WorkerOccupation, WorkerProgress, Workload};
pub use crate::peer::Peer;

/// The configuration of a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Worker threads.
    pub workers: NonZeroUsize,
    /// Processors that its threads may use. One fewer of its workers poll.
    pub processors: NonZeroUsize,
    /// Jobs the queue holds before the main thread blocks.
    pub queue: NonZeroUsize,
    /// Connections that may be open at once; `None` leaves it to the descriptor limit.
    pub max_connections: Option<NonZeroUsize>,
    /// Connections that one client may have open at once; `None` does not count them.
    pub client_limit: Option<ClientLimit>,
    /// The time for requests in progress after the first SIGINT or SIGTERM.
    pub drain: Duration,
    /// The time after which the server stops by itself; `None` is never.
    pub lifetime: Option<Duration>,
}

/// Why a server could not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The signal handlers.
    #[error("cannot handle signals: {0}")]
    Signals(#[source] io::Error),
    /// The epoll instance or an eventfd.
    #[error("cannot set up the reactor: {0}")]
    Reactor(#[source] io::Error),
    /// A worker thread.
    #[error("cannot start worker {number} of {of}: {source}")]
    Worker {
        /// Its number, from 0.
        number: usize,
        /// The requested number of workers.
        of: usize,
        /// The cause, from `pthread_create(3)`.
        source: io::Error,
    },
    /// The thread of a companion.
    #[error("cannot start the thread beside the workers: {0}")]
    Companion(#[source] io::Error),
}

/// A server that has taken over the signals, and is ready to run.
pub struct Server {
    settings: Settings,
    signals: Signals,
    stop: StopHandle,
    descriptors: usize,
    report_status: Option<StatusReport>,
    companion: Option<Companion>,
    lifecycle: Box<dyn Lifecycle>,
}

/// Reports the status of a server, for SIGUSR2.
type StatusReport = Box<dyn Fn(&dyn View) + Send>;

/// A function that runs on a thread of its own beside the workers.
type Companion = Box<dyn FnOnce(&dyn View) + Send>;

impl Server {
    /// Raises the descriptor limit and takes over SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2.
    pub fn new(settings: Settings) -> Result<Self, ServerError> {
        Ok(Self {
            settings,
            signals: Signals::register().map_err(ServerError::Signals)?,
            stop: StopHandle::new().map_err(ServerError::Reactor)?,
            descriptors: limits::raise_descriptors(),
            report_status: None,
            companion: None,
            lifecycle: Box::new(Unsupervised),
        })
    }

    /// The same; on SIGUSR2, which otherwise has no effect, the main thread calls `report`.
    #[must_use]
    pub fn on_status_signal(mut self, report: impl Fn(&dyn View) + Send + 'static) -> Self {
        self.report_status = Some(Box::new(report));
        self
    }

    /// The same, with `companion` on a thread of its own, while the server runs. It must return when [`View::end`] is
    /// readable.
    #[must_use]
    pub fn beside(mut self, companion: impl FnOnce(&dyn View) + Send + 'static) -> Self {
        self.companion = Some(Box::new(companion));
        self
    }

    /// The same; `lifecycle` is called from the first connection on.
    #[must_use]
    pub fn supervised_by(mut self, lifecycle: impl Lifecycle + 'static) -> Self {
        self.lifecycle = Box::new(lifecycle);
        self
    }

    /// A handle to stop the server from another thread.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Serves connections of these listeners until SIGINT, SIGTERM, [`StopHandle::stop`] or the end of its lifetime;
    /// then finishes the requests in progress and joins its threads. `on_start` is called once, before the first
    /// connection is accepted, when the start can no longer fail.
    ///
    /// # Errors
    /// Only before the first connection is accepted; also an error of `on_start`.
    pub fn run<V: Service, E: From<ServerError>>(
        self,
        listeners: Vec<Listener>,
        service: V,
        on_start: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let workers = self.settings.workers.get();
        let max_connections = self.settings.max_connections.map_or_else(
            || limits::connections(self.descriptors, workers),
            NonZeroUsize::get,
        );
        let bound = limits::slots(self.descriptors, max_connections);
        let max_pollers = max_pollers(self.settings.processors);
        let reactor = Reactor::new(bound, max_pollers).map_err(ServerError::Reactor)?;
        let queue = Queue::new(self.settings.queue.get());
        let spares = (workers > max_pollers).then(|| SpareWorkers::new(workers));
        let pool = Pool::new(service, queue, reactor, spares).map_err(ServerError::Reactor)?;
        let pool = &pool.with_gauges(workers);
        let end = &Waker::new().map_err(ServerError::Reactor)?;
        let view = PoolView {
            pool,
            max_connections,
            queue_capacity: self.settings.queue.get(),
            end,
        };
        let (view, report_status, mut lifecycle) = (&view, self.report_status, self.lifecycle);
        thread::scope(|scope| {
            start_workers(scope, pool, workers)?;
            if let Some(companion) = self.companion {
                let thread = thread::Builder::new().name("companion".to_owned());
                let started = thread.spawn_scoped(scope, move || companion(view));
                if let Err(error) = started {
                    pool.stop(workers);
                    return Err(E::from(ServerError::Companion(error)));
                }
            }
            if let Err(error) = on_start() {
                pool.stop(workers);
                end.wake();
                return Err(error);
            }
            let ending = ending(self.stop, &self.settings);
            let limits = Limits {
                connections: max_connections,
                client: self.settings.client_limit,
            };
            let report_status = report_status.as_deref().map(|report| report as Report<'_>);
            let supervision = Supervision::new(view, report_status, &mut *lifecycle);
            let signals = &self.signals;
            Acceptor::new(pool, signals, listeners, limits, ending, supervision).run();
            pool.stop(workers);
            end.wake();
            Ok(())
        })
    }
}

/// Starts the worker threads; all or none.
fn start_workers<'scope, V: Service>(
    scope: &'scope Scope<'scope, '_>,
    pool: &'scope Pool<V>,
    workers: usize,
) -> Result<(), ServerError> {
    for number in 0..workers {
        let started = thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn_scoped(scope, move || Worker::new(pool, number).run());
        if let Err(source) = started {
            pool.stop(number);
            return Err(ServerError::Worker {
                number,
                of: workers,
                source,
            });
        }
    }
    Ok(())
}

/// The scheduled stop of the server, unless a signal stops it earlier.
fn ending(requested: StopHandle, settings: &Settings) -> ScheduledStop {
    let ends = |lifetime| Instant::now().checked_add(lifetime);
    ScheduledStop {
        requested,
        at: settings.lifetime.and_then(ends),
        drain: settings.drain,
    }
}
