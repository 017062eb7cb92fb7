//! The thread of the status: one poll(2) over its listener and its clients.
//!
//! Clients, bytes and time are bounded. At the limit of clients, a new one replaces the oldest, so that a health check
//! succeeds even if other clients are slow.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::conversation::{Conversation, NextStep};
use super::health::{Health, PROBE_TIME, Prober};
use super::history::History;
use super::snapshot::FigureSources;
use crate::server::{AcceptOutcome, Listener, View};

/// Clients of the status at a time.
pub const MAX_CONNECTIONS: usize = 32;

/// How long accepting pauses when the system is out of descriptors or memory.
const EXHAUSTION_PAUSE: Duration = Duration::from_millis(100);

/// See the module's description.
pub struct StatusServer {
    listener: Listener,
    source: FigureSources,
    prober: Prober,
    history: History,
    /// The oldest is first.
    conversations: VecDeque<Conversation>,
    paused_until: Option<Instant>,
}

/// The event that ended a wait, besides deadlines.
struct StatusWakeup {
    end: bool,
    probe: bool,
    listener: bool,
    /// Conversations whose sockets are ready, in their order.
    ready: Vec<bool>,
}

impl StatusServer {
    /// Serves the status of this source on this listener.
    ///
    /// # Errors
    /// From eventfd(2).
    pub fn new(listener: Listener, source: FigureSources) -> io::Result<Self> {
        Ok(Self {
            listener,
            source,
            prober: Prober::new()?,
            history: History::new(Instant::now()),
            conversations: VecDeque::new(),
            paused_until: None,
        })
    }

    /// Runs until the server ends.
    pub fn run(mut self, view: &dyn View) {
        loop {
            let woken = self.wait(view);
            let now = Instant::now();
            if woken.end {
                return;
            }
            if self.history.due <= now {
                self.history.add(&self.source.snapshot(view), now);
            }
            self.advance(&woken.ready, view, now);
            if woken.probe {
                self.answer_health(view, now);
            }
            self.expire(view, now);
            if self.paused_until.is_some_and(|until| until <= now) {
                self.paused_until = None;
            }
            if woken.listener {
                self.accept(view, now);
            }
        }
    }

    fn wait(&self, view: &dyn View) -> StatusWakeup {
        let deadlines = self.conversations.iter().map(|one| one.deadline);
        let until = deadlines.chain(self.paused_until);
        let until = until.chain([self.history.due]).min();
        let timeout = until.and_then(|until| {
            let left = until.saturating_duration_since(Instant::now());
            Timespec::try_from(left).ok()
        });
        let listens = match self.paused_until {
            None => PollFlags::IN,
            Some(_) => PollFlags::empty(),
        };
        let end = view.end();
        let mut polled = vec![
            PollFd::from_borrowed_fd(end, PollFlags::IN),
            PollFd::new(self.prober.done(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.listener.as_fd(), listens),
        ];
        polled.extend(
            self.conversations
                .iter()
                .map(|one| PollFd::new(&one.socket, one.interest())),
        );
        if let Err(error) = poll(&mut polled, timeout.as_ref())
            && error != Errno::INTR
        {
            log::error!("the status cannot wait for its clients: {error}");
        }
        let mut ready = polled.iter().map(|fd| !fd.revents().is_empty());
        let mut is_ready = || ready.next().unwrap_or_default();
        StatusWakeup {
            end: is_ready(),
            probe: is_ready(),
            listener: is_ready(),
            ready: ready.collect(),
        }
    }

    /// Continues the ready conversations.
    fn advance(&mut self, ready: &[bool], view: &dyn View, now: Instant) {
        for (mut one, &is_ready) in mem::take(&mut self.conversations).into_iter().zip(ready) {
            if is_ready {
                let need = one.advance(now);
                self.keep(one, need, view, now);
            } else {
                self.conversations.push_back(one);
            }
        }
    }

    /// Keeps a conversation with its next need, or closes it.
    fn keep(&mut self, mut one: Conversation, need: NextStep, view: &dyn View, now: Instant) {
        match need {
            NextStep::Close => {}
            NextStep::Socket => self.conversations.push_back(one),
            NextStep::Response(asked) if !asked.is_for_health() => {
                let response = asked.response(&self.source.snapshot(view), &self.history);
                let need = one.respond(response, now);
                self.keep(one, need, view, now);
            }
            NextStep::Response(asked) => {
                if let Some(health) = self.health(view, now) {
                    let need = one.respond(asked.health(&health), now);
                    self.keep(one, need, view, now);
                } else {
                    one.await_health(asked, now + PROBE_TIME);
                    self.conversations.push_back(one);
                }
            }
        }
    }

    /// Whether the server is healthy; `None` while a probe runs.
    fn health(&mut self, view: &dyn View, now: Instant) -> Option<Health> {
        if view.is_draining() {
            return Some(Err("the server is stopping".to_owned()));
        }
        let source = &self.source;
        self.prober.ask(now, || source.probe())
    }

    /// A probe has returned, or is late for conversations with an expired deadline.
    fn answer_health(&mut self, view: &dyn View, now: Instant) {
        for mut one in mem::take(&mut self.conversations) {
            match one.take_awaiting() {
                Some(asked) => self.keep(one, NextStep::Response(asked), view, now),
                None => self.conversations.push_back(one),
            }
        }
    }

    /// Closes conversations with an expired deadline. A conversation that waits for a probe gets its response.
    fn expire(&mut self, view: &dyn View, now: Instant) {
        for mut one in mem::take(&mut self.conversations) {
            if one.deadline > now {
                self.conversations.push_back(one);
            } else if let Some(asked) = one.take_awaiting() {
                let health = self.health(view, now).unwrap_or_else(|| {
                    Err("the root or the log has not responded in time".to_owned())
                });
                let need = one.respond(asked.health(&health), now);
                self.keep(one, need, view, now);
            }
        }
    }

    /// Accepts the connections in the backlog, up to the limit.
    fn accept(&mut self, view: &dyn View, now: Instant) {
        for _ in 0..MAX_CONNECTIONS {
            match self.listener.accept() {
                AcceptOutcome::Connection(socket, _) => {
                    if self.conversations.len() >= MAX_CONNECTIONS {
                        self.conversations.pop_front();
                    }
                    let mut one = Conversation::new(socket, now);
                    // Most requests have arrived by now.
                    let need = one.advance(now);
                    self.keep(one, need, view, now);
                }
                AcceptOutcome::Gone => {}
                AcceptOutcome::Nobody => break,
                AcceptOutcome::Exhausted(error) => {
                    log::debug!("the status cannot accept for now: {error}");
                    self.paused_until = Some(now + EXHAUSTION_PAUSE);
                    break;
                }
            }
        }
    }
}
