//! The options of the web dialect.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, PathBuf};

use clap::Args;

use super::TypedError;
use httpserver::web::field::Field;
use httpserver::web::listing::Access;
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
    header: Vec<Field>,
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
