//! One worker by itself: the order of the turns and of the commits.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::peer::Peer;
use crate::server::accepted::Connection;
use crate::server::reactor::Reactor;
use crate::server::workers::held::HeldResponses;
use crate::server::workers::queue::{Job, Queue};
use crate::server::workers::spares::SpareWorkers;
use crate::server::{After, Socket, Transport};
use crate::sync::lock;

/// The actions of a session in its turns. In its last turn it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// It has one turn that cannot block.
    Quick,
    /// It finds in that turn that it needs a blocking one.
    QuickThenBlocking,
    /// It has a blocking turn at once.
    Blocking,
    /// It has two.
    BlockingTwice,
    /// It panics in the last step of a blocking turn.
    BlockingThenPanic,
    /// It yields once.
    YieldThenQuick,
    /// It panics in the first step.
    Panic,
    /// It panics in the last step.
    PanicInFlush,
}

/// The events, in order. Sessions are numbered in the order of the batch and the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Processed(usize),
    ProcessedBlocking(usize),
    Committed,
    Flushed(usize),
}

use Event::{Committed, Flushed, Processed, ProcessedBlocking};

type Events = Arc<Mutex<Vec<Event>>>;

struct Protocol {
    events: Events,
    pending: PendingCommit,
}

struct Client {
    number: usize,
    script: Script,
    turns: usize,
    events: Events,
}

impl Service for Protocol {
    type Session = Client;
    type Buffers = ();

    fn connect(&self, _: Peer, _: usize) -> Client {
        unreachable!("nobody connects")
    }

    fn buffers(&self) {}

    fn pending(&self, worker: usize) -> PendingCommit {
        assert_eq!(worker, 0);
        self.pending
    }

    fn commit(&self, worker: usize) {
        assert_eq!(worker, 0);
        lock(&self.events).push(Committed);
    }
}

impl Session for Client {
    type Buffers = ();

    fn may_block(&self) -> bool {
        match self.script {
            Script::Blocking | Script::BlockingThenPanic => self.turns == 0,
            Script::BlockingTwice => self.turns < 2,
            Script::QuickThenBlocking => self.turns == 1,
            Script::Quick | Script::YieldThenQuick | Script::Panic | Script::PanicInFlush => false,
        }
    }

    fn process<T: Transport>(&mut self, _: &T, (): &mut (), turn: &Turn<'_>) {
        let may_block = turn.permission().require().is_ok();
        assert_eq!(may_block, self.may_block());
        lock(&self.events).push(if may_block {
            ProcessedBlocking(self.number)
        } else {
            Processed(self.number)
        });
        assert_ne!(self.script, Script::Panic, "as it should");
        self.turns += 1;
    }

    fn flush<T: Transport>(&mut self, client: &T, (): &mut (), _: &Turn<'_>) -> Next {
        lock(&self.events).push(Flushed(self.number));
        let panics = matches!(
            self.script,
            Script::PanicInFlush | Script::BlockingThenPanic
        );
        assert!(!panics, "as it should");
        match self.script {
            Script::QuickThenBlocking | Script::BlockingTwice | Script::YieldThenQuick
                if self.turns == 1 =>
            {
                Next::Yield
            }
            _ => {
                assert_eq!(client.send(b"!", After::Flush).unwrap(), 1);
                Next::Close
            }
        }
    }
}

/// The events when a worker has this batch, and something is pending after every round.
fn run(batch: &[Script]) -> Vec<Event> {
    run_beside(batch, &[], 64, PendingCommit::Quick)
}

/// The same with others in a queue of this many places; their numbers follow those of the batch.
fn run_beside(
    batch: &[Script],
    queued: &[Script],
    places: usize,
    pending: PendingCommit,
) -> Vec<Event> {
    run_with(batch, queued, places, pending, None, Hold::new())
}

/// The same beside spare workers, with such a hold.
fn run_with(
    batch: &[Script],
    queued: &[Script],
    places: usize,
    pending: PendingCommit,
    spares: Option<SpareWorkers>,
    hold: Hold,
) -> Vec<Event> {
    let events = Events::default();
    let service = Protocol {
        events: Arc::clone(&events),
        pending,
    };
    let reactor = Reactor::new(1024, 1).unwrap();
    let pool = Pool::new(service, Queue::new(places), reactor, spares).unwrap();
    let mut worker = Worker::new(&pool, 0);
    worker.hold = hold;
    let mut peers = Vec::new();
    for (number, &script) in batch.iter().chain(queued).enumerate() {
        let (ours, peer) = UnixStream::pair().unwrap();
        peers.push(peer);
        let session = Client {
            number,
            script,
            turns: 0,
            events: Arc::clone(&events),
        };
        pool.capacity.add();
        let connection = Connection::new(Socket::new(ours.into()), session);
        assert!(pool.reactor.make_slot(connection.socket.number()));
        if number < batch.len() {
            worker.batch.ready.push_back(Box::new(connection));
        } else {
            pool.push(Job::Serve(Box::new(connection)));
        }
    }
    // A worker stops only when it has nothing left to do.
    while pool.capacity.open() > 0 {
        assert_eq!(worker.batch.gather(), Gathered::Batch);
        worker.serve_batch();
    }
    assert!(worker.batch.ready.is_empty());
    drop(worker);
    drop(pool);
    Arc::into_inner(events).unwrap().into_inner().unwrap()
}

#[test]
fn batch_is_processed_then_committed_then_flushed() {
    let expected = [
        Processed(0),
        Processed(1),
        Processed(2),
        Committed,
        Flushed(0),
        Flushed(1),
        Flushed(2),
    ];
    assert_eq!(run(&[Script::Quick; 3]), expected);
}

#[test]
fn nothing_is_committed_where_nothing_is_pending() {
    let events = run_beside(&[Script::Quick; 2], &[], 64, PendingCommit::Nothing);
    let expected = [Processed(0), Processed(1), Flushed(0), Flushed(1)];
    assert_eq!(events, expected);
}

#[test]
fn blocking_turn_comes_after_the_flush() {
    let script = [Script::Quick, Script::QuickThenBlocking, Script::Quick];
    let expected = [
        Processed(0),
        Processed(1),
        Processed(2),
        Committed,
        Flushed(0),
        Flushed(1),
        Flushed(2),
        ProcessedBlocking(1),
        Committed,
        Flushed(1),
    ];
    assert_eq!(run(&script), expected);
}

/// Each has its turn by itself, and those that can continue without blocking come first.
#[test]
fn blocking_turns_are_given_one_at_a_time() {
    let script = [Script::Blocking, Script::Quick, Script::QuickThenBlocking];
    let expected = [
        Processed(1),
        Processed(2),
        Committed,
        Flushed(1),
        Flushed(2),
        ProcessedBlocking(0),
        Committed,
        Flushed(0),
        // This connection was in the queue meanwhile.
        Committed,
        ProcessedBlocking(2),
        Committed,
        Flushed(2),
    ];
    assert_eq!(run(&script), expected);
}

#[test]
fn connections_that_wait_for_a_blocking_turn_are_given_to_the_queue() {
    let reactor = Reactor::new(1024, 1).unwrap();
    let service = Protocol {
        events: Events::default(),
        pending: PendingCommit::Nothing,
    };
    let pool = Pool::new(service, Queue::new(1), reactor, None).unwrap();
    let mut peers = Vec::new();
    let mut batch: VecDeque<_> = (0..3)
        .map(|number| {
            let (ours, peer) = UnixStream::pair().unwrap();
            peers.push(peer);
            let session = Client {
                number,
                script: Script::Blocking,
                turns: 0,
                events: Events::default(),
            };
            Box::new(Connection::new(Socket::new(ours.into()), session))
        })
        .collect();
    assert!(pool.enter_blocking_section(0, &mut batch).1.is_none());
    // Connections that do not fit into the queue stay, in their order.
    let kept: Vec<_> = batch.iter().map(|it| it.session.number).collect();
    assert_eq!(kept, [1, 2]);
    let Some(Job::Serve(first)) = pool.queue.try_pop() else {
        panic!("the queue is empty");
    };
    assert_eq!(first.session.number, 0);
}

#[test]
fn panic_costs_its_connection_only() {
    let script = [
        Script::Quick,
        Script::Panic,
        Script::PanicInFlush,
        Script::Quick,
    ];
    let expected = [
        Processed(0),
        Processed(1),
        Processed(2),
        Processed(3),
        Committed,
        Flushed(0),
        Flushed(2),
        Flushed(3),
    ];
    assert_eq!(run(&script), expected);
}

#[test]
fn session_that_yields_does_not_keep_a_full_queue_waiting() {
    let events = run_beside(
        &[Script::YieldThenQuick],
        &[Script::Quick],
        1,
        PendingCommit::Nothing,
    );
    let expected = [
        Processed(0),
        Flushed(0),
        Processed(1),
        Flushed(1),
        Processed(0),
        Flushed(0),
    ];
    assert_eq!(events, expected);
}

/// The events of these turns beside a spare worker, if responses may be held so long.
fn run_beside_spare(batch: &[Script], queued: &[Script], longest: Duration) -> Vec<Event> {
    let spares = Some(SpareWorkers::asleep());
    let nothing = PendingCommit::Nothing;
    run_with(batch, queued, 64, nothing, spares, Hold::of(longest))
}

/// The first steps of a blocking turn.
fn turn(number: usize) -> [Event; 2] {
    [ProcessedBlocking(number), Committed]
}

/// A blocking turn whose response is sent at once.
fn whole_turn(number: usize) -> [Event; 3] {
    [ProcessedBlocking(number), Committed, Flushed(number)]
}

#[test]
fn responses_of_short_blocking_turns_are_sent_together() {
    let expected: Vec<_> = (0..8)
        .flat_map(turn)
        .chain((0..8).map(Flushed))
        .chain((8..10).flat_map(turn))
        .chain((8..10).map(Flushed))
        .collect();
    let events = run_beside_spare(&[Script::Blocking; 10], &[], Duration::MAX);
    assert_eq!(events, expected);
}

#[test]
fn response_of_a_long_blocking_turn_is_sent_before_the_next() {
    let expected = [whole_turn(0), whole_turn(1)].concat();
    let script = [Script::Blocking; 2];
    assert_eq!(run_beside_spare(&script, &[], Duration::ZERO), expected);
    // And of each turn, if no worker is spare.
    for spares in [None, Some(SpareWorkers::new(4))] {
        let hold = Hold::of(Duration::MAX);
        let events = run_with(&script, &[], 64, PendingCommit::Nothing, spares, hold);
        assert_eq!(events, expected);
    }
}

#[test]
fn held_response_is_sent_before_other_turns() {
    let events = run_beside_spare(
        &[Script::Blocking; 2],
        &[Script::YieldThenQuick],
        Duration::MAX,
    );
    let expected = [
        ProcessedBlocking(0),
        Committed,
        Flushed(0),
        Processed(2),
        Flushed(2),
        ProcessedBlocking(1),
        Committed,
        Flushed(1),
        Processed(2),
        Flushed(2),
    ];
    assert_eq!(events, expected);
    // A blocking turn that needs another one is not held, and what is held does not wait for that.
    let script = [Script::Blocking, Script::BlockingTwice];
    let expected = [
        ProcessedBlocking(0),
        Committed,
        ProcessedBlocking(1),
        Committed,
        Flushed(1),
        Flushed(0),
        ProcessedBlocking(1),
        Committed,
        Flushed(1),
    ];
    assert_eq!(run_beside_spare(&script, &[], Duration::MAX), expected);
}

#[test]
fn held_response_is_sent_before_the_next_turn_of_a_long_request() {
    let script = [Script::BlockingTwice, Script::Blocking];
    let expected = [whole_turn(0), whole_turn(1), whole_turn(0)].concat();
    assert_eq!(run_beside_spare(&script, &[], Duration::MAX), expected);
}

#[test]
fn panic_in_the_flush_of_a_held_response_costs_its_connection_only() {
    let script = [Script::BlockingThenPanic, Script::Blocking];
    let expected = [
        ProcessedBlocking(0),
        Committed,
        ProcessedBlocking(1),
        Committed,
        Flushed(0),
        Flushed(1),
    ];
    assert_eq!(run_beside_spare(&script, &[], Duration::MAX), expected);
}

#[test]
fn held_response_is_taken_once() {
    let held = HeldResponses::new(2);
    let (ours, _peer) = UnixStream::pair().unwrap();
    held.hold(1, Box::new(Connection::new(Socket::new(ours.into()), ())));
    let mut taken = Vec::new();
    held.take(0, &mut taken);
    assert!(taken.is_empty());
    held.take_all(&mut taken);
    held.take(1, &mut taken);
    held.take(7, &mut taken);
    assert_eq!(taken.len(), 1);
}
