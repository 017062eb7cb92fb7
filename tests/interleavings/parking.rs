//! Park against readiness, deadlines, eviction and shutdown: one of them wakes a parked connection, and it is closed
//! once.
//!
//! One or two workers gather and park with the shipped code, over a socket, a clock and a main thread of the model.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use loom::thread::{self, JoinHandle};

use crate::explore::Model;
use crate::server::accept::eviction::Eviction;
use crate::server::accepted::Connection;
use crate::server::epoll;
use crate::server::protocol::{Activity, CloseCause, Deadline, Interest, WakeReason};
use crate::server::reactor::Reactor;
use crate::server::scripted::{Client, Scripted};
use crate::server::transport::Socket;
use crate::server::workers::batch::{Batch, Gathered};
use crate::server::workers::pool::Pool;
use crate::server::workers::queue::{Job, Queue};

/// The actions of a client's session when it has received a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Closes,
    /// It waits again, for one second more than before.
    WaitsLonger,
    /// The same, in a request.
    WaitsLongerInRequest,
    /// It is in a request: it closes when it has received two bytes.
    WaitsForTwo,
}

struct Script {
    then: Then,
    deadline: Instant,
}

struct Server {
    pool: Pool<Scripted<Script>>,
    start: Instant,
    // They record events, and impose no order on them.
    received: AtomicUsize,
    timed_out: AtomicUsize,
}

impl Server {
    /// A server with one connection, on descriptor 0, in its queue.
    fn new(then: Then) -> Arc<Self> {
        let reactor = Reactor::new(epoll::SOCKETS, 2).unwrap();
        let server = Arc::new(Self {
            pool: Pool::new(Scripted::new(), Queue::new(4), reactor, None).unwrap(),
            start: Instant::now(),
            received: AtomicUsize::new(0),
            timed_out: AtomicUsize::new(0),
        });
        let script = Script {
            then,
            deadline: server.start + Duration::from_secs(1),
        };
        assert!(server.pool.reactor.make_slot(0));
        server.pool.capacity.add();
        let connection = Connection::new(Socket::new(0), Client { script });
        server.pool.push(Job::Serve(Box::new(connection)));
        server
    }

    /// A worker, until it gets `Stop`.
    fn start_worker(self: &Arc<Self>) -> JoinHandle<()> {
        let server = self.clone();
        thread::spawn(move || server.work())
    }

    fn work(&self) {
        let mut batch = Batch::new(&self.pool, 0);
        while batch.gather() == Gathered::Batch {
            while let Some(connection) = batch.ready.pop_front() {
                self.give_turn(&mut batch, connection);
            }
        }
        // As `Worker` does at its end: its last wake-up may stand for two events.
        self.pool.reactor.wake_poller();
    }

    fn give_turn(
        &self,
        batch: &mut Batch<'_, Scripted<Script>>,
        mut connection: Box<Connection<Client<Script>>>,
    ) {
        if connection.reason == WakeReason::TimedOut {
            self.timed_out.fetch_add(1, Ordering::Relaxed);
            return self.pool.close(connection);
        }
        let count = epoll::receive(0);
        let received = self.received.fetch_add(count, Ordering::Relaxed) + count;
        match connection.session.script.then {
            Then::Closes if count > 0 => return self.pool.close(connection),
            Then::WaitsLonger | Then::WaitsLongerInRequest if count > 0 => {
                connection.session.script.deadline += Duration::from_secs(1);
            }
            Then::WaitsForTwo if received == 2 => {
                self.pool.close(connection);
                return self.pool.stop(2);
            }
            // The peer sends the second as soon as the first is received.
            Then::WaitsForTwo if count > 0 => epoll::send(0),
            _ => {}
        }
        let deadline = Deadline {
            at: connection.session.script.deadline,
            activity: match connection.session.script.then {
                Then::Closes | Then::WaitsLonger => Activity::Idle { since: self.start },
                Then::WaitsLongerInRequest | Then::WaitsForTwo => Activity::Request,
            },
        };
        batch.park(connection, Interest::Read, deadline);
    }

    fn is_done(&self) -> bool {
        self.pool.capacity.request();
        self.pool.capacity.open() == 0
    }

    /// The loop of the main thread until no connection is open. Time passes when it sleeps until a deadline.
    fn run_clock(&self) {
        let mut now = self.start;
        while !self.is_done() {
            while let Some(connection) = self.pool.reactor.take_expired(now) {
                assert!(connection.session.script.deadline <= now, "too early");
                self.pool.push(Job::Serve(connection));
            }
            self.pool.reactor.wake_poller();
            if let Some(deadline) = self.pool.reactor.next_deadline() {
                now = now.max(deadline);
            } else {
                self.wait();
            }
        }
    }

    fn wait(&self) {
        self.pool.main_waker.wait();
        self.pool.main_waker.drain();
    }

    /// The loop of the main thread when it must stop immediately. It sleeps as if until the next deadline, but no time
    /// passes: the event that it waits for must come earlier.
    fn abort(&self) {
        self.pool.abort();
        while !self.is_done() {
            for connection in self.pool.reactor.clear() {
                self.pool.close_early(connection, CloseCause::Stopping);
            }
            if self.is_done() {
                break;
            }
            self.pool.reactor.next_deadline();
            self.wait();
        }
    }

    /// Ends its workers.
    fn stop(&self, workers: Vec<JoinHandle<()>>) {
        self.pool.stop(workers.len());
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(self.pool.capacity.open(), 0);
    }
}

fn peer_sends() -> JoinHandle<()> {
    thread::spawn(|| epoll::send(0))
}

/// A byte arrives before, while or after the connection is parked: it is received.
fn byte_comes() {
    let server = Server::new(Then::Closes);
    let worker = server.start_worker();
    epoll::send(0);
    server.pool.reactor.wake_poller();
    while !server.is_done() {
        server.wait();
    }
    assert_eq!(server.received.load(Ordering::Relaxed), 1);
    server.stop(vec![worker]);
}

/// Two bytes arrive, and two workers poll: a byte that arrives during a turn is received in the next.
fn byte_comes_during_a_turn() {
    let server = Server::new(Then::WaitsForTwo);
    let other = server.start_worker();
    epoll::send(0);
    server.work();
    other.join().unwrap();
    assert_eq!(server.received.load(Ordering::Relaxed), 2);
    assert_eq!(server.pool.capacity.open(), 0);
}

/// A deadline passes: the main thread notices it, however late the connection is parked.
fn deadline_passes() {
    let server = Server::new(Then::WaitsForTwo);
    let worker = server.start_worker();
    server.run_clock();
    assert_eq!(server.timed_out.load(Ordering::Relaxed), 1);
    server.stop(vec![worker]);
}

/// A byte arrives as a deadline passes: one of them wakes the connection. If it is the byte, the next deadline passes.
fn byte_comes_as_deadline_passes() {
    let server = Server::new(Then::WaitsLonger);
    let worker = server.start_worker();
    let peer = peer_sends();
    server.run_clock();
    peer.join().unwrap();
    assert!(server.received.load(Ordering::Relaxed) <= 1);
    assert_eq!(server.timed_out.load(Ordering::Relaxed), 1);
    server.stop(vec![worker]);
}

/// A byte arrives as an idle connection is closed because another needs its place: it is closed once.
fn byte_comes_as_connection_is_evicted() {
    let server = Server::new(Then::WaitsLonger);
    let worker = server.start_worker();
    let peer = peer_sends();
    let mut eviction = Eviction::default();
    let pool = &server.pool;
    while !pool
        .capacity
        .find(|| pool.capacity.open() < 1 || eviction.close_one(pool))
    {
        pool.reactor.wake_poller(); // for the jobs that eviction has pushed
        server.wait();
    }
    peer.join().unwrap();
    server.stop(vec![worker]);
}

/// The server stops as a worker parks an idle connection: it is closed, and the main thread notices it.
fn server_stops_as_connection_is_parked() {
    let server = Server::new(Then::Closes);
    let worker = server.start_worker();
    for connection in server.pool.reactor.stop() {
        server.pool.close_early(connection, CloseCause::Stopping);
    }
    while !server.is_done() {
        server.wait();
    }
    server.stop(vec![worker]);
}

/// The server must stop immediately.
fn server_aborts_as_connection_is_parked() {
    let server = Server::new(Then::WaitsForTwo);
    let worker = server.start_worker();
    server.abort();
    server.stop(vec![worker]);
}

/// The same where the timers have an earlier deadline: that of the connection's first wait. So the deadline with which
/// it is parked again wakes no worker.
fn server_aborts_as_connection_waits_longer() {
    let server = Server::new(Then::WaitsLongerInRequest);
    let worker = server.start_worker();
    while server.pool.reactor.next_deadline().is_none() {
        server.wait();
    }
    epoll::send(0);
    server.abort();
    server.stop(vec![worker]);
}

#[test]
fn parked_connection_is_woken_and_closed_once() {
    let models = [
        Model::bounded(2, "byte comes", byte_comes),
        Model::bounded(3, "byte during a turn", byte_comes_during_a_turn),
        Model::bounded(2, "deadline passes", deadline_passes),
        Model::bounded(2, "byte and deadline", byte_comes_as_deadline_passes),
        Model::bounded(2, "byte and eviction", byte_comes_as_connection_is_evicted),
        Model::bounded(2, "stop", server_stops_as_connection_is_parked),
        Model::bounded(2, "abort", server_aborts_as_connection_is_parked),
        Model::bounded(2, "abort, later", server_aborts_as_connection_waits_longer),
    ];
    for model in models {
        model.explore();
    }
}
