//! Sockets and an edge-triggered epoll(7) instance.
//!
//! Each arrival on a watched socket is an event, and so is the first watch of a ready socket. One of the waiting
//! threads gets the event, with all readiness of its socket at that moment.

use std::cell::RefCell;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex, MutexGuard};
use rustix::io::Errno;

use super::transport::Socket;

pub(crate) use rustix::event::epoll::EventFlags;

/// Descriptors of a model's connections are below this.
pub(crate) const SOCKETS: usize = 3;

pub(crate) struct Epoll(Arc<Kernel>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeout {
    Never,
    AtOnce,
}

pub(crate) struct Events {
    sockets: Vec<(RawFd, EventFlags)>,
    is_woken: bool,
}

/// The state of the kernel in a model.
struct Kernel {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    sockets: [SocketState; SOCKETS],
    /// The waker was woken, and no thread has received that event.
    is_woken: bool,
}

#[derive(Clone, Copy, Default)]
struct SocketState {
    /// Bytes that no thread has received.
    input: usize,
    has_ended: bool,
    watched: Option<EventFlags>,
    /// There is an event that no thread has received.
    has_event: bool,
}

thread_local! {
    /// The kernel of the running model; loom runs all its threads on one.
    static KERNEL: RefCell<Option<Arc<Kernel>>> = const { RefCell::new(None) };
}

fn kernel() -> Arc<Kernel> {
    KERNEL.with_borrow(|kernel| kernel.clone().unwrap())
}

impl Kernel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn arrive(&self, fd: RawFd, change: impl FnOnce(&mut SocketState)) {
        let mut state = self.lock();
        let socket = state.socket(fd);
        change(socket);
        socket.has_event = socket.is_ready();
        drop(state);
        self.changed.notify_one();
    }
}

impl State {
    fn socket(&mut self, fd: RawFd) -> &mut SocketState {
        &mut self.sockets[usize::try_from(fd).unwrap()]
    }

    fn take_events(&mut self) -> Vec<(RawFd, EventFlags)> {
        let mut events = Vec::new();
        for (fd, socket) in (0..).zip(&mut self.sockets) {
            if std::mem::take(&mut socket.has_event) && socket.is_ready() {
                events.push((fd, socket.readiness()));
            }
        }
        events
    }
}

impl SocketState {
    fn readiness(&self) -> EventFlags {
        let mut readiness = EventFlags::OUT;
        readiness.set(EventFlags::IN, self.input > 0 || self.has_ended);
        readiness.set(EventFlags::RDHUP, self.has_ended);
        readiness & self.watched.unwrap_or(EventFlags::empty())
    }

    fn is_ready(&self) -> bool {
        !self.readiness().is_empty()
    }
}

impl Epoll {
    #[expect(clippy::unnecessary_wraps, reason = "as the real one")]
    pub(crate) fn new() -> io::Result<Self> {
        let kernel = Arc::new(Kernel {
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
        });
        KERNEL.set(Some(kernel.clone()));
        Ok(Self(kernel))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the real one")]
    pub(crate) fn watch(
        &self,
        socket: &Socket,
        watched: EventFlags,
        wanted: EventFlags,
    ) -> Result<(), Errno> {
        self.0.arrive(socket.number(), |socket| {
            assert_eq!(socket.watched.unwrap_or(EventFlags::empty()), watched);
            socket.watched = Some(wanted);
        });
        Ok(())
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Timeout) {
        let mut state = self.0.lock();
        loop {
            events.sockets = state.take_events();
            events.is_woken = std::mem::take(&mut state.is_woken);
            if !events.is_empty() || timeout == Timeout::AtOnce {
                return;
            }
            state = self.0.changed.wait(state).unwrap();
        }
    }

    pub(crate) fn wake(&self) {
        self.0.lock().is_woken = true;
        self.0.changed.notify_one();
    }
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            sockets: Vec::new(),
            is_woken: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sockets.is_empty() && !self.is_woken
    }

    pub(crate) fn sockets(&self) -> impl Iterator<Item = (RawFd, EventFlags)> {
        self.sockets.iter().copied()
    }
}

/// The peer sends a byte.
pub(crate) fn send(fd: RawFd) {
    kernel().arrive(fd, |socket| socket.input += 1);
}

/// The peer ends its stream.
pub(crate) fn end(fd: RawFd) {
    kernel().arrive(fd, |socket| socket.has_ended = true);
}

/// Receives all bytes, and returns their number.
pub(crate) fn receive(fd: RawFd) -> usize {
    std::mem::take(&mut kernel().lock().socket(fd).input)
}

pub(crate) fn has_input(fd: RawFd) -> bool {
    kernel().lock().socket(fd).input > 0
}

/// The socket is closed.
pub(crate) fn forget(fd: RawFd) {
    if !std::thread::panicking() {
        *kernel().lock().socket(fd) = SocketState::default();
    }
}
