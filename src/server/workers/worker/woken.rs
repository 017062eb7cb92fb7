//! A session that another thread wakes.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::server::Socket;
use crate::server::accepted::Connection;
use crate::server::protocol::{Activity, Deadline, Interest};
use crate::server::reactor::{ParkOutcome, Reactor};
use crate::server::session_waker::{SessionWaker, WokenSessions};
use crate::server::waker::Waker;

struct World {
    reactor: Reactor<()>,
    woken: Arc<WokenSessions>,
    fd: RawFd,
    peer: UnixStream,
    _backup: UnixStream,
}

fn connected() -> (World, Box<Connection<()>>) {
    let (ours, peer) = UnixStream::pair().unwrap();
    let backup = ours.try_clone().unwrap();
    let connection = Box::new(Connection::new(Socket::new(ours.into()), ()));
    let fd = connection.socket.as_fd().as_raw_fd();
    let reactor = Reactor::new(65_536, 1).unwrap();
    assert!(reactor.make_slot(fd));
    let world = World {
        reactor,
        woken: Arc::new(WokenSessions::new(&Arc::new(Waker::new().unwrap()))),
        fd,
        peer,
        _backup: backup,
    };
    (world, connection)
}

impl World {
    fn park(&self, connection: Box<Connection<()>>, interest: Interest) -> ParkOutcome<()> {
        let deadline = Deadline {
            at: Instant::now() + Duration::from_secs(3600),
            activity: Activity::Request,
        };
        self.reactor.park(connection, interest, deadline)
    }

    fn wake(&self) -> Option<Box<Connection<()>>> {
        SessionWaker::new(&self.woken, self.fd).wake();
        let woken = self.woken.take();
        assert_eq!(woken, [self.fd]);
        self.reactor.take_woken(self.fd)
    }
}

#[test]
fn session_that_waits_for_its_waker_is_woken() {
    let (world, connection) = connected();
    assert!(matches!(
        world.park(connection, Interest::Waker),
        ParkOutcome::ParkedDueFirst
    ));
    assert!(world.reactor.take_woken(world.fd).is_some());
    assert!(world.woken.take().is_empty());
}

#[test]
fn session_that_is_woken_in_its_turn_does_not_wait() {
    let (world, connection) = connected();
    assert!(world.wake().is_none(), "it is not parked");
    assert!(matches!(
        world.park(connection, Interest::Waker),
        ParkOutcome::Ready(_)
    ));
}

#[test]
fn session_that_waits_for_its_peer_is_not_woken() {
    let (world, connection) = connected();
    let _ = world.park(connection, Interest::Read);
    assert!(world.wake().is_none());
    (&world.peer).write_all(b"x").unwrap();
}
