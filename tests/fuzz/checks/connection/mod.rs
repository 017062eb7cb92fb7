//! A whole connection: bytes in pieces from a peer in memory, files and log in a directory, and all that must hold.
//!
//! Input is a line of chances, which decide how the peer behaves, and the stream that it sends.

mod journal;
mod peer;
mod responses;
mod world;

use httpserver::connection::Timeouts;
use httpserver::server::{Amid, Cause, Interest, Next, Service, Session, Stopping, Turn};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use self::journal::Entry;
use self::peer::Peer;
use self::responses::Response;
use self::world::World;

pub(crate) use self::peer::Ending;
pub(crate) use self::world::{FILES, NAMES, initial_files};

/// Bytes that a connection may keep between two turns: a worker's whole input, and the output after which it reads
/// no further requests, with the answer that went past it.
const KEPT: usize = (128 + 64 + 32) * 1024;

/// Bytes that an idle connection may keep: an empty line.
const KEPT_IDLE: usize = 2;

/// A limit for uploads that is easily passed.
pub(crate) const SHORT: u64 = 50;

/// Patience that never ends: who expires is up to the peer.
const TIMEOUTS: Timeouts = {
    let day = Duration::from_secs(24 * 60 * 60);
    Timeouts {
        head: day,
        body: day,
        write: day,
        idle: day,
        linger: day,
    }
};

/// What a peer sends, and how.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) ending: Ending,
    pub(crate) chances: Vec<u8>,
    /// Bytes of the longest upload that is allowed.
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
    /// Short enough to be read: runs of bytes are counted.
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

/// Everything that can be observed of a connection once it is closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The bytes that were sent to the peer.
    pub(crate) sent: Vec<u8>,
    /// The bytes of the log.
    pub(crate) log: Vec<u8>,
    /// The regular files below the root.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// Checks a connection that is fed `data`; see [`Scenario::read`].
pub(crate) fn check(data: &[u8]) {
    check_scenario(&Scenario::read(data));
}

/// Checks a scenario, and that the same stream in other pieces comes to the same.
pub(crate) fn check_scenario(scenario: &Scenario) -> Outcome {
    let scripted = run(scenario);
    examine(scenario, &scripted);
    if scenario.ending.is_repeatable() {
        let whole = Scenario {
            chances: Vec::new(),
            ..scenario.clone()
        };
        let whole = run(&whole);
        assert_eq!(
            Difference::between(&scripted, &whole),
            None,
            "the pieces matter"
        );
    }
    scripted
}

/// Where two outcomes differ, shown short.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    what: String,
    at: usize,
    one: String,
    other: String,
}

impl Difference {
    fn between(one: &Outcome, other: &Outcome) -> Option<Self> {
        // What is known of a head that is refused depends on how much of it had come; the rest does not.
        let entries = |outcome: &Outcome| format!("{:?}", journal::read(&outcome.log)).into_bytes();
        Self::of("responses", &one.sent, &other.sent)
            .or_else(|| Self::of("entries", &entries(one), &entries(other)))
            .or_else(|| {
                let names = |outcome: &Outcome| format!("{:?}", outcome.files.keys()).into_bytes();
                Self::of("files", &names(one), &names(other))
            })
            .or_else(|| {
                let same = |name: &&String| one.files[*name] == other.files[*name];
                let name = one.files.keys().find(|name| !same(name))?;
                Self::of(name, &one.files[name], &other.files[name])
            })
    }

    fn of(what: &str, one: &[u8], other: &[u8]) -> Option<Self> {
        let at = one
            .iter()
            .zip(other)
            .take_while(|(one, other)| one == other)
            .count();
        let show = |bytes: &[u8]| {
            let near = at.saturating_sub(80)..bytes.len().min(at + 80);
            bytes[near].escape_ascii().to_string()
        };
        (one != other).then(|| Self {
            what: what.to_owned(),
            at,
            one: show(one),
            other: show(other),
        })
    }
}

/// Serves one connection to its end.
fn run(scenario: &Scenario) -> Outcome {
    let world = World::new();
    let service = world.serve(scenario.max_body, TIMEOUTS);
    let peer = Peer::new(scenario);
    let mut session = service.connect();
    // Whichever worker is free has the next turn: nothing may be left on a desk.
    let mut desks = [service.desk(), service.desk()];
    let mut cause = peer.cause();
    // A turn moves a byte, or meets an end, or writes a portion of an entry.
    let patience = 8 + scenario.stream.len() / 32_000;
    let (mut moved, mut still) = (0, 0);
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
        let desk = &mut desks[number % 2];
        let mut share = || {};
        let mut turn = Turn::new(cause, stopping, &mut share);
        let next = session.advance(&peer, desk, &mut turn);
        assert!(session.kept() <= KEPT, "keeps {} bytes", session.kept());
        still = if peer.moved() == moved { still + 1 } else { 0 };
        moved = peer.moved();
        assert!(still < patience, "nothing moves any more");
        match next {
            Next::Close => break,
            Next::Yield => {
                if cause == Cause::Expired {
                    cause = Cause::Ready;
                }
            }
            Next::Wait(interest, deadline) => {
                if let Amid::Idle { .. } = deadline.amid {
                    assert!(session.kept() <= KEPT_IDLE, "keeps {}", session.kept());
                }
                cause = match interest {
                    Interest::Read => peer.wake_reader(),
                    Interest::Write => peer.wake_writer(),
                };
            }
        }
    }
    drop(session);
    drop(service);
    let (log, files) = world.end();
    let sent = peer.into_taken();
    Outcome { sent, log, files }
}

/// Checks that responses, log and files fit each other.
fn examine(scenario: &Scenario, outcome: &Outcome) {
    let entries = journal::read(&outcome.log);
    let responses = responses::read(&outcome.sent, scenario.ending.is_orderly());
    let stream = &scenario.stream;
    let lines = stream.split(|&byte| byte == b'\n').count();
    // A head has two line ends; what is left at the end may be refused.
    assert!(
        responses.len() <= lines / 2 + 1,
        "more answers than requests"
    );
    assert!(
        responses.len() <= entries.len(),
        "an answer is not recorded"
    );
    if scenario.ending.is_orderly() {
        assert_eq!(responses.len(), entries.len(), "entries without an answer");
    }
    let mut files = initial_files().clone();
    for (number, entry) in entries.iter().enumerate() {
        let response = responses.get(number);
        match entry {
            Entry::Get(name) => agrees(response, 200, files.get(name).map_or(&[], |it| it)),
            Entry::Put(name, content) => {
                agrees(response, 201, &[]);
                files.insert(name.clone(), content.clone());
            }
            Entry::Failure(status) => agrees(response, *status, &[]),
        }
    }
    assert!(
        files == outcome.files,
        "the log does not tell what is stored"
    );
}

/// Checks the response to an entry, if there is one; the last of a connection that broke may be cut short.
fn agrees(response: Option<&Response>, status: u16, content: &[u8]) {
    let Some(response) = response else { return };
    assert_eq!(response.status, status, "the log says something else");
    let (found, length) = (&response.content, response.length);
    assert_eq!(length, content.len(), "Content-Length");
    assert!(*found == content[..found.len()], "the content is another");
}
