//! A directory as an answer: its entries from the store, its form from [`listing`].

use super::form::Form;
use super::{Extent, Item, Kind, Listing, MAX_ENTRIES};
use crate::connection::{Response, ResponseContent};
use crate::http::semantics::conditional::{Method, Outcome, Validators};
use crate::http::semantics::fields::combined;
use crate::http::{Refusal, Request, Status, write_field};
use crate::server::Turn;
use crate::store::{Entry, EntryKind, StoreErrorKind};
use crate::web::fields::Preconditions;
use crate::web::pages::document;
use crate::web::path::Path;
use crate::web::refusal::{Stop, cannot_read};
use crate::web::{DotFiles, Web};

impl Web {
    /// Answers with a listing of the directory at `path`.
    pub(in crate::web) fn listing(
        &self,
        request: &Request<'_>,
        path: &Path,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let blocking = turn.permission().require()?;
        let found = self
            .files
            .list(
                path.relative(),
                MAX_ENTRIES,
                |name| self.shows(name),
                blocking,
            )
            .map_err(|error| cannot_read(error.kind))?;
        // A listing has no validators; that it is there is all that a condition can ask (RFC 9110 §13.2.1).
        match Preconditions::of(request).evaluate(Method::Read, Some(&Validators::default())) {
            Outcome::Proceed => {}
            Outcome::PreconditionFailed => {
                let reason = StoreErrorKind::ConditionFailed.reason();
                return Err(Refusal::new(Status::PreconditionFailed, reason).into());
            }
            Outcome::NotModified => return Ok(not_modified()),
        }
        let extent = if found.truncated {
            Extent::Truncated
        } else {
            Extent::Complete
        };
        let items = found.entries.into_iter().map(item).collect();
        let listing = Listing::new(path, items, extent, self.options.access);
        let mut fields = Vec::new();
        let text = match Form::choose(combined(request, "Accept").as_deref()) {
            Form::Html => {
                let html = document::CONTENT_TYPE.as_bytes();
                write_field(&mut fields, "Content-Type", html);
                let policy = listing.content_security_policy();
                write_field(&mut fields, "Content-Security-Policy", policy.as_bytes());
                listing.html()
            }
            Form::Json => {
                write_field(&mut fields, "Content-Type", b"application/json");
                listing.json()
            }
        };
        write_field(&mut fields, "Vary", b"Accept");
        drop(listing); // as much memory as the text
        let Some(content) = self.listing_budget.content(text.as_bytes()) else {
            let reason = "too many listings wait for their clients to take them";
            return Err(Refusal::new(Status::ServiceUnavailable, reason).into());
        };
        Ok(Response::new(Status::Ok, fields, content))
    }

    fn shows(&self, name: &[u8]) -> bool {
        self.options.dot_files == DotFiles::Visible || !name.starts_with(b".")
    }
}

/// RFC 9110 §15.4.5
fn not_modified() -> Response {
    let mut fields = Vec::new();
    write_field(&mut fields, "Vary", b"Accept");
    Response::new(Status::NotModified, fields, ResponseContent::Unstated)
}

fn item(entry: Entry) -> Item {
    Item {
        name: entry.name,
        kind: match entry.kind {
            EntryKind::Directory => Kind::Directory,
            EntryKind::File => Kind::File,
        },
        size: entry.metadata.length(),
        modified: entry.metadata.modified(),
    }
}
