//! Clean URLs: `/page` is served with the file `page.html`.
//!
//! 1. A file `page` has priority: a file that a client stored under a name is served under it.
//! 2. Then `page.html`, also where there is a directory `page`, whose own address is `/page/`.
//! 3. Then the directory, the fallback, or 404, as without clean URLs.
//!
//! `/page.html` stays an address of the file, which PUT, DELETE and listings use. `Content-Location` names the file of a
//! clean URL (RFC 9110 §8.7). The name and the rights of that file decide whether it is served.

use super::options::PageAddresses;
use super::path::{Path, TrailingSlash, encode_name};
use super::refusal::Stop;
use super::resource::Resource;
use super::site::Site;
use crate::http::{StatusCode, write_field};
use crate::server::Turn;
use crate::store::ReadableFile;
use crate::users::{Permissions, Right};

/// The suffix of a page's name, which its clean URL omits.
const SUFFIX: &[u8] = b".html";

/// The result of a look-up by a clean URL.
pub(super) enum Page {
    /// The path of the page, and the file.
    File(Vec<u8>, ReadableFile),
    /// There is no page.
    Absent,
    /// The requester has no right to know whether there is a page.
    NotPermitted,
}

impl Site {
    /// Whether `path` is a clean URL of a file that the requester may read, if it is there.
    pub(super) fn leads_to_page(&self, path: &Path, permissions: &Permissions) -> bool {
        self.options.page_addresses == PageAddresses::Clean
            && path.ending() == TrailingSlash::Bare
            && permissions.permit(Right::Read, &page_of(path))
    }

    /// The page with this clean URL.
    pub(super) fn page_at(
        &self,
        path: &Path,
        permissions: &Permissions,
        turn: &Turn<'_>,
    ) -> Result<Page, Stop> {
        if self.options.page_addresses == PageAddresses::Exact {
            return Ok(Page::Absent);
        }
        if !self.leads_to_page(path, permissions) {
            return Ok(Page::NotPermitted);
        }
        let page = page_of(path);
        match self.file(&page, turn) {
            Ok(Resource::File(found)) => Ok(Page::File(page, found)),
            Ok(Resource::Directory) => Ok(Page::Absent),
            Err(Stop::Refused(refusal)) if refusal.status == StatusCode::NotFound => {
                Ok(Page::Absent)
            }
            Err(stop) => Err(stop),
        }
    }
}

/// Appends the field with the file of this clean URL, relative to it.
pub(super) fn write_location(path: &Path, fields: &mut Vec<u8>) {
    let name = [path.file_name().unwrap_or_default(), SUFFIX].concat();
    let location = format!("./{}", encode_name(&name));
    write_field(fields, "Content-Location", location.as_bytes());
}

/// The path of the page with this clean URL, relative to the root.
fn page_of(path: &Path) -> Vec<u8> {
    [path.relative(), SUFFIX].concat()
}
