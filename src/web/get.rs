//! GET and HEAD: from a path to what is sent for it.
//!
//! 1. A path without a slash at its end is a file. If it is a directory, the client is sent to the path with one.
//! 2. A path with one is a directory: its `index.html`, else its listing, if there are listings.
//! 3. Where there is nothing, the fallback is sent if the server has one; else 404, with the site's own page if it
//!    has one.

use std::borrow::Cow;

use percent_encoding::{CONTROLS, percent_encode};

use super::options::Directories;
use super::pages::error::WayBack;
use super::path::{Path, TrailingSlash, encode_name};
use super::refusal::{Stop, concealed, respond_with};
use super::representation::{MediaType, Representation};
use super::site::{Site, name, path};
use crate::blocking::WouldBlock;
use crate::connection::{Response, ResponseContent};
use crate::http::semantics::basic::unauthorized;
use crate::http::semantics::fields::combined;
use crate::http::semantics::media_type::{self, Guess};
use crate::http::semantics::negotiation::weights::{Weight, weight_of};
use crate::http::{Refusal, Request, StatusCode, Target, write_field};
use crate::refusing::{Operation, cannot_read, not_permitted};
use crate::requester::{Answered, Requester};
use crate::server::Turn;
use crate::store::{ReadableFile, StoreErrorKind};
use crate::users::{Permissions, Right};

/// What is sent for a directory.
const INDEX: &[u8] = b"index.html";

/// The query by which the reader of a listing logs in.
pub(super) const LOGIN: &[u8] = b"login";

/// What is sent where nothing is, if the root has it.
const NOT_FOUND: &[u8] = b"404.html";

/// What a path leads to.
enum Resource {
    File(ReadableFile),
    Directory,
}

impl Site {
    /// Answers to GET, and to HEAD as if it were GET.
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
        if !permissions.show_directory(path.relative()) {
            return Err(not_permitted(permissions, Right::Read).into());
        }
        if self.hides(path) {
            return Err(concealed().into());
        }
        match path.ending() {
            TrailingSlash::Bare => {
                let is_readable = permissions.permit(Right::Read, path.relative());
                match self.file(path.relative(), turn) {
                    Ok(Resource::Directory) => Ok(moved(path, query)),
                    Err(Stop::WouldBlock(would_block)) => Err(would_block.into()),
                    // Only a directory would be shown here, as the way to files that the requester may read.
                    _ if !is_readable => Err(not_permitted(permissions, Right::Read).into()),
                    Ok(Resource::File(found)) => {
                        self.represent(request, path.relative(), found, turn)
                    }
                    Err(stop) => Err(stop),
                }
            }
            TrailingSlash::Slash if self.is_login(query, permissions) => login(permissions),
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

    /// What is at `path`, relative to the root.
    fn file(&self, path: &[u8], turn: &Turn<'_>) -> Result<Resource, Stop> {
        match self.files.look_up(path, turn.permission())? {
            Ok(found) => Ok(Resource::File(found)),
            Err(error) if error.kind == StoreErrorKind::Directory => Ok(Resource::Directory),
            Err(error) => Err(cannot_read(error.kind, Operation::WebGet).into()),
        }
    }

    /// Answers with the file at `path`, or with a precompressed sibling.
    fn represent(
        &self,
        request: &Request<'_>,
        path: &[u8],
        found: ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let preferred = self.preferred(request, path, found, turn)?;
        Ok(preferred.response(request)?)
    }

    /// What the file at `path` is sent as.
    pub(super) fn media_type(
        &self,
        path: &[u8],
        found: &ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<MediaType, WouldBlock> {
        let value = self.content_type(path, found, turn)?;
        Ok(MediaType::new(value, self.options.documents))
    }

    /// The value of Content-Type for the file at `path`; if its name says nothing, by its first bytes.
    fn content_type(
        &self,
        path: &[u8],
        found: &ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<Cow<'static, str>, WouldBlock> {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        let otherwise = match self.options.media_types.guess(name) {
            Guess::Known(media_type) => return Ok(media_type),
            Guess::UnlessText(otherwise) => otherwise,
        };
        let mut buffer = [0; media_type::SNIFFED];
        let text = match found.start(&mut buffer, turn.permission())? {
            Ok(start) => media_type::text(start),
            Err(error) => {
                log::debug!("GET: cannot tell whether this is text: {error}");
                None
            }
        };
        Ok(Cow::Borrowed(text.unwrap_or(otherwise)))
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
