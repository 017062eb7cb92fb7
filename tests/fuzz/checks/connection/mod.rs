//! A whole connection of the classic dialect: bytes in pieces from a peer in memory, files and log in a directory, and
//! all invariants.
//!
//! Input is a line of chances, which decide how the peer behaves, and the stream that it sends.

mod drive;
mod journal;
mod peer;
mod responses;
mod world;

use httpserver::classic::Classic;
use httpserver::connection::HttpService;
use httpserver::reporting::{Counting, Reporter, Reports, Summary};
use std::collections::BTreeMap;
use std::sync::Arc;

use self::journal::Entry;
use self::responses::Response;

pub(crate) use self::drive::{SHORT, Scenario, TIMEOUTS, drive};
pub(crate) use self::peer::Ending;
pub(crate) use self::world::{FILES, NAMES, World, content, initial_files};

/// All observable results of a connection after its close.
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

/// Checks a scenario, and that the same stream in other pieces has the same outcome.
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

/// The first difference of two outcomes, in a short form.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    what: String,
    at: usize,
    one: String,
    other: String,
}

impl Difference {
    fn between(one: &Outcome, other: &Outcome) -> Option<Self> {
        // The known parts of a refused head depend on how much of it had arrived; the rest does not.
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
    let world = World::new(initial_files());
    let reporter = reporter();
    let service = HttpService::new(Classic::new(world.open(), scenario.max_body), TIMEOUTS)
        .reporting_to(Some(Arc::clone(&reporter)));
    let recorded = |sent: &[u8]| check_recorded(sent, world.count_entries());
    let sent = drive(&service, scenario, || world.check_at_rest(), &recorded);
    drop(service);
    check_reported(&reporter, scenario, &sent, world.count_entries());
    let (log, files) = world.end();
    Outcome { sent, log, files }
}

/// The counter of requests.
pub(crate) fn reporter() -> Arc<Reporter> {
    let reports = Reports {
        server: None,
        access_log: None,
        console: None,
        summary: Summary::Kept,
        answers: None,
        tally: Counting::Off,
    };
    Arc::new(Reporter::new(reports, 2).expect("something is reported"))
}

/// Checks that every entry and every byte belongs to one reported request.
pub(crate) fn check_reported(
    reporter: &Reporter,
    scenario: &Scenario,
    sent: &[u8],
    entries: usize,
) {
    let totals = reporter.totals().expect("totals");
    assert_eq!(totals.entries, entries as u64, "{totals}");
    assert_eq!(totals.bytes_out, sent.len() as u64, "{totals}");
    assert!(totals.bytes_in <= scenario.stream.len() as u64, "{totals}");
    assert!(totals.requests >= totals.entries, "{totals}");
}

/// Checks that no response was sent before its entry was written, except the 201 of an upload without length.
fn check_recorded(sent: &[u8], entries: usize) {
    let responses = responses::read(sent, false);
    let early = responses.last().is_some_and(|last| last.status == 201);
    assert!(
        responses.len() <= entries + usize::from(early),
        "an answer comes before its entry"
    );
}

/// Checks that responses, log and files agree.
pub(crate) fn examine(scenario: &Scenario, outcome: &Outcome) {
    let entries = journal::read(&outcome.log);
    let responses = responses::read(&outcome.sent, scenario.ending.is_orderly());
    let stream = &scenario.stream;
    let lines = stream.split(|&byte| byte == b'\n').count();
    // A head has two line ends; the rest at the end may be refused.
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
        "the log does not agree with the stored files"
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
