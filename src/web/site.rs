//! The served files and the options. Each method of HTTP has a file with its part of [`Site`].

use std::sync::Arc;

use super::caching::Caching;
use super::compressing::kept_texts::KeptTexts;
use super::listing::listing_budget::ListingBudget;
use super::options::{Access, DotFiles, Options, TextCompression};
use super::path::{Path, TrailingSlash};
use crate::files::Files;
use crate::http::{Refusal, Request, Target};

/// The files and the options.
pub(super) struct Site {
    pub(super) files: Arc<Files>,
    pub(super) options: Options,
    pub(super) listing_budget: ListingBudget,
    pub(super) caching: Caching,
    /// Compressed texts, if text is compressed.
    pub(super) texts: Option<KeptTexts>,
}

impl Site {
    pub(super) fn new(files: Files, options: Options) -> Self {
        Self {
            files: Arc::new(files),
            listing_budget: ListingBudget::within(options.memory),
            caching: Caching::new(options.cache_rules.clone(), options.responses),
            texts: match options.compression {
                TextCompression::Off => None,
                TextCompression::Gzip => Some(KeptTexts::within(options.memory)),
            },
            options,
        }
    }

    /// The supported methods, as in `Allow`.
    pub(super) fn allowed(&self) -> &'static str {
        match self.options.access {
            Access::ReadOnly => "GET, HEAD, OPTIONS",
            Access::Writable => "GET, HEAD, OPTIONS, PUT, DELETE",
        }
    }

    /// Whether a name on `path` begins with a dot, and such names are not served.
    pub(super) fn hides(&self, path: &Path) -> bool {
        self.options.dot_files == DotFiles::Hidden && path.is_hidden()
    }
}

/// The path of a request, and its query.
pub(super) fn path<'h>(request: &Request<'h>) -> Result<(Path, Option<&'h [u8]>), Refusal> {
    match request.target {
        Target::Origin { path, query } | Target::Absolute { path, query, .. } => {
            let path =
                Path::parse(path).map_err(|error| Refusal::bad_request(error.to_string()))?;
            Ok((path, query))
        }
        Target::Authority(_) | Target::Asterisk | Target::Other(_) => {
            Err(Refusal::bad_request("the form of the target does not fit the method").closing())
        }
    }
}

/// The name in the entry of a request for `path`: decoded, without its leading slash.
pub(super) fn name(path: &Path) -> Vec<u8> {
    let mut name = Vec::new();
    for component in path.components() {
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(component);
    }
    if path.ending() == TrailingSlash::Slash && !name.is_empty() {
        name.push(b'/');
    }
    name
}
