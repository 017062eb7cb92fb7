//! The selection of entries by `--since`, `--until`, `--peer`, `--user` and `--name`.

use crate::failure::Failure;
use crate::logs::LogWithSeal;
use crate::record::EntryRecord;
use crate::seal_entries::SealedEntry;
use crate::seal_files::expected;
use crate::text::{address_and_port, visible};
use crate::typed_time::TypedTime;
use glob::{MatchOptions, Pattern};
use httpserver::request_log::format::layout::decode_name;
use httpserver::seal::text::word;
use ipnet::IpNet;
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

/// The options that select entries.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct EntrySelection {
    /// Only entries from TIME on
    ///
    /// TIME is one of RFC 3339 (2026-11-27T12:30:00Z, 2026-11-27T13:30:00+01:00), the same without its offset (then in
    /// UTC) or without seconds; a date (2026-11-27); a time of today (12:30, in UTC); or how long ago (90s, 15m, 2h,
    /// 3d, 1w, 1h30m). A day, a minute or a second is included to its end: `--until 2026-11-27` includes that day. The
    /// time of an entry is that of the seal, which never runs backwards.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<TypedTime>,
    /// Only entries up to TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<TypedTime>,
    /// Only requests from this address or network
    ///
    /// ADDRESS is an address (`192.0.2.7`), a network (`2001:db8::/32`) or `unix`. The option can be given several times.
    #[arg(long, value_name = "ADDRESS")]
    peer: Vec<Peers>,
    /// Only requests of this user, or, if USER is -, without a login
    ///
    /// The option can be given several times.
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    user: Vec<String>,
    /// Only requests that failed
    #[arg(long)]
    failed: bool,
    /// Only entries of this name or pattern
    ///
    /// A name is plain or as the log writes it. In a pattern, `*` stands for any characters but `/`, `**` (as a whole component) for any directories, `?` for
    /// one character, `[a-z]` for one of these, `[*]` for `*` itself. The option can be given several times.
    #[arg(long, value_name = "PATTERN")]
    name: Vec<NamePattern>,
}

/// The result of a selection for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    /// The entry is selected.
    Selected,
    /// The entry is not selected.
    Other,
    /// The result is not known, since no line of the seal belongs to the entry.
    Unknown,
    /// Neither this entry nor any later one of its log is selected.
    Past,
}

impl EntrySelection {
    /// Checks that the logs have seals if an option needs times, peers or users.
    pub(crate) fn require_seals(
        &self,
        logs: &[LogWithSeal],
        paths: &[impl AsRef<Path>],
    ) -> Result<(), Failure> {
        let Some(option) = self.first_that_needs_seal() else {
            return Ok(());
        };
        require_seals(option, logs, paths)
    }

    fn first_that_needs_seal(&self) -> Option<&'static str> {
        [
            ("--since", self.since.is_some()),
            ("--until", self.until.is_some()),
            ("--peer", !self.peer.is_empty()),
            ("--user", !self.user.is_empty()),
        ]
        .into_iter()
        .find_map(|(option, is_given)| is_given.then_some(option))
    }

    /// Whether an option was given.
    pub(crate) fn is_given(&self) -> bool {
        self.first_that_needs_seal().is_some() || !self.name.is_empty() || self.failed
    }

    /// Whether an entry is selected.
    pub(crate) fn matches(&self, record: &EntryRecord) -> Match {
        let name = record.method_and_name().map(|(_, name)| name);
        let is_named = |name: &str| self.name.iter().any(|pattern| pattern.matches(name));
        let has_name = self.name.is_empty() || name.is_some_and(is_named);
        match record.sealed() {
            Some(line) if self.until.is_some_and(|until| line.time > until.last) => Match::Past,
            _ if !has_name || (self.failed && !record.is_failed()) => Match::Other,
            Some(line) if self.is_of(line) => Match::Selected,
            Some(_) => Match::Other,
            None if self.first_that_needs_seal().is_none() => Match::Selected,
            None => Match::Unknown,
        }
    }

    fn is_of(&self, line: &SealedEntry) -> bool {
        let is_of_user = |user: &String| match (&user[..], &line.user) {
            ("-", None) => true,
            (_, None) | ("-", Some(_)) => false,
            (typed, Some(user)) => word(typed.as_bytes()) == *user,
        };
        self.since.is_none_or(|since| line.time >= since.first)
            && (self.peer.is_empty() || self.peer.iter().any(|peers| peers.contain(&line.peer)))
            && (self.user.is_empty() || self.user.iter().any(is_of_user))
    }
}

/// The error of an option that needs a seal if there is none.
pub(crate) fn require_seals(
    option: &'static str,
    logs: &[LogWithSeal],
    paths: &[impl AsRef<Path>],
) -> Result<(), Failure> {
    let mut both = logs.iter().zip(paths);
    match both.find(|(log, _)| log.seal.is_none()) {
        None => Ok(()),
        Some((log, path)) => Err(Failure::OptionNeedsSeal {
            option,
            log: log.name().to_owned(),
            seal: match log.source.metadata() {
                Some(_) => format!("there is no {}", expected(path.as_ref())),
                None => "only a file has one".to_owned(),
            },
        }),
    }
}

/// Addresses from which requests come.
#[derive(Debug, Clone)]
enum Peers {
    Network(IpNet),
    /// A Unix domain socket.
    Unix,
}

impl FromStr for Peers {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        if typed == "unix" {
            return Ok(Self::Unix);
        }
        let address = typed.parse::<IpAddr>();
        let network = address.map(|address| IpNet::from(address.to_canonical()));
        match network.or_else(|_| typed.parse::<IpNet>().map_err(drop)) {
            Ok(network) => Ok(Self::Network(network)),
            Err(()) => Err(
                "neither an address (192.0.2.7, without a port) nor a network (192.0.2.0/24) nor unix",
            ),
        }
    }
}

impl Peers {
    /// Whether these include a peer, in the form of a seal.
    fn contain(&self, peer: &str) -> bool {
        let (address, _) = address_and_port(peer);
        match self {
            Self::Unix => address == "unix",
            Self::Network(network) => address
                .parse::<IpAddr>()
                .is_ok_and(|address| network.contains(&address.to_canonical())),
        }
    }
}

/// A name, or a pattern of names.
#[derive(Debug, Clone)]
struct NamePattern {
    /// The typed name, as the log would write it.
    escaped: String,
    typed: String,
    pattern: Pattern,
}

impl From<OsString> for NamePattern {
    fn from(typed: OsString) -> Self {
        let text = typed.to_string_lossy().into_owned();
        // An invalid pattern is a plain name.
        let pattern = Pattern::new(&text).or_else(|_| Pattern::new(&Pattern::escape(&text)));
        Self {
            escaped: visible(typed.as_bytes()),
            pattern: pattern.unwrap_or_default(),
            typed: text,
        }
    }
}

impl NamePattern {
    /// Whether a name is meant, as the log writes it.
    fn matches(&self, name: &str) -> bool {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        name == self.typed
            || name == self.escaped
            || self.pattern.matches_with(name, options)
            || String::from_utf8(decode_name(name))
                .is_ok_and(|name| self.pattern.matches_with(&name, options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_plain_escaped_and_as_patterns() {
        for (typed, name, is_match) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a b", "a%20b", true),
            ("a%20b", "a%20b", true),
            ("caf\u{e9}", "caf%C3%A9", true),
            ("caf?", "caf%C3%A9", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "d/a.txt", false),
            ("d/*", "d/a.txt", true),
            ("d/*", "d/e/a.txt", false),
            ("d/**", "d/e/a.txt", true),
            ("**/*.txt", "d/e/a.txt", true),
            ("**/*.txt", "a.txt", true),
            ("[a-c]", "b", true),
            ("[!a-c]", "b", false),
            ("a[1]", "a[1]", true),
            ("a[1]", "a1", true),
            ("a[1", "a[1", true),
            ("[*]", "*", true),
            ("[*]", "x", false),
            ("*", ".hidden", true),
            ("/", "/", true),
            ("*%FF", "a%FF", true),
            ("", "/", true),
        ] {
            let pattern = NamePattern::from(OsString::from(typed));
            assert_eq!(pattern.matches(name), is_match, "{typed} {name}");
        }
    }

    #[test]
    fn peers_are_addresses_networks_or_unix() {
        for (typed, peer, is_match) in [
            ("192.0.2.7", "192.0.2.7:80", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "[::ffff:192.0.2.7]:80", true),
            ("::ffff:192.0.2.7", "192.0.2.7:80", true),
            ("192.0.2.7", "192.0.2.71:80", false),
            ("192.0.2.0/24", "192.0.2.71:80", true),
            ("192.0.2.9/24", "192.0.2.71:80", true),
            ("192.0.2.0/24", "192.0.3.1:80", false),
            ("0.0.0.0/0", "[2001:db8::1]:80", false),
            ("2001:db8::/32", "[2001:db8::1]:80", true),
            ("2001:db8::1", "2001:db8::1", true),
            ("unix", "unix", true),
            ("unix", "192.0.2.7:80", false),
            ("192.0.2.7", "unix", false),
        ] {
            assert_eq!(
                typed.parse::<Peers>().unwrap().contain(peer),
                is_match,
                "{typed} {peer}"
            );
        }
        for typed in [
            "",
            "192.0.2.7:80",
            "192.0.2.0/33",
            "localhost",
            "192.0.2",
            "[::1]",
        ] {
            assert!(typed.parse::<Peers>().is_err(), "{typed}");
        }
    }
}
