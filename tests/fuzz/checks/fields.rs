//! The fields of the web dialect: no value makes a reader panic, and written values are read back.

use httpserver::http::semantics::conditional::{
    ConditionalMethod, Outcome, PreconditionFields, Validators, evaluate, range_applies,
};
use httpserver::http::semantics::date;
use httpserver::http::semantics::digest::{Sha256Digest, is_wanted};
use httpserver::http::semantics::etag::{EntityTag, TagList};
use httpserver::http::semantics::media_type::{self, MediaTypes, SNIFFED};
use httpserver::http::semantics::negotiation::encoding::{Coding, choose};
use httpserver::web::listing::listing_format::ListingFormat;
use std::time::{Duration, UNIX_EPOCH};

/// Checks a field value as that of every field.
pub(crate) fn check(data: &[u8]) {
    let _ = ListingFormat::choose(Some(data));
    let _ = choose(Some(data), &Coding::ALL);
    let _ = is_wanted(data);
    let _ = MediaTypes::default().guess(data);
    if let Some(media_type) = media_type::text(data) {
        let is_utf8 = media_type.ends_with("; charset=utf-8");
        assert!(!is_utf8 || data.len() == SNIFFED || str::from_utf8(data).is_ok());
    }
    let _ = EntityTag::parse(data);
    let _ = TagList::parse(data);
    if let Ok(Some(digest)) = Sha256Digest::parse(data) {
        let again = Sha256Digest::parse(digest.to_string().as_bytes());
        assert_eq!(again, Ok(Some(digest)));
    }
    if let Some(time) = date::parse(data) {
        let text = date::imf_fixdate(time);
        assert_eq!(date::parse(text.as_bytes()), Some(time), "{text}");
    }
    let modified = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let current = Validators {
        etag: Some("\"a\""),
        modified: Some(modified),
    };
    let _ = range_applies(data, &current, modified);
    let all = |field| PreconditionFields {
        if_match: Some(field),
        if_none_match: Some(field),
        if_modified_since: Some(field),
        if_unmodified_since: Some(field),
    };
    for method in [
        ConditionalMethod::Read,
        ConditionalMethod::Put,
        ConditionalMethod::Delete,
    ] {
        for current in [None, Some(&current)] {
            let outcome = evaluate(method, &all(data), current);
            // Only a reader can get a 304.
            assert!(outcome != Outcome::NotModified || method == ConditionalMethod::Read);
        }
    }
}
