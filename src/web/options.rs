//! The options of a server of the web dialect.

use super::cache_rules::CacheRules;
use super::hosts::HostNames;
use crate::blocking::Blocking;
use crate::files::Files;
use crate::http::semantics::extra_field::ExtraField;
use crate::http::semantics::media_type::MediaTypes;
use crate::store::StoreError;

/// The options of a server of this dialect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether PUT and DELETE are served.
    pub access: Access,
    /// The response for a directory without an index.
    pub directories: Directories,
    /// Whether names that begin with a dot can be seen.
    pub dot_files: DotFiles,
    /// The file, relative to the root, that is sent for a GET of a missing path.
    pub fallback: Option<Vec<u8>>,
    /// Whether a page also has an address without `.html`.
    pub page_addresses: PageAddresses,
    /// Whether text without a precompressed sibling is compressed.
    pub compression: TextCompression,
    /// The rules for Cache-Control of files.
    pub cache_rules: CacheRules,
    /// Additional fields of every response.
    pub fields: Vec<ExtraField>,
    /// The media types of files, by extension.
    pub media_types: MediaTypes,
    /// The accepted host names.
    pub hosts: HostNames,
    /// Whether documents among the files may run scripts.
    pub documents: Documents,
    /// Whether responses depend on the user.
    pub responses: Responses,
    /// Bytes of the longest upload.
    pub max_body: u64,
    /// Bytes of memory that the process may use.
    pub memory: u64,
}

impl Default for Options {
    /// The files are served to everybody, and nothing more: without listings, uploads, names with a dot, and limits.
    fn default() -> Self {
        Self {
            access: Access::ReadOnly,
            directories: Directories::NotListed,
            dot_files: DotFiles::Hidden,
            fallback: None,
            page_addresses: PageAddresses::Exact,
            compression: TextCompression::Off,
            cache_rules: CacheRules::default(),
            fields: Vec::new(),
            media_types: MediaTypes::default(),
            hosts: HostNames::Any,
            documents: Documents::Sandboxed,
            responses: Responses::ForAll,
            max_body: u64::MAX,
            memory: u64::MAX,
        }
    }
}

impl Options {
    /// Whether there is what these options name, and clients may see it. It can be asked before the log is open.
    ///
    /// # Errors
    /// If there is a fallback and it cannot be read.
    pub fn check(&self, files: &Files) -> Result<(), StoreError> {
        match &self.fallback {
            Some(path) => match files.look_up(path, Blocking::outside_turn().into()) {
                Ok(found) => found.map(drop),
                Err(_) => Ok(()),
            },
            None => Ok(()),
        }
    }
}

/// The response for a directory without an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directories {
    /// A listing.
    Listed,
    /// 404.
    NotListed,
}

/// Whether a page also has an address without `.html`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAddresses {
    /// The only address of a file is its name.
    Exact,
    /// `page.html` is also at `/page`.
    Clean,
}

/// Whether text without a precompressed sibling is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextCompression {
    /// It is sent uncompressed.
    Off,
    /// It is sent with gzip to clients that accept it.
    Gzip,
}

/// Whether names that begin with a dot can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DotFiles {
    /// As any other.
    Visible,
    /// As if they were not there.
    Hidden,
}

/// Whether browsers may run the scripts of HTML, SVG and XML that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documents {
    /// They may: a document is a page of this site, and may do what the site's own pages may.
    Trusted,
    /// They may not: a user who uploads a document does not speak for the site.
    Sandboxed,
}

/// Whether responses depend on the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Responses {
    /// They are the same for all.
    ForAll,
    /// They depend on who is logged in, so a cache must not give one to another user.
    ForEachUser,
}

/// Whether the server takes uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It does not.
    ReadOnly,
    /// It does: the page offers to send files to this directory with PUT.
    Writable,
}
