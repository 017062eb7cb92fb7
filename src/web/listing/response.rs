//! The response with a directory: the decisions before its listing is made.

use std::sync::Arc;

use super::assets::Assets;
use super::directory_reading::DirectoryReading;
use super::frame::{Audience, Completeness, Frame};
use super::kept_listings::ListingKey;
use super::listing_format::ListingFormat;
use super::output::TextCoding;
use super::preparation::{ListingPreparation, PreparationState};
use crate::connection::{Response, ResponseContent};
use crate::http::semantics::conditional::{ConditionalMethod, Outcome, Validators};
use crate::http::semantics::fields::combined;
use crate::http::semantics::negotiation::encoding::Choice;
use crate::http::{Refusal, Request, StatusCode, Target, write_field};
use crate::refusing::{Operation, ReceivedLine, cannot_read};
use crate::requester::Requester;
use crate::server::Turn;
use crate::store::StoreErrorKind;
use crate::users::{Right, Rights};
use crate::web::Access;
use crate::web::fields::{Preconditions, gzip_or_plain};
use crate::web::pages::document;
use crate::web::path::{Path, levels_up};
use crate::web::refusal::Stop;
use crate::web::site::{Site, name};

/// The request fields that affect the bytes of a listing.
const VARY: &[u8] = b"Accept, Accept-Encoding";

impl Site {
    /// Responds with a listing of the directory at `path`, which is then made in portions. A HEAD gets its response at
    /// once, without a length, which is not known yet (RFC 9110 §8.6).
    pub(in crate::web) fn listing(
        &self,
        request: &Request<'_>,
        path: &Path,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let blocking = turn.permission().require()?;
        let key = self.listing_key(request, path, requester);
        let kept = match request.method {
            "GET" => self.listing_budget.find(&key),
            _ => None,
        };
        let before = kept.as_ref().map(|kept| kept.snapshot());
        let reader = self
            .files
            .open_directory(path.relative(), before, blocking)
            .map_err(|error| cannot_read(error.kind, Operation::WebGet))?;
        // A listing has no validators, so conditions can only require that it exists (RFC 9110 §13.2.1).
        match Preconditions::of(request)
            .evaluate(ConditionalMethod::Read, Some(&Validators::default()))
        {
            Outcome::Proceed => {}
            Outcome::PreconditionFailed => {
                let reason = StoreErrorKind::ConditionFailed.reason();
                return Err(Refusal::new(StatusCode::PreconditionFailed, reason).into());
            }
            Outcome::NotModified => {
                let mut response = not_modified();
                self.caching.write_for_page(&mut response.fields);
                return Ok(response);
            }
        }
        let mut fields = fields(key.form, key.frame.access);
        self.caching.write_for_page(&mut fields);
        if request.method == "HEAD" {
            let content = ResponseContent::Unstated;
            return Ok(Response::new(StatusCode::Ok, fields, content));
        }
        let reading = DirectoryReading::new(reader, kept, key.frame.clone(), &self.listing_budget);
        Err(Stop::Prepare(Box::new(ListingPreparation {
            files: Arc::clone(&self.files),
            budget: self.listing_budget.clone(),
            dot_files: self.options.dot_files,
            received: ReceivedLine::of(request, requester).into_owned(),
            name: name(path),
            key,
            fields,
            state: PreparationState::Reading(reading),
        })))
    }

    /// All that the text of the listing depends on, besides the directory.
    fn listing_key(&self, request: &Request<'_>, path: &Path, requester: &Requester) -> ListingKey {
        let rights = requester.permissions.rights(path.relative());
        ListingKey {
            frame: Frame {
                path: path.clone(),
                levels_up: levels_up_from(request),
                extent: Completeness::Complete,
                reader: Audience::of(requester),
                access: self.access(rights),
                rights,
                files: 0,
                directories: 0,
                bytes: 0,
            },
            permissions: requester.permissions.clone(),
            form: ListingFormat::choose(combined(request, "Accept").as_deref()),
            coding: match gzip_or_plain(request) {
                Choice::Coded(_) => TextCoding::Gzip,
                Choice::Identity | Choice::NotAcceptable => TextCoding::Plain,
            },
        }
    }

    /// The features of the page for a requester with these rights.
    fn access(&self, rights: Rights) -> Access {
        let stores = [Right::Create, Right::Replace].map(|right| rights.include(right));
        match stores {
            [false, false] => Access::ReadOnly,
            _ => self.options.access,
        }
    }
}

/// The fields of a listing.
fn fields(form: ListingFormat, access: Access) -> Vec<u8> {
    let mut fields = Vec::new();
    match form {
        ListingFormat::Html => document::write_fields(&mut fields, Assets::of(access).policy()),
        ListingFormat::Json => {
            write_field(&mut fields, "Content-Type", b"application/json");
            document::write_resource_policy(&mut fields);
        }
    }
    write_field(&mut fields, "Vary", VARY);
    fields
}

/// The number of `../` from the request's address to each directory of it.
fn levels_up_from(request: &Request<'_>) -> Vec<usize> {
    match request.target {
        Target::Origin { path, .. } | Target::Absolute { path, .. } => levels_up(path),
        Target::Authority(_) | Target::Asterisk | Target::Other(_) => Vec::new(),
    }
}

/// RFC 9110 §15.4.5
fn not_modified() -> Response {
    let mut fields = Vec::new();
    write_field(&mut fields, "Vary", VARY);
    Response::new(StatusCode::NotModified, fields, ResponseContent::Unstated)
}
