//! GET and HEAD: from a path to the response.
//!
//! 1. A path without a slash at its end is a file, or the clean URL of one (`clean_urls`). If it is a directory, the
//!    client is sent to the path with one.
//! 2. A path with one is a directory: its `index.html`, else its listing, if there are listings.
//! 3. For a missing path, the fallback is sent if the server has one; else 404, with the site's own page if it has one.

use std::borrow::Cow;

use percent_encoding::{CONTROLS, percent_encode};

use super::clean_urls::{self, Page};
use super::options::Directories;
use super::pages::error::WayBack;
use super::path::{Path, TrailingSlash, encode_name};
use super::refusal::{Stop, concealed, respond_with};
use super::representation::Representation;
use super::resource::Resource;
use super::site::{Site, name, path};
use crate::blocking::WouldBlock;
use crate::connection::{Response, ResponseContent};
use crate::http::semantics::basic::unauthorized;
use crate::http::semantics::fields::combined;
use crate::http::semantics::negotiation::weights::{Weight, weight_of};
use crate::http::{Refusal, Request, StatusCode, Target, write_field};
use crate::refusing::not_permitted;
use crate::requester::{Answered, Requester};
use crate::server::Turn;
use crate::store::ReadableFile;
use crate::users::{Permissions, Right};

/// The response for a directory.
const INDEX: &[u8] = b"index.html";

/// The query by which the reader of a listing logs in.
pub(super) const LOGIN: &[u8] = b"login";

/// The page for missing files, if the root has it.
const NOT_FOUND: &[u8] = b"404.html";

impl Site {
    /// Responds to GET, and to HEAD as if it were GET.
    pub(super) fn get(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let (path, query) = path(request)?;
        let response = match (
            self.find(request, &path, query, requester, turn),
            &self.options.fallback,
        ) {
            (Err(Stop::Refused(refusal)), Some(fallback))
                if refusal.status == StatusCode::NotFound =>
            {
                if !requester.permissions.permit(Right::Read, fallback) {
                    return Err(refusal.into());
                }
                match self.file(fallback, turn)? {
                    Resource::File(found) => self.represent(request, fallback, found, turn),
                    Resource::Directory => Err(refusal.into()),
                }
            }
            (response, _) => response,
        }?;
        let answered = Answered {
            requester,
            status: response.status.code(),
        };
        let (files, name) = (&self.files, name(&path));
        let entry = files.record_success(request.method, &name, &answered, turn.worker());
        Ok(response.recorded(entry))
    }

    fn find(
        &self,
        request: &Request<'_>,
        path: &Path,
        query: Option<&[u8]>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let permissions = &requester.permissions;
        let is_shown = permissions.show_directory(path.relative());
        if !is_shown && !self.leads_to_page(path, permissions) {
            return Err(not_permitted(permissions, Right::Read).into());
        }
        if self.hides(path) {
            return Err(concealed().into());
        }
        match path.ending() {
            TrailingSlash::Bare => self.find_file(request, path, query, requester, turn),
            TrailingSlash::Slash if self.is_login(query, permissions) => {
                let mut response = login(permissions)?;
                self.caching.write_for_page(&mut response.fields);
                Ok(response)
            }
            TrailingSlash::Slash => {
                let index = path.child(INDEX);
                if !permissions.permit(Right::Read, index.relative()) {
                    return self.list(request, path, requester, turn);
                }
                match self.file(index.relative(), turn) {
                    Ok(Resource::File(found)) => {
                        self.represent(request, index.relative(), found, turn)
                    }
                    Err(Stop::WouldBlock(would_block)) => Err(would_block.into()),
                    Err(Stop::Refused(refusal)) if refusal.status != StatusCode::NotFound => {
                        Err(refusal.into())
                    }
                    Ok(Resource::Directory) | Err(Stop::Refused(_) | Stop::Prepare(_)) => {
                        self.list(request, path, requester, turn)
                    }
                }
            }
        }
    }

    /// The response for a path without a slash at its end.
    fn find_file(
        &self,
        request: &Request<'_>,
        path: &Path,
        query: Option<&[u8]>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let permissions = &requester.permissions;
        let is_readable = permissions.permit(Right::Read, path.relative());
        let denied = || Stop::from(not_permitted(permissions, Right::Read));
        let other = match self.file(path.relative(), turn) {
            Ok(Resource::File(found)) if is_readable => {
                return self.represent(request, path.relative(), found, turn);
            }
            Ok(Resource::File(_)) => return Err(denied()),
            Ok(Resource::Directory) => None,
            Err(Stop::Refused(refusal)) if refusal.status == StatusCode::NotFound => Some(refusal),
            Err(Stop::Refused(_)) if !is_readable => return Err(denied()),
            Err(stop) => return Err(stop),
        };
        let page = self.page_at(path, permissions, turn)?;
        match (page, other) {
            (Page::File(page, found), _) => {
                let mut response = self.represent(request, &page, found, turn)?;
                clean_urls::write_location(path, &mut response.fields);
                Ok(response)
            }
            (Page::Absent | Page::NotPermitted, None) => {
                // A directory is shown if the requester may read files in it.
                if !permissions.show_directory(path.relative()) {
                    return Err(denied());
                }
                let mut response = moved(path, query);
                self.caching.write_for_page(&mut response.fields);
                Ok(response)
            }
            (Page::NotPermitted, Some(_)) => Err(denied()),
            (Page::Absent, Some(_)) if !is_readable => Err(denied()),
            (Page::Absent, Some(refusal)) => Err(refusal.into()),
        }
    }

    /// Whether this is the link of a listing by which its reader logs in.
    fn is_login(&self, query: Option<&[u8]>, permissions: &Permissions) -> bool {
        query == Some(LOGIN)
            && self.options.directories == Directories::Listed
            && *permissions != Permissions::Unrestricted
    }

    fn list(
        &self,
        request: &Request<'_>,
        path: &Path,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        match self.options.directories {
            Directories::Listed => self.listing(request, path, requester, turn),
            Directories::NotListed => {
                let reason = "the directory has no index.html, and directories are not listed";
                Err(Refusal::new(StatusCode::NotFound, reason).into())
            }
        }
    }

    /// Responds with the preferred representation of the file at `path`.
    fn represent(
        &self,
        request: &Request<'_>,
        path: &[u8],
        found: ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let preferred = self.preferred(request, path, found, turn)?;
        let mut response = preferred.response(request)?;
        self.caching.write_for_file(path, &mut response.fields);
        Ok(response)
    }

    /// The page that goes with a refusal of GET or HEAD: the site's own if nothing is there and the requester may read it.
    pub(super) fn page(
        &self,
        request: &Request<'_>,
        refusal: Refusal,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, WouldBlock> {
        let way_back = way_back(request);
        let is_permitted = requester.permissions.permit(Right::Read, NOT_FOUND);
        if refusal.status != StatusCode::NotFound || !is_permitted {
            return Ok(respond_with(refusal, way_back));
        }
        let found = match self.file(NOT_FOUND, turn) {
            Ok(Resource::File(found)) => found,
            Err(Stop::WouldBlock(would_block)) => return Err(would_block),
            Ok(Resource::Directory) | Err(Stop::Refused(_) | Stop::Prepare(_)) => {
                return Ok(respond_with(refusal, way_back));
            }
        };
        let mut response = if takes_html(combined(request, "Accept")) {
            let media_type = self.media_type(NOT_FOUND, &found, turn)?;
            let page =
                Representation::of_file(media_type, found, None).into_page(StatusCode::NotFound);
            Response {
                refusal: Some(refusal),
                ..page
            }
        } else {
            respond_with(refusal, way_back)
        };
        write_field(&mut response.fields, "Vary", b"Accept");
        Ok(response)
    }
}

/// Where the links of a page for this request lead.
pub(super) fn way_back(request: &Request<'_>) -> WayBack {
    match request.target {
        Target::Origin { path, .. } | Target::Absolute { path, .. } => WayBack::from_path(path),
        Target::Authority(_) | Target::Asterisk | Target::Other(_) => WayBack::Nowhere,
    }
}

fn takes_html(accept: Option<Cow<'_, [u8]>>) -> bool {
    accept.is_none_or(|field| {
        weight_of(&field, &["text/html", "text/*", "*/*"]).is_some_and(Weight::is_acceptable)
    })
}

/// Asks for credentials; sends a user who is logged in back to the listing.
fn login(permissions: &Permissions) -> Result<Response, Stop> {
    if permissions.are_anonymous() {
        return Err(unauthorized("this link asks for a user name and a password").into());
    }
    let mut fields = Vec::new();
    write_field(&mut fields, "Location", b"./");
    let content = ResponseContent::Empty;
    Ok(Response::new(StatusCode::SeeOther, fields, content))
}

/// Sends the client to the directory's path with a slash, relative to the one without (RFC 9110 §10.2.2).
fn moved(path: &Path, query: Option<&[u8]>) -> Response {
    let name = path.file_name().unwrap_or_default();
    let mut location = format!("./{}/", encode_name(name)).into_bytes();
    if let Some(query) = query {
        location.push(b'?');
        // A query may have been sent with any bytes; a field may not (RFC 3986 §2).
        location.extend(percent_encode(query, CONTROLS).flat_map(str::bytes));
    }
    let mut fields = Vec::new();
    write_field(&mut fields, "Location", &location);
    Response::new(StatusCode::MovedPermanently, fields, ResponseContent::Empty)
}
