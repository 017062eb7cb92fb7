//! Serves one connection to its end, as workers do, with a peer in memory.

use httpserver::blocking::PendingCommit;
use httpserver::connection::{Buffers, Dialect, HttpService, HttpSession, Spent, Timeouts};
use httpserver::server::{
    Activity, Interest, Next, Service, Session, StepClock, Stopping, Turn, WakeReason,
};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::peer::{Ending, Peer};

/// Bytes that a connection may keep between two turns: a worker's whole input, and the output after which it reads
/// no further requests, with the response that exceeded it.
const KEPT: usize = (128 + 64 + 32) * 1024;

/// Bytes that an idle connection may keep: an empty line.
const KEPT_IDLE: usize = 2;

/// The longest time in which file operations move no byte, on a machine with much other work.
const LONGEST_STILL: Duration = Duration::from_secs(60);

/// A limit for uploads that is easily exceeded.
pub(crate) const SHORT: u64 = 50;

/// Timeouts that never end: the peer decides when one expires.
pub(crate) const TIMEOUTS: Timeouts = Timeouts::all(Duration::from_secs(24 * 60 * 60));

/// The stream of a peer, and its manner of sending.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) ending: Ending,
    pub(crate) chances: Vec<u8>,
    /// Bytes of the longest allowed upload.
    pub(crate) max_body: u64,
    pub(crate) stream: Vec<u8>,
}

impl Scenario {
    /// Reads `data`: an [`Ending`] as one byte, chances up to a newline, and the stream.
    ///
    /// With a capital letter for the ending, longer uploads than [`SHORT`] are not allowed.
    pub(crate) fn read(data: &[u8]) -> Self {
        let end = data.iter().position(|&byte| byte == b'\n');
        let (line, stream) = match end {
            Some(end) => (&data[..end], &data[end + 1..]),
            None => (data, &[][..]),
        };
        let first = line.first().copied().unwrap_or(b'e');
        Self {
            ending: Ending::of(first.to_ascii_lowercase()),
            max_body: if first.is_ascii_uppercase() {
                SHORT
            } else {
                u64::MAX
            },
            chances: line.get(1..).unwrap_or_default().to_vec(),
            stream: stream.to_vec(),
        }
    }
}

impl fmt::Debug for Scenario {
    /// A short, readable form: runs of bytes are counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {:?} {} \"",
            self.ending, self.chances, self.max_body
        )?;
        for run in self
            .stream
            .chunk_by(|one, other| other.wrapping_sub(*one) <= 1)
        {
            if run.len() > 30 {
                write!(f, "{{{} bytes from {:#x}}}", run.len(), run[0])?;
            } else {
                write!(f, "{}", run.escape_ascii())?;
            }
        }
        f.write_str("\"")
    }
}

/// Serves one connection to its end; returns the bytes sent to the peer. Calls `at_rest` whenever it waits, and `sent`
/// with all bytes sent so far whenever there are more.
pub(crate) fn drive<D: Dialect>(
    service: &HttpService<D>,
    scenario: &Scenario,
    at_rest: impl Fn(),
    sent: &dyn Fn(&[u8]),
) -> Vec<u8> {
    let peer = Peer::new(scenario, sent);
    let mut session = service.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)).into(), 0);
    // Any free worker gives the next turn: no bytes may remain in the buffers of the last one.
    let mut buffers = [service.buffers(), service.buffers()];
    let mut reason = peer.reason();
    // A turn moves a byte, or meets an end, or writes a portion of an entry, or makes directories, or is followed by a
    // blocking one. How many directories it makes depends on the time that it has, so turns with file operations are
    // limited by time.
    let most_still = 32 + scenario.stream.len() / 16_000;
    let (mut moved, mut still, mut since) = (0, 0, Instant::now());
    for number in 0.. {
        let late = number >= usize::from(scenario.chances.first().copied().unwrap_or(0) % 16);
        if late && scenario.ending == Ending::Abort {
            break;
        }
        let stopping = if late && scenario.ending == Ending::Stop {
            Stopping::Yes
        } else {
            Stopping::No
        };
        let worker = number % 2;
        let clock = StepClock::default();
        let turn = if session.may_block() {
            Turn::new_blocking(reason, stopping, worker, &clock)
        } else {
            Turn::new(reason, stopping, worker, &clock)
        };
        peer.begin_turn();
        let next = take_turn(service, &mut session, &peer, &mut buffers[worker], &turn);
        peer.check_turn();
        check_spent(session.spent());
        assert!(session.kept() <= KEPT, "keeps {} bytes", session.kept());
        if peer.moved() != moved {
            (moved, still, since) = (peer.moved(), 0, Instant::now());
        } else if session.spent().operations == 0 {
            still += 1;
        }
        let moves_on = still < most_still && since.elapsed() < LONGEST_STILL;
        assert!(moves_on, "nothing moves any more");
        match next {
            Next::Close => break,
            Next::Yield => {
                if reason == WakeReason::TimedOut {
                    reason = WakeReason::Ready;
                }
            }
            Next::Wait(interest, deadline) => {
                at_rest();
                if let Activity::Idle { .. } = deadline.activity {
                    assert!(session.kept() <= KEPT_IDLE, "keeps {}", session.kept());
                }
                reason = match interest {
                    Interest::Read => peer.wake_reader(deadline.activity),
                    Interest::Write => peer.wake_writer(),
                    Interest::Waker => panic!("there are no users whose passwords are verified"),
                };
            }
        }
    }
    drop(session);
    peer.into_taken()
}

/// Checks the cost of a turn: a budget for each of two steps, and one piece of work beyond it.
fn check_spent(spent: Spent) {
    let is_bounded = spent.requests <= 32
        && spent.bytes <= 2 * (1024 + 256) * 1024
        && spent.portions <= 130
        && spent.operations <= 256 + 160;
    assert!(is_bounded, "a turn is too long: {spent}");
}

/// Gives a session one turn in its three steps.
fn take_turn<D: Dialect>(
    service: &HttpService<D>,
    session: &mut HttpSession<D>,
    peer: &Peer<'_>,
    buffers: &mut Buffers,
    turn: &Turn<'_>,
) -> Next {
    let sent = peer.taken();
    session.process(peer, buffers, turn);
    assert_eq!(peer.taken(), sent, "the first step of a turn sends");
    service.commit(turn.worker());
    let next = session.flush(peer, buffers, turn);
    let left = service.pending(turn.worker());
    assert_eq!(
        left,
        PendingCommit::Nothing,
        "the last step of a turn records"
    );
    next
}
