//! The options of the web dialect.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, PathBuf};

use clap::Args;

use super::TypedError;
use httpserver::http::semantics::extra_field::ExtraField;
use httpserver::http::semantics::media_type::{Mapping, MediaTypes};
use httpserver::web::Access;
use httpserver::web::{Directories, DotFiles, Options};

/// What is typed for the web dialect.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is there or not, as typed"
)]
#[command(next_help_heading = "Web dialect")]
pub(super) struct TypedWeb {
    /// Serve a directory tree to browsers and every other client
    #[arg(long)]
    web: bool,

    /// Store and remove files with PUT and DELETE
    #[arg(long, requires = "web")]
    writable: bool,

    /// List directories that have no index.html
    #[arg(long, requires = "web")]
    listing: bool,

    /// Serve names that begin with a dot, too
    #[arg(long, requires = "web")]
    hidden: bool,

    /// Answer with FILE, a path in the root, where nothing else is
    #[arg(long, value_name = "FILE", requires = "web")]
    spa: Option<PathBuf>,

    /// Add a field to every answer; may be given several times
    #[arg(long, value_name = "NAME: VALUE", requires = "web")]
    header: Vec<ExtraField>,

    /// Serve files that end in .EXT as TYPE, such as 'log=text/plain'; may be given several times
    #[arg(long, value_name = "EXT=TYPE", requires = "web")]
    mime: Vec<Mapping>,
}

impl TypedWeb {
    /// What to offer, if this dialect is spoken at all; uploads have at most `max_body` bytes.
    pub(super) fn options(self, max_body: u64) -> Result<Option<Options>, TypedError> {
        if !self.web {
            return Ok(None);
        }
        Ok(Some(Options {
            access: if self.writable {
                Access::Writable
            } else {
                Access::ReadOnly
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
            fallback: self.spa.map(below_root).transpose()?,
            fields: self.header,
            media_types: MediaTypes::with(self.mime),
            max_body,
        }))
    }
}

/// A path in the root as the store takes it: the names on it, joined by slashes.
fn below_root(typed: PathBuf) -> Result<Vec<u8>, TypedError> {
    let mut names = Vec::new();
    for component in typed.components() {
        match component {
            Component::Normal(name) => names.push(name.as_bytes()),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(TypedError::Spa(typed)),
        }
    }
    if names.is_empty() {
        return Err(TypedError::Spa(typed));
    }
    Ok(names.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Config, Typed};
    use super::*;
    use httpserver::http::semantics::media_type::Guess;

    fn options(arguments: &[&str]) -> Result<Option<Options>, String> {
        let words = ["httpserver", "0"].iter().chain(arguments);
        let typed = Typed::try_parse_from(words).map_err(|error| error.to_string())?;
        let config = Config::try_from(typed).map_err(|error| error.to_string())?;
        Ok(config.web)
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
            &["--mime", "log=text/plain"],
        ] {
            let message = options(arguments).unwrap_err();
            assert!(message.contains("--web"), "{arguments:?}: {message}");
        }
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
