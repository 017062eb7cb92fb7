//! A blocking section against the batch of its worker: no connection waits for a worker that is blocked.
//!
//! Workers gather and enter blocking sections with the shipped code. The disk hangs until the quick connection is
//! served, which came with those that block: so if it waits for them, all sleep for ever.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};

use crate::explore::Model;
use crate::server::accepted::Connection;
use crate::server::epoll;
use crate::server::reactor::Reactor;
use crate::server::scripted::{Client, Scripted};
use crate::server::transport::Socket;
use crate::server::waker::Waker;
use crate::server::workers::batch::{Batch, Gathered};
use crate::server::workers::pool::Pool;
use crate::server::workers::queue::{Job, Queue};
use crate::server::workers::spares::SpareWorkers;

/// The turns of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// It lasts until the disk continues.
    Blocks,
    /// The same in a turn that cannot block, as if it had much work.
    Lasts,
    /// It ends immediately, and the disk continues.
    Quick,
    /// The same, but its response is held if that is allowed.
    Held,
}

struct Server {
    pool: Pool<Scripted<Script>>,
    disk: Waker,
}

impl Server {
    /// A pool in which this many workers may poll, and the others are spare.
    fn new(workers: usize, max_pollers: usize) -> Arc<Self> {
        let reactor = Reactor::new(epoll::SOCKETS, max_pollers).unwrap();
        let spares = Some(SpareWorkers::new(workers));
        Arc::new(Self {
            pool: Pool::new(Scripted::new(), Queue::new(4), reactor, spares).unwrap(),
            disk: Waker::new().unwrap(),
        })
    }

    fn start_worker(self: &Arc<Self>, number: usize) -> JoinHandle<()> {
        let server = self.clone();
        thread::spawn(move || {
            let mut batch = Batch::new(&server.pool, number);
            while batch.gather() == Gathered::Batch {
                server.serve(number, &mut batch);
            }
            // As `Worker` does at its end.
            server.pool.reactor.wake_poller();
            server.pool.call_spare();
        })
    }

    /// Gives the connections of a batch their turns.
    fn serve(&self, number: usize, batch: &mut Batch<'_, Scripted<Script>>) {
        for connection in batch.held.drain(..) {
            self.end(connection);
        }
        while let Some(connection) = batch.ready.pop_front() {
            match connection.session.script {
                Script::Blocks => {
                    if !self.pool.has_spare() {
                        self.pool.held.take(number, &mut batch.held);
                        for connection in batch.held.drain(..) {
                            self.end(connection);
                        }
                    }
                    let section = self.pool.enter_blocking_section(number, &mut batch.ready);
                    self.disk.wait();
                    drop(section);
                }
                Script::Lasts => self.disk.wait(),
                Script::Quick => {}
                Script::Held => {
                    drop(self.pool.enter_blocking_section(number, &mut batch.ready));
                    if self.pool.has_spare() {
                        self.pool.held.hold(number, connection);
                        continue;
                    }
                }
            }
            self.end(connection);
        }
    }

    /// Sends the response of a connection, and closes it.
    fn end(&self, connection: Box<Connection<Client<Script>>>) {
        self.disk.wake(); // also for other workers
        self.pool.close(connection);
    }

    fn connections(
        &self,
        clients: &[Script],
    ) -> impl Iterator<Item = Box<Connection<Client<Script>>>> {
        (0..).zip(clients).map(|(fd, &script)| {
            assert!(self.pool.reactor.make_slot(fd));
            self.pool.capacity.add();
            Box::new(Connection::new(Socket::new(fd), Client { script }))
        })
    }

    /// Worker 0, with a batch of these.
    fn serve_batch(&self, clients: &[Script]) {
        let mut batch = Batch::new(&self.pool, 0);
        batch.ready.extend(self.connections(clients));
        self.serve(0, &mut batch);
    }

    fn stop(&self, workers: Vec<JoinHandle<()>>) {
        self.pool.stop(workers.len());
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!(self.pool.capacity.open(), 0);
    }
}

/// A polling worker serves the connection that waits beside a blocked worker.
fn one_is_blocked() {
    let server = Server::new(2, 1);
    let workers = vec![server.start_worker(1)];
    server.serve_batch(&[Script::Blocks, Script::Quick]);
    server.stop(workers);
}

/// The polling worker is blocked, too: a spare worker serves the waiting connection.
fn two_are_blocked() {
    let server = Server::new(3, 1);
    let workers = vec![server.start_worker(1), server.start_worker(2)];
    server.serve_batch(&[Script::Blocks, Script::Blocks, Script::Quick]);
    server.stop(workers);
}

/// No other worker polls here: the most already poll elsewhere. The spare worker serves the waiting connection.
fn one_is_blocked_beside_a_spare() {
    let server = Server::new(2, 0);
    let workers = vec![server.start_worker(1)];
    server.serve_batch(&[Script::Blocks, Script::Quick]);
    server.stop(workers);
}

/// A spare worker sends the response that a blocked worker holds, or that one sends it before.
fn one_is_blocked_and_holds_a_response() {
    let server = Server::new(2, 0);
    let workers = vec![server.start_worker(1)];
    server.serve_batch(&[Script::Held]);
    server.serve_batch(&[Script::Blocks]);
    server.stop(workers);
}

/// Worker 0 is woken for two connections, and the first of these takes long.
fn one_has_much_to_do() {
    let server = Server::new(2, 2);
    let workers = vec![server.start_worker(1)];
    for connection in server.connections(&[Script::Lasts, Script::Quick]) {
        server.pool.push(Job::Serve(connection));
    }
    // Either worker has one of the two: the one that lasts holds its worker until the other has served the quick one.
    let mut batch = Batch::new(&server.pool, 0);
    assert!(batch.gather() == Gathered::Batch);
    server.serve(0, &mut batch);
    server.stop(workers);
}

#[test]
fn no_connection_waits_beside_a_blocked_worker() {
    let models = [
        Model::bounded(3, "one is blocked beside others", one_is_blocked),
        Model::bounded(1, "two are blocked beside others", two_are_blocked),
        Model::bounded(
            3,
            "one is blocked beside a spare",
            one_is_blocked_beside_a_spare,
        ),
        Model::bounded(3, "one has much to do", one_has_much_to_do),
        Model::bounded(
            3,
            "one is blocked and holds a response",
            one_is_blocked_and_holds_a_response,
        ),
    ];
    for model in models {
        model.explore();
    }
}
