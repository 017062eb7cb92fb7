//! Sessions of a protocol whose turns the models themselves give.

use std::marker::PhantomData;

use httpserver::peer::Peer;
use httpserver::server::{Next, Transport, Turn};

use super::protocol::{CloseCause, Service, Session};

/// A protocol whose sessions hold scripts of this type.
pub(crate) struct Scripted<S>(PhantomData<fn() -> S>);

/// A session, with the actions of its model in its turns.
pub(crate) struct Client<S> {
    pub(crate) script: S,
}

impl<S> Scripted<S> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Send> Service for Scripted<S> {
    type Session = Client<S>;
    type Buffers = ();

    fn connect(&self, _: Peer, _: usize) -> Client<S> {
        unreachable!("a model makes its sessions")
    }

    fn buffers(&self) {}
}

impl<S: Send> Session for Client<S> {
    type Buffers = ();

    fn process<T: Transport>(&mut self, _: &T, (): &mut (), _: &Turn<'_>) {}

    fn flush<T: Transport>(&mut self, _: &T, (): &mut (), _: &Turn<'_>) -> Next {
        Next::Close
    }

    fn note_close(&mut self, _: CloseCause) {}
}
