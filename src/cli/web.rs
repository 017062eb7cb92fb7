//! The options of the web dialect.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use thiserror::Error;

use httpserver::http::semantics::extra_field::ExtraField;
use httpserver::http::semantics::media_type::{Mapping, MediaTypes};
use httpserver::web::cache_rules::{CacheRule, CacheRules};
use httpserver::web::{
    Access, Directories, Documents, DotFiles, HostNames, Options, PageAddresses, Responses,
    TextCompression,
};

use super::group::{Group, Requirement};
use super::hosts;
use super::positionals::DialectChoice;

pub(super) const GROUP: Group = Group {
    heading: "Web",
    sentence: "a directory tree for browsers and every other client.",
    example: "httpserver --web ./public --listing 0.0.0.0 8000",
    does: "serves ./public to other machines too, with a page for each directory",
    defaults: &[],
    needs: &[
        needs_web("writable"),
        needs_web("listing"),
        needs_web("hidden"),
        needs_web("spa"),
        needs_web("clean-urls"),
        needs_web("header"),
        needs_web("cache"),
        needs_web("compress"),
        needs_web("mime"),
        needs_web("allow-host"),
        Requirement {
            option: "trust-content",
            needs: "writable",
        },
        needs_web("qr"),
    ],
};

const fn needs_web(option: &'static str) -> Requirement {
    Requirement {
        option,
        needs: "web",
    }
}

#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is there or not, as typed"
)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct WebOptions {
    /// Serve a directory tree to browsers
    ///
    /// Names are paths below the root, of any length.
    #[arg(long)]
    web: bool,

    /// List directories that have no index.html
    ///
    /// The list is a page for browsers, or JSON for programs.
    #[arg(long)]
    listing: bool,

    /// Store and remove files with PUT and DELETE
    ///
    /// Anyone who can reach the port can do so.
    #[arg(long)]
    writable: bool,

    /// Also serve names that begin with a dot
    #[arg(long, hide_short_help = true)]
    hidden: bool,

    /// Serve FILE for paths that do not exist
    ///
    /// FILE is a path in the root.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_parser = PathBufValueParser::new().try_map(|path| below_root(&path)))]
    spa: Option<Fallback>,

    /// Serve page.html at /page, too
    ///
    /// A file or directory named page keeps its address: /page for the file, /page/ for the directory.
    #[arg(long, hide_short_help = true)]
    clean_urls: bool,

    /// Add a field to every response
    ///
    /// It may be given several times.
    #[arg(long, value_name = "NAME: VALUE", hide_short_help = true)]
    header: Vec<ExtraField>,

    /// Set Cache-Control to VALUE for files that match GLOB
    ///
    /// A GLOB with a slash must match the path below the root, and one without a slash the name of the file. An example is
    /// 'assets/**=max-age=3600'. It may be given several times; the last rule that matches a file applies.
    #[arg(long, value_name = "GLOB=VALUE", hide_short_help = true)]
    cache: Vec<CacheRule>,

    /// Compress text with gzip for clients that accept it
    ///
    /// This applies to text of 1 KiB to 4 MiB without a precompressed file beside it, such as page.html.gz. The result is
    /// kept in memory.
    #[arg(long, hide_short_help = true)]
    compress: bool,

    /// Serve files that end in .EXT as TYPE
    ///
    /// An example is 'log=text/plain'. It may be given several times.
    #[arg(long, value_name = "EXT=TYPE", hide_short_help = true)]
    mime: Vec<Mapping>,

    /// Also serve requests for the host NAME
    ///
    /// With --writable or this option, requests for other host names get 421, except for those of the machine and
    /// of the listeners. It may be given several times.
    #[arg(long, value_name = "NAME", hide_short_help = true, value_parser = hosts::host_name)]
    allow_host: Vec<String>,

    /// Let browsers run scripts in HTML, SVG and XML files
    ///
    /// With --writable they otherwise run none, since anyone could have uploaded the files.
    #[arg(long, hide_short_help = true)]
    trust_content: bool,

    /// Draw the address for other machines as a QR code
    ///
    /// The camera of a phone can open it.
    #[arg(long, hide_short_help = true)]
    qr: bool,
}

/// Whether the address for other machines is also drawn as a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QrCode {
    Drawn,
    Omitted,
}

/// A path below the root in the form of the store: its names, joined by slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fallback(Vec<u8>);

/// The path leads out of the root, or does not name a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it must be the path of a file in the root, such as index.html")]
struct FallbackError;

/// Two options set one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "--cache and --header 'Cache-Control: …' set the same field: type --cache '**=VALUE' for all files in place of the header"
)]
pub(crate) struct TwoCachePoliciesError;

impl WebOptions {
    pub(super) fn dialect(&self) -> DialectChoice {
        if self.web {
            DialectChoice::Web
        } else {
            DialectChoice::Classic
        }
    }

    pub(super) fn qr_code(&self) -> QrCode {
        if self.qr {
            QrCode::Drawn
        } else {
            QrCode::Omitted
        }
    }

    /// Refuses `--cache` together with a header Cache-Control, since one of them would have no effect.
    pub(super) fn check(&self) -> Result<(), TwoCachePoliciesError> {
        let mut fields = self.header.iter();
        if !self.cache.is_empty() && fields.any(|field| field.is_named("Cache-Control")) {
            return Err(TwoCachePoliciesError);
        }
        Ok(())
    }

    /// The options of the web dialect, if it is used. Uploads have at most `max_body` bytes, the process has this
    /// memory, and `listened` are the hosts of the listeners.
    pub(super) fn options(
        self,
        max_body: u64,
        memory: u64,
        listened: &[String],
        responses: Responses,
    ) -> Option<Options> {
        if !self.web {
            return None;
        }
        let access = if self.writable {
            Access::Writable
        } else {
            Access::ReadOnly
        };
        Some(Options {
            hosts: self.host_names(listened),
            responses,
            access,
            documents: match access {
                Access::Writable if !self.trust_content => Documents::Sandboxed,
                Access::Writable | Access::ReadOnly => Documents::Trusted,
            },
            directories: if self.listing {
                Directories::Listed
            } else {
                Directories::NotListed
            },
            dot_files: if self.hidden {
                DotFiles::Visible
            } else {
                DotFiles::Hidden
            },
            fallback: self.spa.map(|Fallback(path)| path),
            page_addresses: if self.clean_urls {
                PageAddresses::Clean
            } else {
                PageAddresses::Exact
            },
            compression: if self.compress {
                TextCompression::Gzip
            } else {
                TextCompression::Off
            },
            cache_rules: CacheRules::new(self.cache),
            fields: self.header,
            media_types: MediaTypes::with(self.mime),
            max_body,
            memory,
        })
    }

    /// The accepted host names: all, unless files can be uploaded or a name is given.
    fn host_names(&self, listened: &[String]) -> HostNames {
        if !self.writable && self.allow_host.is_empty() {
            return HostNames::Any;
        }
        let machine = hosts::names_of_machine();
        HostNames::only(machine.iter().chain(&self.allow_host).chain(listened))
    }
}

fn below_root(typed: &Path) -> Result<Fallback, FallbackError> {
    let mut names = Vec::new();
    for component in typed.components() {
        match component {
            Component::Normal(name) => names.push(name.as_bytes()),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(FallbackError),
        }
    }
    if names.is_empty() {
        return Err(FallbackError);
    }
    Ok(Fallback(names.join(&b'/')))
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, Surroundings, read};
    use super::*;
    use httpserver::http::semantics::media_type::Guess;

    fn options(arguments: &[&str]) -> Result<Option<Options>, String> {
        let words = ["httpserver", "0"].iter().chain(arguments);
        let surroundings = Surroundings {
            variables: &[],
            sockets: &[],
        };
        match read(words.map(Into::into), surroundings) {
            Ok(Invocation::Run(config)) => Ok(config.web),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn nothing_is_offered_that_was_not_asked_for() {
        assert!(options(&[]).unwrap().is_none());
        let plain = options(&["--web"]).unwrap().unwrap();
        assert_eq!(plain.access, Access::ReadOnly);
        assert_eq!(plain.directories, Directories::NotListed);
        assert_eq!(plain.dot_files, DotFiles::Hidden);
        assert_eq!(plain.fallback, None);
        assert!(plain.fields.is_empty());
        let all = ["--web", "--writable", "--listing", "--hidden"];
        let all = options(&all).unwrap().unwrap();
        assert_eq!(all.access, Access::Writable);
        assert_eq!(all.directories, Directories::Listed);
        assert_eq!(all.dot_files, DotFiles::Visible);
    }

    #[test]
    fn options_of_the_web_dialect_need_it() {
        for arguments in [
            &["--writable"][..],
            &["--listing"],
            &["--hidden"],
            &["--spa", "index.html"],
            &["--header", "X: y"],
            &["--cache", "*.css=no-cache"],
            &["--clean-urls"],
            &["--compress"],
            &["--mime", "log=text/plain"],
            &["--allow-host", "files.example"],
            &["--qr"],
        ] {
            let message = options(arguments).unwrap_err();
            assert!(message.contains("--web"), "{arguments:?}: {message}");
        }
    }

    #[test]
    fn names_are_checked_where_files_can_be_uploaded_or_a_name_is_given() {
        let hosts = |arguments: &[&str]| options(arguments).unwrap().unwrap().hosts;
        assert_eq!(hosts(&["--web"]), HostNames::Any);
        for arguments in [
            &["--web", "--allow-host", "Files.Example"][..],
            &["--web", "--writable", "--allow-host", "files.example"],
        ] {
            let HostNames::Only(names) = hosts(arguments) else {
                panic!("{arguments:?}");
            };
            assert!(names.contains("files.example"), "{names:?}");
            assert!(names.contains("127.0.0.1"), "{names:?}");
        }
        let HostNames::Only(names) = hosts(&["--web", "--writable"]) else {
            panic!("any");
        };
        assert!(!names.contains("files.example"), "{names:?}");
    }

    #[test]
    fn documents_are_sandboxed_where_files_can_be_uploaded() {
        for (arguments, expected) in [
            (&["--web"][..], Documents::Trusted),
            (&["--web", "--writable"], Documents::Sandboxed),
            (
                &["--web", "--writable", "--trust-content"],
                Documents::Trusted,
            ),
        ] {
            let found = options(arguments).unwrap().unwrap().documents;
            assert_eq!(found, expected, "{arguments:?}");
        }
        let message = options(&["--web", "--trust-content"]).unwrap_err();
        assert!(message.contains("--writable"), "{message}");
    }

    #[test]
    fn fields_are_checked_and_repeated() {
        let two = ["--web", "--header", "A: b", "--header", "C: d"];
        assert_eq!(options(&two).unwrap().unwrap().fields.len(), 2);
        for (field, part) in [
            ("X", "Name: value"),
            ("X y: z", "X y"),
            ("Date: now", "Date"),
            ("X: a\nb", "control"),
        ] {
            let message = options(&["--web", "--header", field]).unwrap_err();
            assert!(message.contains(part), "{field}: {message}");
        }
    }

    #[test]
    fn media_types_are_checked_and_repeated() {
        let two = ["--web", "--mime", "x=text/a", "--mime", "Y=b/c"];
        let types = options(&two).unwrap().unwrap().media_types;
        let of = |name: &[u8]| types.guess(name);
        assert_eq!(of(b"a.x"), Guess::Known("text/a; charset=utf-8".into()));
        assert_eq!(of(b"a.y"), Guess::Known("b/c".into()));
        for (mapping, part) in [
            ("x", "EXT=TYPE"),
            ("tar.gz=a/b", "'tar.gz' is not an extension"),
            ("x=text", "'text' is not a media type"),
            ("x=a/b\r\nC: d", "is not a media type"),
        ] {
            let message = options(&["--web", "--mime", mapping]).unwrap_err();
            assert!(message.contains(part), "{mapping}: {message}");
        }
    }

    #[test]
    fn the_fallback_is_a_path_in_the_root() {
        for (typed, expected) in [
            ("index.html", Some("index.html")),
            ("/app/index.html", Some("app/index.html")),
            ("./a//b", Some("a/b")),
            ("../secret", None),
            ("a/../../secret", None),
            ("/", None),
            (".", None),
        ] {
            let found = options(&["--web", "--spa", typed]).map(|found| found.unwrap().fallback);
            let expected = expected.map(|path| Some(path.as_bytes().to_vec()));
            assert_eq!(found.ok(), expected, "{typed}");
        }
    }
}
