//! A whole connection of the web dialect, with all features: like `connection`, but a response is compared with
//! the log's entry of its request, since much of it (dates, entity tags) differs from run to run.

use httpserver::connection::HttpService;
use httpserver::http::StatusCode;
use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::Reader;
use httpserver::web::{
    Access, Directories, DotFiles, Options, PageAddresses, TextCompression, Web,
};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::connection::{
    Ending, Scenario, TIMEOUTS, World, check_reported, content, drive, reporter,
};

/// Paths of the files that exist, and their lengths.
pub(crate) const SITE: [(&str, usize); 8] = [
    ("index.html", 300),
    ("404.html", 40),
    ("a.txt", 0),
    ("a b%.txt", 20),
    ("dir/page.html", 5_000),
    ("dir/page.html.gz", 1_000),
    ("dir/.hidden", 5),
    ("dir/large", 1_200_000),
];

/// An entry of the log.
#[derive(Debug, PartialEq, Eq)]
struct SiteEntry {
    method: String,
    /// The stored or requested path; empty if the request failed.
    name: String,
    /// The status of a failed request.
    failed: Option<u16>,
    content: Vec<u8>,
}

/// A final response.
struct Response {
    status: u16,
    fields: Vec<(String, String)>,
    content: Vec<u8>,
    /// Whether the content is complete.
    whole: bool,
}

impl Response {
    fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(found, _)| found == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice");
        value
    }
}

fn site() -> &'static BTreeMap<String, Vec<u8>> {
    static SITE_FILES: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    SITE_FILES.get_or_init(|| {
        SITE.iter()
            .map(|&(path, length)| (path.to_owned(), content(length)))
            .collect()
    })
}

/// Checks a connection that is fed `data`; see [`Scenario::read`].
pub(crate) fn check(data: &[u8]) {
    check_scenario(&Scenario::read(data));
}

/// The log entries and the files after a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SiteOutcome {
    entries: Vec<SiteEntry>,
    files: BTreeMap<String, Vec<u8>>,
}

/// Checks a scenario, and that the same stream in other pieces has the same outcome.
pub(crate) fn check_scenario(scenario: &Scenario) -> SiteOutcome {
    let scripted = run(scenario);
    if scenario.ending.is_repeatable() {
        let whole = run(&Scenario {
            chances: Vec::new(),
            ..scenario.clone()
        });
        assert_eq!(
            scripted.entries, whole.entries,
            "the pieces matter to the log"
        );
        assert!(
            scripted.files == whole.files,
            "the pieces matter to the files"
        );
    }
    scripted
}

/// A server of the site with all features, and uploads of at most `max_body` bytes.
pub(crate) fn service_of(world: &World, max_body: u64) -> HttpService<Web> {
    let options = Options {
        access: Access::Writable,
        directories: Directories::Listed,
        dot_files: DotFiles::Visible,
        page_addresses: PageAddresses::Clean,
        compression: TextCompression::Gzip,
        max_body,
        ..Options::default()
    };
    HttpService::new(Web::new(world.open(), options), TIMEOUTS)
}

/// A world with the files of the site.
pub(crate) fn world_of_site() -> World {
    World::new(site())
}

/// Serves a connection, and checks that responses, log and files agree.
fn run(scenario: &Scenario) -> SiteOutcome {
    let world = world_of_site();
    let reporter = reporter();
    let service = service_of(&world, scenario.max_body).reporting_to(Some(Arc::clone(&reporter)));
    let sent = drive(&service, scenario, || world.check_at_rest(), &|_| {});
    drop(service);
    check_reported(&reporter, scenario, &sent, world.count_entries());
    examine_site(scenario.ending, &sent, world)
}

/// Checks that these responses agree with the log and the files.
pub(crate) fn examine_site(ending: Ending, sent: &[u8], world: World) -> SiteOutcome {
    let (log, files) = world.end();
    let entries = entries_of(&log);
    let mut expected = site().clone();
    let mut rest = sent;
    for entry in &entries {
        let response = response_to(entry, &mut rest, ending.is_orderly());
        if let Some(response) = response {
            check_response(entry, &response, &expected);
        }
        match (entry.method.as_str(), entry.failed) {
            ("PUT", None) => drop(expected.insert(entry.name.clone(), entry.content.clone())),
            ("DELETE", None) if entry.name.ends_with('/') => {
                let is_below = |name: &String| name.starts_with(&entry.name);
                assert!(!expected.keys().any(is_below), "{entry:?}");
            }
            ("DELETE", None) => assert!(expected.remove(&entry.name).is_some(), "{entry:?}"),
            _ => {}
        }
    }
    assert!(
        rest.is_empty(),
        "an answer is not recorded: {}",
        rest.escape_ascii()
    );
    assert!(
        files == expected,
        "the log does not agree with the stored files"
    );
    SiteOutcome { entries, files }
}

fn entries_of(log: &[u8]) -> Vec<SiteEntry> {
    let mut reader = Reader::new(log);
    let mut entries = Vec::new();
    while let Some(head) = reader.next_entry().expect("an entry") {
        let mut content = Vec::new();
        while let Some(piece) = reader.content().expect("rows") {
            content.extend_from_slice(piece);
        }
        let (method, name, failed) = match head.kind {
            LoggedRequest::Success { method, name, .. } => {
                let name = String::from_utf8_lossy(&decode_name(&name)).into_owned();
                (method.to_owned(), name, None)
            }
            // The known parts of a refused head depend on how much of it had arrived.
            LoggedRequest::Failure { method, status, .. } if method == "HEAD" => {
                (method, String::new(), Some(status))
            }
            LoggedRequest::Failure { status, .. } => (String::new(), String::new(), Some(status)),
        };
        entries.push(SiteEntry {
            method,
            name,
            failed,
            content,
        });
    }
    assert_eq!(
        reader.position(),
        log.len() as u64,
        "the entries do not tile"
    );
    entries
}

/// Takes the response to an entry's request from the front of `sent`; `None` if the connection broke before it.
fn response_to(entry: &SiteEntry, sent: &mut &[u8], whole: bool) -> Option<Response> {
    let asked = StatusCode::Continue.line().len() + 2;
    if sent.starts_with(StatusCode::Continue.line().as_bytes()) {
        *sent = sent.get(asked..).unwrap_or_default();
    }
    let Some(end) = sent.windows(4).position(|four| four == b"\r\n\r\n") else {
        assert!(!whole, "no answer to {entry:?}");
        *sent = &[];
        return None;
    };
    let head = std::str::from_utf8(&sent[..end]).expect("a head in ASCII");
    let mut lines = head.split("\r\n");
    let line = format!("{}\r\n", lines.next().unwrap_or_default());
    let status = StatusCode::ALL.iter().find(|status| status.line() == line);
    let status = status.unwrap_or_else(|| panic!("{line}")).code();
    let fields = lines.map(|line| {
        let (name, value) = line.split_once(": ").expect("a field line");
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{line}"
        );
        assert!(!value.bytes().any(|byte| byte.is_ascii_control()), "{line}");
        (name.to_owned(), value.to_owned())
    });
    let mut response = Response {
        status,
        fields: fields.collect(),
        content: Vec::new(),
        whole: true,
    };
    let length = response
        .field("Content-Length")
        .map(|digits| digits.parse().expect("a length"));
    let has_content = entry.method != "HEAD" && !matches!(status, 204 | 304);
    // The length of a listing is not known before it is made, and HEAD does not make it.
    let is_unknown = entry.method == "HEAD" && entry.name.ends_with('/') && status == 200;
    let has_none = matches!(status, 204 | 304) || (is_unknown && length.is_none());
    assert_eq!(length.is_none(), has_none, "{head}");
    let length = if has_content { length.unwrap_or(0) } else { 0 };
    let rest = &sent[end + 4..];
    let (found, rest) = rest.split_at(length.min(rest.len()));
    response.whole = found.len() == length;
    assert!(response.whole || !whole, "content is cut short");
    response.content = found.to_vec();
    *sent = rest;
    Some(response)
}

fn check_response(entry: &SiteEntry, response: &Response, files: &BTreeMap<String, Vec<u8>>) {
    let status = response.status;
    assert!(response.field("Date").is_some());
    match (entry.method.as_str(), entry.failed) {
        (_, Some(failed)) => assert_eq!(status, failed),
        ("GET" | "HEAD", None) => assert!(matches!(status, 200 | 206 | 301 | 304), "{status}"),
        ("PUT", None) => {
            let expected = if files.contains_key(&entry.name) {
                204
            } else {
                201
            };
            assert_eq!(status, expected);
        }
        (_, None) => assert_eq!(status, 204),
    }
    let plain = entry.method == "GET" && response.field("Content-Encoding").is_none();
    let Some(file) = files
        .get(&entry.name)
        .filter(|_| plain && entry.failed.is_none())
    else {
        return;
    };
    let expected = match (status, response.field("Content-Range")) {
        (200, _) => &file[..],
        (206, Some(range)) => part(file, range),
        _ => return,
    };
    let found = &response.content[..];
    assert!(expected.starts_with(found) && (!response.whole || found.len() == expected.len()));
}

/// The part of a file that `Content-Range: bytes 0-9/20` names.
fn part<'f>(file: &'f [u8], range: &str) -> &'f [u8] {
    let (range, length) = range
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'))
        .expect("a range");
    let (first, last) = range.split_once('-').expect("two positions");
    assert_eq!(length.parse(), Ok(file.len()));
    let position = |digits: &str| digits.parse::<usize>().expect("a position");
    &file[position(first)..=position(last)]
}
