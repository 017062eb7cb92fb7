//! The thread that verifies passwords, and the queue before it.
//!
//! Verifying a password deliberately takes from milliseconds to a second. No worker does that: the connection is parked
//! with a [`Ticket`], and is woken when the verdict is ready. The thread gets less processor time than the workers if
//! there is not enough for all.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::process::{getpriority_process, setpriority_process};

/// Passwords that wait to be verified.
const QUEUE: usize = 64;

/// The increment by which the thread's priority is lower; see nice(2).
const NICE: i32 = 10;

/// A password that is being verified. Once this is dropped, its verdict is of no use.
#[derive(Debug)]
pub struct Ticket(Arc<VerificationState>);

#[derive(Debug, Default)]
struct VerificationState {
    verdict: OnceLock<PasswordCheck>,
    is_dropped: AtomicBool,
}

/// Whether a password is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordCheck {
    Right,
    Wrong,
}

/// A password to verify, and the callback for its verdict.
pub(super) struct Verification<W> {
    pub(super) work: W,
    state: Arc<VerificationState>,
    wake: Box<dyn FnOnce() + Send>,
}

/// Verifies passwords.
pub(super) trait Verify: Send + 'static {
    /// A name, a password, and the sending client.
    type Work: Send;

    /// Verifies a password, which takes time.
    fn verify(&self, work: &Self::Work) -> PasswordCheck;

    /// The ticket was dropped before the verification began.
    fn give_up(&self, work: &Self::Work);
}

/// The queue and its thread, which ends when this is dropped.
pub(super) struct Verifier<W> {
    /// `None` before it starts, and when it ends.
    queue: Option<Sender<Verification<W>>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticket {
    pub(super) fn verdict(&self) -> Option<PasswordCheck> {
        self.0.verdict.get().copied()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.is_dropped.store(true, Ordering::Relaxed);
    }
}

impl<W: Send + 'static> Verifier<W> {
    /// A queue that takes no work.
    pub(super) fn unstarted() -> Self {
        Self {
            queue: None,
            thread: None,
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// From `pthread_create(3)`.
    pub(super) fn start(verify: impl Verify<Work = W>) -> io::Result<Self> {
        let (queue, jobs) = bounded(QUEUE);
        let thread = thread::Builder::new()
            .name("passwords".to_owned())
            .spawn(move || run(&verify, &jobs))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Puts work into the queue, or returns it if the queue is full. `wake` is called with the verdict.
    pub(super) fn submit(
        &self,
        work: W,
        wake: impl FnOnce() + Send + 'static,
    ) -> Result<Ticket, W> {
        let state = Arc::<VerificationState>::default();
        let job = Verification {
            work,
            state: Arc::clone(&state),
            wake: Box::new(wake),
        };
        match &self.queue {
            Some(queue) => match queue.try_send(job) {
                Ok(()) => Ok(Ticket(state)),
                Err(refused) => Err(refused.into_inner().work),
            },
            None => Err(job.work),
        }
    }
}

impl<W> Drop for Verifier<W> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn run<V: Verify>(verify: &V, jobs: &Receiver<Verification<V::Work>>) {
    // Linux keeps the priority for each thread.
    let lowered = getpriority_process(None).and_then(|now| setpriority_process(None, now + NICE));
    if let Err(error) = lowered {
        log::debug!("passwords are verified with the priority of requests: {error}");
    }
    for Verification { work, state, wake } in jobs {
        if state.is_dropped.load(Ordering::Relaxed) {
            verify.give_up(&work);
            continue;
        }
        let verdict = verify.verify(&work);
        // No other thread sets it.
        let _ = state.verdict.set(verdict);
        wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::sync::lock;

    /// Finds the password 0 right, once it is told to continue.
    struct Numbers {
        go_on: Receiver<()>,
        given_up: Arc<Mutex<Vec<usize>>>,
    }

    impl Verify for Numbers {
        type Work = usize;

        fn verify(&self, work: &usize) -> PasswordCheck {
            self.go_on.recv().unwrap();
            if *work == 0 {
                PasswordCheck::Right
            } else {
                PasswordCheck::Wrong
            }
        }

        fn give_up(&self, work: &usize) {
            lock(&self.given_up).push(*work);
        }
    }

    #[test]
    fn verdicts_come_in_order_and_wake_and_a_full_queue_refuses() {
        let (go_on, told) = bounded(QUEUE + 2);
        let (woken, wakes) = bounded(QUEUE + 2);
        let given_up = Arc::<Mutex<Vec<usize>>>::default();
        let numbers = Numbers {
            go_on: told,
            given_up: Arc::clone(&given_up),
        };
        let verifier = Verifier::start(numbers).unwrap();
        let mut tickets = Vec::new();
        let mut number = 0;
        // One may have been taken out of the queue already.
        let refused = loop {
            let woken = woken.clone();
            match verifier.submit(number, move || woken.send(number).unwrap()) {
                Ok(ticket) => tickets.push(ticket),
                Err(work) => break work,
            }
            number += 1;
        };
        assert_eq!(refused, number);
        assert!(
            (QUEUE..=QUEUE + 1).contains(&tickets.len()),
            "{}",
            tickets.len()
        );
        assert!(tickets.iter().all(|ticket| ticket.verdict().is_none()));
        // The last one no longer has a ticket.
        drop(tickets.pop());
        for (expected, ticket) in tickets.iter().enumerate() {
            go_on.send(()).unwrap();
            assert_eq!(wakes.recv().unwrap(), expected);
            let right = if expected == 0 {
                PasswordCheck::Right
            } else {
                PasswordCheck::Wrong
            };
            assert_eq!(ticket.verdict(), Some(right));
        }
        drop(verifier);
        assert_eq!(*lock(&given_up), [tickets.len()]);
    }
}
