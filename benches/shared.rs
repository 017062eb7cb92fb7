//! Benchmarks of each operation that all workers share. From their cost docs/performance.md estimates how many
//! processors the server can use.
//!
//! `cargo bench --bench shared`. Those in the group `passed` are done by two threads in turn, so they have the cost of
//! moving a cache line from one processor to another. No operation waits.

use std::collections::BinaryHeap;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use divan::{Bencher, black_box};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};

fn main() {
    divan::main();
}

/// Sockets of an epoll instance; a poller takes up to 16 at a time.
const READY: [usize; 2] = [1, 16];

const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Connected sockets that stay ready, since what has arrived is not read, and their clients.
fn ready_sockets(count: usize) -> (OwnedFd, Vec<TcpStream>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = listener.local_addr().expect("its address");
    let instance = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
    let mut ends = Vec::new();
    for number in 0..count {
        let mut client = TcpStream::connect(address).expect("a connection");
        client.write_all(b"x").expect("it is sent");
        let (socket, _) = listener.accept().expect("a connection");
        let data = EventData::new_u64(number as u64);
        epoll::add(&instance, &socket, data, EventFlags::IN).expect("a place");
        ends.extend([client, socket]);
    }
    (instance, ends)
}

/// One `epoll_wait(2)` that takes so many ready sockets. It holds the lock of the instance.
#[divan::bench(args = READY)]
fn epoll_wait(bencher: Bencher, ready: usize) {
    let (instance, _ends) = ready_sockets(ready);
    let mut events = Vec::with_capacity(16);
    bencher.bench_local(|| {
        events.clear();
        epoll::wait(&instance, spare_capacity(&mut events), Some(&AT_ONCE)).expect("events");
        assert_eq!(events.len(), ready);
    });
}

/// The write(2) that wakes a poller, if none sleeps.
#[divan::bench]
fn eventfd_write(bencher: Bencher) {
    let waker = eventfd(0, EventfdFlags::NONBLOCK).expect("an eventfd");
    let one = 1_u64.to_ne_bytes();
    bencher.bench_local(|| rustix::io::write(&waker, &one));
}

/// A connection through the queue.
#[divan::bench]
fn queue_push_and_pop(bencher: Bencher) {
    let (sender, receiver) = crossbeam_channel::bounded(1024);
    let mut job = Some(Box::new(0_u64));
    bencher.bench_local(|| {
        sender.try_send(job.take()).expect("there is room");
        job = receiver.try_recv().expect("there is a job");
    });
}

/// A deadline into the heap and out of it, beside those of 10,000 connections.
#[divan::bench]
fn timer_push_and_pop(bencher: Bencher) {
    let heap = Mutex::new((0..10_000_u64).collect::<BinaryHeap<_>>());
    let mut at = 0;
    bencher.bench_local(|| {
        at = (at + 7919) % 10_000;
        let mut heap = heap.lock().expect("no thread panics");
        heap.push(at);
        heap.pop()
    });
}

/// A mutex that no other thread wants, as that of a slot or of the log's offset.
#[divan::bench]
fn mutex(bencher: Bencher) {
    let end = Mutex::new(0_u64);
    bencher.bench_local(|| {
        let mut end = end.lock().expect("no thread panics");
        *end += 1;
        *end
    });
}

/// The turns of two threads.
mod passed {
    use super::{AtomicU64, AtomicUsize, Bencher, Mutex, Ordering, black_box};

    /// Does `work` in turn with another thread, which is told by an atomic number whose turn it is.
    fn in_turn(bencher: Bencher, work: impl Fn() + Sync) {
        /// Tells the other thread to end.
        const END: usize = usize::MAX;
        let turn = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    match turn.load(Ordering::Acquire) {
                        END => return,
                        now if now % 2 == 1 => {
                            work();
                            turn.store(now + 1, Ordering::Release);
                        }
                        _ => std::hint::spin_loop(),
                    }
                }
            });
            bencher.bench_local(|| {
                let now = turn.load(Ordering::Relaxed);
                work();
                turn.store(now + 1, Ordering::Release);
                while turn.load(Ordering::Acquire) == now + 1 {
                    std::hint::spin_loop();
                }
            });
            turn.store(END, Ordering::Release);
        });
    }

    /// Nothing but the turns, for comparison: two cache lines move, there and back.
    #[divan::bench]
    fn nothing(bencher: Bencher) {
        in_turn(bencher, || ());
    }

    /// A counter that all workers share.
    #[divan::bench]
    fn counter(bencher: Bencher) {
        let counter = AtomicU64::new(0);
        in_turn(bencher, || {
            black_box(counter.fetch_add(1, Ordering::Relaxed));
        });
    }

    /// A mutex and what it guards.
    #[divan::bench]
    fn mutex(bencher: Bencher) {
        let end = Mutex::new(0_u64);
        in_turn(bencher, || {
            *end.lock().expect("no thread panics") += 1;
        });
    }
}
