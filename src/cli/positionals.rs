//! The positional arguments: root, address and port.
//!
//! Their form determines their meaning, so their order does not matter:
//!
//! 1. `http://…` is an address,
//! 2. digits are a port,
//! 3. an IP address, `localhost`, `HOST:PORT` and `:PORT` are addresses,
//! 4. with `--web`, a word that contains a `/` or names a directory is the root,
//! 5. every other word is the name of a host.
//!
//! Access to the file system goes through a [`Look`], so that the rules can be tested without one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::address::{self, Address, AddressRule, Listen, ListenerSecurity};
use super::address_error::AddressError;
use super::values::is_number;

/// The port of an address without one, in the classic dialect.
const CLASSIC_PORT: u16 = 80;
const CLASSIC_TLS_PORT: u16 = 443;

/// The port of an address without one, with `--web`.
const WEB_PORT: u16 = 8000;
const WEB_TLS_PORT: u16 = 8443;

/// Which dialect is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DialectChoice {
    Classic,
    Web,
}

/// The kind of file at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathKind {
    Directory,
    Other,
    Nothing,
}

/// How to find out what is at a path.
pub(super) type Look<'l> = &'l dyn Fn(&Path) -> PathKind;

/// The kind of file at a path of the file system; `Nothing` also without permission to look.
pub(super) fn look(path: &Path) -> PathKind {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => PathKind::Directory,
        Ok(_) => PathKind::Other,
        Err(_) => PathKind::Nothing,
    }
}

/// The parsed arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Positionals {
    /// The root, if it is among them.
    pub(super) root: Option<PathBuf>,
    /// The listening address; `None` if there is none and none is needed.
    pub(super) listen: Option<(Listen, ListenerSecurity)>,
}

/// The arguments are wrong.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum PositionalError {
    #[error(
        "an address is missing: type one, as in 'httpserver 127.0.0.1 8080', or a directory, as in \
         'httpserver --web ./public'"
    )]
    NoAddress,
    #[error("an argument is empty: type an address, such as 127.0.0.1, or leave it out")]
    Empty,
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("there are two ports, '{0}' and '{1}': type one")]
    TwoPorts(String, String),
    #[error("there are two addresses, '{0}' and '{1}': type one")]
    TwoAddresses(String, String),
    #[error("there are two roots, '{}' and '{}': type one", .0.display(), .1.display())]
    TwoRoots(PathBuf, PathBuf),
    #[error(
        "'{0}' is a directory: type '--web {0}' to serve it to browsers, or '--root {0}' for names of 27 characters"
    )]
    Directory(String),
    #[error("'{0}' is not a directory: type the directory that holds it")]
    NotDirectory(String),
    #[error("'{0}' is neither an address nor a directory: type an address, such as 127.0.0.1")]
    Path(String),
    #[error("'{word}' is neither a directory nor a port, and '{address}' is the address already")]
    NoDirectory { word: String, address: String },
    #[error("'{0}' is not a host: type 0.0.0.0 for every address of this machine")]
    Wildcard(String),
    #[error("'{word}' is neither a directory nor a host ({cause}): type one that exists")]
    NeitherDirectoryNorHost { word: String, cause: String },
    #[error("'{word}' is not a host ({cause}): type an IP address, 'localhost' or a host name")]
    NoHost { word: String, cause: String },
}

/// One argument.
#[derive(Debug, PartialEq, Eq)]
enum Argument {
    Port(u16, String),
    Address(Address),
    Root(PathBuf),
    /// Neither its form nor the file system determines its meaning.
    Word(String),
}

/// The arguments so far.
#[derive(Default)]
struct Taken {
    root: Option<PathBuf>,
    address: Option<Address>,
    word: Option<String>,
    port: Option<(u16, String)>,
}

/// Interprets the arguments. `root` is the root of `--root`, and `security` the default protocol.
pub(super) fn read(
    arguments: &[OsString],
    dialect: DialectChoice,
    root: Option<&Path>,
    rule: AddressRule,
    security: ListenerSecurity,
    look: Look<'_>,
) -> Result<Positionals, PositionalError> {
    let mut taken = Taken {
        root: root.map(Path::to_path_buf),
        ..Taken::default()
    };
    for argument in arguments {
        taken.take(classify(argument, dialect, look)?, dialect, look)?;
    }
    let listen = taken.listen(dialect, rule, security, look)?;
    Ok(Positionals {
        root: taken.root,
        listen,
    })
}

fn classify(
    argument: &OsStr,
    dialect: DialectChoice,
    look: Look<'_>,
) -> Result<Argument, PositionalError> {
    if argument.is_empty() {
        return Err(PositionalError::Empty);
    }
    if let Some(text) = argument.to_str() {
        if is_number(text) {
            return Ok(Argument::Port(address::port(text)?, text.to_owned()));
        }
        if let Some(address) = Address::parse(text)? {
            return Ok(Argument::Address(address));
        }
    }
    let is_path = argument.as_bytes().contains(&b'/');
    let typed = argument.to_string_lossy().into_owned();
    match dialect {
        DialectChoice::Web if is_path || look(argument.as_ref()) == PathKind::Directory => {
            Ok(Argument::Root(argument.into()))
        }
        DialectChoice::Classic if is_path => Err(match look(argument.as_ref()) {
            PathKind::Directory => PositionalError::Directory(typed),
            PathKind::Other => PositionalError::NotDirectory(typed),
            PathKind::Nothing => PositionalError::Path(typed),
        }),
        DialectChoice::Web | DialectChoice::Classic => Ok(Argument::Word(typed)),
    }
}

impl Taken {
    fn take(
        &mut self,
        argument: Argument,
        dialect: DialectChoice,
        look: Look<'_>,
    ) -> Result<(), PositionalError> {
        match argument {
            Argument::Port(port, typed) => {
                if let Some((_, first)) = &self.port {
                    return Err(PositionalError::TwoPorts(first.clone(), typed));
                }
                self.port = Some((port, typed));
            }
            Argument::Root(root) => {
                if let Some(first) = self.root.take() {
                    return Err(PositionalError::TwoRoots(first, root));
                }
                self.root = Some(root);
            }
            Argument::Address(address) => {
                if let Some(first) = &self.address {
                    return Err(PositionalError::TwoAddresses(
                        first.typed.clone(),
                        address.typed,
                    ));
                }
                self.address = Some(address);
            }
            Argument::Word(word) => {
                if let Some(first) = &self.word {
                    return Err(misplaced(&word, first, dialect, look));
                }
                self.word = Some(word);
            }
        }
        // A word beside an address has another meaning.
        match (&self.address, &self.word) {
            (Some(address), Some(word)) => Err(misplaced(word, &address.typed, dialect, look)),
            _ => Ok(()),
        }
    }

    /// The listening address of all arguments.
    fn listen(
        &self,
        dialect: DialectChoice,
        rule: AddressRule,
        security: ListenerSecurity,
        look: Look<'_>,
    ) -> Result<Option<(Listen, ListenerSecurity)>, PositionalError> {
        let needs_address = dialect == DialectChoice::Classic && self.port.is_none();
        let mut address = match (&self.address, &self.word) {
            (Some(address), _) => address.clone(),
            (None, Some(word)) => Address::named(word),
            (None, None) if self.port.is_none() && rule == AddressRule::Optional => {
                return Ok(None);
            }
            (None, None) if needs_address => return Err(PositionalError::NoAddress),
            (None, None) => Address::loopback(None),
        };
        if let Some((port, typed)) = &self.port {
            if let Some(own) = address.port {
                return Err(PositionalError::TwoPorts(own.to_string(), typed.clone()));
            }
            address.port = Some(*port);
        }
        let security = address.security(security)?;
        let default_port = match (dialect, security) {
            (DialectChoice::Classic, ListenerSecurity::Plain) => CLASSIC_PORT,
            (DialectChoice::Classic, ListenerSecurity::Tls) => CLASSIC_TLS_PORT,
            (DialectChoice::Web, ListenerSecurity::Plain) => WEB_PORT,
            (DialectChoice::Web, ListenerSecurity::Tls) => WEB_TLS_PORT,
        };
        address
            .resolve(default_port)
            .map(|listen| Some((listen, security)))
            .map_err(|cause| unresolved(&address, cause, dialect, look))
    }
}

/// The error for a word beside `address` that is neither an address nor a root.
fn misplaced(word: &str, address: &str, dialect: DialectChoice, look: Look<'_>) -> PositionalError {
    match (dialect, look(word.as_ref())) {
        (DialectChoice::Classic, PathKind::Directory) => {
            PositionalError::Directory(word.to_owned())
        }
        (DialectChoice::Classic, _) => AddressError::Port(word.to_owned()).into(),
        (DialectChoice::Web, PathKind::Other) => PositionalError::NotDirectory(word.to_owned()),
        (DialectChoice::Web, _) => PositionalError::NoDirectory {
            word: word.to_owned(),
            address: address.to_owned(),
        },
    }
}

/// The error for an address that does not resolve.
fn unresolved(
    address: &Address,
    cause: String,
    dialect: DialectChoice,
    look: Look<'_>,
) -> PositionalError {
    let word = address.typed.clone();
    if address.is_wildcard() {
        return PositionalError::Wildcard(word);
    }
    if let Some((host, port)) = word.rsplit_once(':')
        && !host.contains(':')
        && !is_number(port)
    {
        return AddressError::in_address(port, &word).into();
    }
    match (dialect, look(word.as_ref())) {
        (_, PathKind::Other) => PositionalError::NotDirectory(word),
        (DialectChoice::Classic, PathKind::Directory) => PositionalError::Directory(word),
        (DialectChoice::Classic, PathKind::Nothing) => PositionalError::NoHost { word, cause },
        (DialectChoice::Web, _) => PositionalError::NeitherDirectoryNorHost { word, cause },
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRule::{Needed, Optional};
    use super::ListenerSecurity::{Plain, Tls};
    use super::*;

    /// `public` is a directory, `page.html` a file, and nothing else is there.
    fn table(path: &Path) -> PathKind {
        match path.to_str() {
            Some("public" | "./public" | "/" | "8000") => PathKind::Directory,
            Some("page.html" | "./page.html") => PathKind::Other,
            _ => PathKind::Nothing,
        }
    }

    fn said(dialect: DialectChoice, line: &str) -> Result<(Option<String>, String), String> {
        let arguments: Vec<_> = line.split_whitespace().map(OsString::from).collect();
        let found = read(&arguments, dialect, None, Needed, Plain, &table)
            .map_err(|error| error.to_string())?;
        let root = found.root.map(|root| root.to_str().unwrap().to_owned());
        Ok((root, found.listen.unwrap().0.addresses[0].to_string()))
    }

    #[test]
    fn a_classic_server_has_an_address_and_a_port() {
        for (line, expected) in [
            ("127.0.0.1 8080", "127.0.0.1:8080"),
            ("8080 127.0.0.1", "127.0.0.1:8080"),
            ("127.0.0.1", "127.0.0.1:80"),
            ("0.0.0.0 0", "0.0.0.0:0"),
            ("8000", "127.0.0.1:8000"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
            (":8080", "127.0.0.1:8080"),
            ("http://localhost:8080", "127.0.0.1:8080"),
            ("http://localhost 8080", "127.0.0.1:8080"),
            ("http://localhost", "127.0.0.1:80"),
            ("127.1 8080", "127.0.0.1:8080"),
            (":: 8080", "[::]:8080"),
        ] {
            let expected = Ok((None, expected.to_owned()));
            assert_eq!(said(DialectChoice::Classic, line), expected, "{line}");
        }
    }

    #[test]
    fn with_web_there_may_be_a_root_too() {
        for (line, root, expected) in [
            ("", None, "127.0.0.1:8000"),
            ("public", Some("public"), "127.0.0.1:8000"),
            ("./public", Some("./public"), "127.0.0.1:8000"),
            ("/", Some("/"), "127.0.0.1:8000"),
            ("./public 8001", Some("./public"), "127.0.0.1:8001"),
            ("8001 ./public", Some("./public"), "127.0.0.1:8001"),
            ("./public 0.0.0.0", Some("./public"), "0.0.0.0:8000"),
            ("./public 0.0.0.0 8001", Some("./public"), "0.0.0.0:8001"),
            ("./public [::]:8001", Some("./public"), "[::]:8001"),
            (
                "./public http://localhost",
                Some("./public"),
                "127.0.0.1:80",
            ),
            ("./public 127.1", Some("./public"), "127.0.0.1:8000"),
            ("127.1 public 1", Some("public"), "127.0.0.1:1"),
            // A directory whose name is a number is typed with a slash.
            ("8000", None, "127.0.0.1:8000"),
            // Its existence is not checked here.
            ("./absent", Some("./absent"), "127.0.0.1:8000"),
            ("a/b:80", Some("a/b:80"), "127.0.0.1:8000"),
        ] {
            let expected = Ok((root.map(str::to_owned), expected.to_owned()));
            assert_eq!(said(DialectChoice::Web, line), expected, "{line}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_a_root() {
        let name = OsStr::from_bytes(b"caf\xe9/").to_owned();
        let arguments = [name.clone()];
        let found = read(&arguments, DialectChoice::Web, None, Needed, Plain, &table).unwrap();
        assert_eq!(found.root, Some(PathBuf::from(name)));
        let error = read(
            &arguments,
            DialectChoice::Classic,
            None,
            Needed,
            Plain,
            &table,
        )
        .unwrap_err();
        assert!(matches!(error, PositionalError::Path(_)), "{error}");
    }

    #[test]
    fn contradictory_arguments_are_an_error() {
        use DialectChoice::{Classic, Web};
        for (dialect, line, message) in [
            (
                Classic,
                "",
                "an address is missing: type one, as in 'httpserver 127.0.0.1 8080', or a directory, as in \
                 'httpserver --web ./public'",
            ),
            (
                Classic,
                "8080 8081",
                "there are two ports, '8080' and '8081': type one",
            ),
            (
                Classic,
                "127.0.0.1:8080 8081",
                "there are two ports, '8080' and '8081': type one",
            ),
            (
                Web,
                "./public 1 2 3",
                "there are two ports, '1' and '2': type one",
            ),
            (
                Classic,
                "127.0.0.1 localhost",
                "there are two addresses, '127.0.0.1' and 'localhost': type one",
            ),
            (
                Web,
                "./public public",
                "there are two roots, './public' and 'public': type one",
            ),
            (
                Classic,
                "127.0.0.1 http",
                "'http' is not a port: type a number from 0 to 65535",
            ),
            (
                Classic,
                "somewhere http",
                "'http' is not a port: type a number from 0 to 65535",
            ),
            (
                Classic,
                "127.0.0.1 public",
                "'public' is a directory: type '--web public' to serve it to browsers, or '--root public' for \
                 names of 27 characters",
            ),
            (
                Classic,
                "./public 8080",
                "'./public' is a directory: type '--web ./public' to serve it to browsers, or '--root ./public' \
                 for names of 27 characters",
            ),
            (
                Classic,
                "./page.html",
                "'./page.html' is not a directory: type the directory that holds it",
            ),
            (
                Classic,
                "./absent",
                "'./absent' is neither an address nor a directory: type an address, such as 127.0.0.1",
            ),
            (
                Web,
                "0.0.0.0 page.html",
                "'page.html' is not a directory: type the directory that holds it",
            ),
            (
                Web,
                "absent 0.0.0.0 8000",
                "'absent' is neither a directory nor a port, and '0.0.0.0' is the address already",
            ),
            (
                Classic,
                "localhost:http",
                "'http' in 'localhost:http' is not a port: type a number from 0 to 65535",
            ),
            (
                Classic,
                "localhost:",
                "'localhost:' has no port after its colon: type one, as in 'localhost:8080'",
            ),
        ] {
            assert_eq!(said(dialect, line), Err(message.to_owned()), "{line}");
        }
    }

    #[test]
    fn name_that_does_not_resolve_is_looked_up_in_the_file_system() {
        use DialectChoice::{Classic, Web};
        for (dialect, word, message) in [
            (
                Web,
                "absent",
                "'absent' is neither a directory nor a host (unknown): type one that exists",
            ),
            (
                Web,
                "page.html",
                "'page.html' is not a directory: type the directory that holds it",
            ),
            (
                Classic,
                "absent",
                "'absent' is not a host (unknown): type an IP address, 'localhost' or a host name",
            ),
            (
                Classic,
                "public",
                "'public' is a directory: type '--web public' to serve it to browsers, or '--root public' for \
                 names of 27 characters",
            ),
            (
                Classic,
                "*",
                "'*' is not a host: type 0.0.0.0 for every address of this machine",
            ),
        ] {
            let address = Address::named(word);
            let error = unresolved(&address, "unknown".to_owned(), dialect, &table);
            assert_eq!(error.to_string(), message, "{word}");
        }
    }

    #[test]
    fn with_a_certificate_the_default_is_tls() {
        for (dialect, line, expected) in [
            (DialectChoice::Classic, "127.0.0.1", ("127.0.0.1:443", Tls)),
            (DialectChoice::Classic, "1", ("127.0.0.1:1", Tls)),
            (DialectChoice::Web, "", ("127.0.0.1:8443", Tls)),
            (
                DialectChoice::Web,
                "https://localhost",
                ("127.0.0.1:443", Tls),
            ),
            (
                DialectChoice::Web,
                "http://localhost",
                ("127.0.0.1:80", Plain),
            ),
        ] {
            let arguments: Vec<_> = line.split_whitespace().map(OsString::from).collect();
            let found = read(&arguments, dialect, None, Needed, Tls, &table).unwrap();
            let (listen, security) = found.listen.unwrap();
            let found = (&*listen.addresses[0].to_string(), security);
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn beside_other_listeners_no_address_is_needed() {
        for (dialect, line, expected) in [
            (DialectChoice::Classic, "", None),
            (DialectChoice::Web, "", None),
            (DialectChoice::Web, "./public", None),
            (DialectChoice::Web, "./public 1", Some("127.0.0.1:1")),
            (DialectChoice::Classic, "127.0.0.1", Some("127.0.0.1:80")),
        ] {
            let arguments: Vec<_> = line.split_whitespace().map(OsString::from).collect();
            let found = read(&arguments, dialect, None, Optional, Plain, &table).unwrap();
            let found = found
                .listen
                .map(|(listen, _)| listen.addresses[0].to_string());
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_root_is_named_once() {
        let arguments = ["./public".into()];
        let error = read(
            &arguments,
            DialectChoice::Web,
            Some("old".as_ref()),
            Needed,
            Plain,
            &table,
        )
        .unwrap_err();
        let message = "there are two roots, 'old' and './public': type one";
        assert_eq!(error.to_string(), message);
        let found = read(
            &[],
            DialectChoice::Web,
            Some("old".as_ref()),
            Needed,
            Plain,
            &table,
        )
        .unwrap();
        assert_eq!(found.root, Some("old".into()));
    }
}
