//! One worker by itself, with sessions that put something off: who has a turn when, and what is settled before.

use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use super::*;
use crate::server::connection::Connection;
use crate::server::reactor::Reactor;
use crate::server::workers::queue::Queue;
use crate::server::{After, Socket, Transport};
use crate::sync::lock;

/// What a session does in its first turn. In its second it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    PutsOff,
    PutsOffAfterLongWork,
    Panics,
    Yields,
}

/// What happened, in order. Sessions are numbered in the order of their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    First {
        session: usize,
        company: bool,
    },
    Settled,
    /// After it was settled, and before the second turn.
    Released {
        session: usize,
    },
    Second {
        session: usize,
    },
}

type Events = Arc<Mutex<Vec<Event>>>;

struct Protocol(Events);

struct Script {
    number: usize,
    first: Option<First>,
    events: Events,
}

impl Service for Protocol {
    type Session = Script;
    type Buffers = ();

    fn connect(&self, _: SocketAddr) -> Script {
        unreachable!("nobody connects")
    }

    fn buffers(&self) {}

    fn settle(&self, worker: usize) {
        assert_eq!(worker, 0);
        lock(&self.0).push(Event::Settled);
    }
}

impl Session for Script {
    type Buffers = ();

    fn advance<T: Transport>(&mut self, client: &T, (): &mut (), turn: &mut Turn<'_>) -> Next {
        let session = self.number;
        let Some(first) = self.first.take() else {
            lock(&self.events).push(Event::Second { session });
            assert_eq!(client.send(b"!", After::Flush).unwrap(), 1);
            return Next::Close;
        };
        let company = turn.has_company();
        lock(&self.events).push(Event::First { session, company });
        match first {
            First::PutsOff => {}
            First::PutsOffAfterLongWork => {
                turn.enter_blocking_section();
                assert!(!turn.has_company());
            }
            First::Panics => panic!("as it should"),
            First::Yields => return Next::Yield,
        }
        Next::Settle
    }

    fn release<T: Transport>(&mut self, _: &T) {
        let session = self.number;
        lock(&self.events).push(Event::Released { session });
    }
}

/// What happens when these are the batch of a worker.
fn run(batch: &[First]) -> Vec<Event> {
    run_beside(batch, &[], 64)
}

/// The same with others in a queue of so many places; they have the numbers after those of the batch.
fn run_beside(batch: &[First], queued: &[First], places: usize) -> Vec<Event> {
    let events = Events::default();
    let service = Protocol(Arc::clone(&events));
    let reactor = Reactor::new(1024, 1).unwrap();
    let pool = Pool::new(service, Queue::new(places), reactor, None).unwrap();
    let mut worker = Worker::new(&pool, 0);
    let mut peers = Vec::new();
    for (number, &first) in batch.iter().chain(queued).enumerate() {
        let (ours, peer) = UnixStream::pair().unwrap();
        peers.push(peer);
        let session = Script {
            number,
            first: Some(first),
            events: Arc::clone(&events),
        };
        pool.capacity.add();
        let connection = Connection::new(Socket::new(ours.into()), session);
        if number < batch.len() {
            worker.batch.push_back(Box::new(connection));
        } else {
            pool.push(Job::Serve(Box::new(connection)));
        }
    }
    // A worker stops only when it has nothing left to do.
    while pool.capacity.open() > 0 {
        let connection = worker.next().unwrap();
        worker.serve(connection);
    }
    assert!(worker.unsettled.is_empty() && worker.batch.is_empty());
    drop(worker);
    drop(pool);
    Arc::into_inner(events).unwrap().into_inner().unwrap()
}

fn first(session: usize, company: bool) -> Event {
    Event::First { session, company }
}

fn second(session: usize) -> Event {
    Event::Second { session }
}

#[test]
fn what_a_batch_puts_off_is_settled_at_once() {
    let expected = [
        first(0, true),
        first(1, true),
        first(2, true),
        Event::Settled,
        second(0),
        second(1),
        second(2),
    ];
    assert_eq!(run(&[First::PutsOff; 3]), expected);
}

#[test]
fn a_session_has_no_company_by_itself() {
    let expected = [first(0, false), Event::Settled, second(0)];
    assert_eq!(run(&[First::PutsOff]), expected);
}

#[test]
fn before_long_work_all_is_settled_and_given_to_the_queue() {
    let script = [First::PutsOff, First::PutsOffAfterLongWork, First::PutsOff];
    let expected = [
        first(0, true),
        first(1, true),
        Event::Settled,
        Event::Released { session: 0 },
        // It goes on by itself, since the others are in the queue.
        Event::Settled,
        second(1),
        second(0),
        first(2, false),
        Event::Settled,
        second(2),
    ];
    assert_eq!(run(&script), expected);
}

#[test]
fn what_others_put_off_survives_a_panic() {
    let expected = [
        first(0, true),
        first(1, true),
        Event::Settled,
        second(0),
        first(2, false),
        Event::Settled,
        second(2),
    ];
    let script = [First::PutsOff, First::Panics, First::PutsOff];
    assert_eq!(run(&script), expected);
}

#[test]
fn who_yields_does_not_keep_a_full_queue_waiting() {
    let expected = [
        first(0, false),
        first(1, false),
        Event::Settled,
        second(1),
        second(0),
    ];
    assert_eq!(run_beside(&[First::Yields], &[First::PutsOff], 1), expected);
}
