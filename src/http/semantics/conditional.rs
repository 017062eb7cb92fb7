//! Conditional requests (RFC 9110 §13): whether to perform a method on the current representation.
//!
//! This module compares validators; it neither opens files nor renders responses. A PUT is decided when the upload is
//! committed, so the caller evaluates it with the validators at that moment.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::date;
use super::etag::{EntityTag, TagList};

/// The kinds of methods that conditions distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionalMethod {
    /// GET or HEAD.
    Read,
    /// PUT: succeeds without a current representation.
    Put,
    /// DELETE.
    Delete,
}

/// The values of the conditional fields; several lines of one field are joined with commas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PreconditionFields<'a> {
    /// If-Match (RFC 9110 §13.1.1).
    pub if_match: Option<&'a [u8]>,
    /// If-None-Match (RFC 9110 §13.1.2).
    pub if_none_match: Option<&'a [u8]>,
    /// If-Modified-Since (RFC 9110 §13.1.3).
    pub if_modified_since: Option<&'a [u8]>,
    /// If-Unmodified-Since (RFC 9110 §13.1.4).
    pub if_unmodified_since: Option<&'a [u8]>,
}

/// The validators of the representation that the server would send now (RFC 9110 §8.8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validators<'a> {
    /// The strong entity tag, with its quotes, if there is one.
    pub etag: Option<&'a str>,
    /// The modification time, if there is one; compared in whole seconds, as Last-Modified shows it.
    pub modified: Option<SystemTime>,
}

/// The result of the conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Perform the method; for a GET, [`range_applies`] is checked next.
    Proceed,
    /// 304: the client has the current representation.
    NotModified,
    /// 412: the representation is not the one in the client's condition.
    PreconditionFailed,
}

/// Evaluates the conditions against the current representation, `None` when there is none.
///
/// A list of entity tags that cannot be parsed matches nothing: it never permits a write, and a GET gets its content. A
/// date is ignored if it cannot be parsed, or if there is no modification time (RFC 9110 §13.1.3, §13.1.4).
#[must_use]
pub fn evaluate(
    method: ConditionalMethod,
    conditions: &PreconditionFields<'_>,
    current: Option<&Validators<'_>>,
) -> Outcome {
    // The order of precedence, RFC 9110 §13.2.2:
    //
    // 0. If the response without conditions would be neither 2xx nor 412, conditions are not evaluated (§13.2.1): a GET
    //    or DELETE of an absent file is 404.
    // 1. If-Match, when present: if it is false, 412; if it is true, on to 3.
    // 2. Without If-Match, If-Unmodified-Since: if it is false, 412; if it is true, on to 3.
    // 3. If-None-Match, when present: if it is false, 304 to GET and HEAD, 412 to others; if it is true, on to 5.
    // 4. Without If-None-Match, for GET and HEAD, If-Modified-Since: if it is false, 304.
    // 5. For GET with Range and If-Range: if that is true, the range; else the whole. (`range_applies`)
    // 6. Otherwise perform the method.
    if current.is_none() && method != ConditionalMethod::Put {
        return Outcome::Proceed;
    }
    if let Some(field) = conditions.if_match {
        if !matches_strongly(field, current) {
            return Outcome::PreconditionFailed;
        }
    } else if let Some(field) = conditions.if_unmodified_since
        && modified_since(field, current) == Some(Modified::Later)
    {
        return Outcome::PreconditionFailed;
    }
    if let Some(field) = conditions.if_none_match {
        return match (none_matches(field, current), method) {
            (Some(true), _) | (None, ConditionalMethod::Read) => Outcome::Proceed,
            (Some(false), ConditionalMethod::Read) => Outcome::NotModified,
            (Some(false) | None, ConditionalMethod::Put | ConditionalMethod::Delete) => {
                Outcome::PreconditionFailed
            }
        };
    }
    if method == ConditionalMethod::Read
        && let Some(field) = conditions.if_modified_since
        && modified_since(field, current) == Some(Modified::NotLater)
    {
        return Outcome::NotModified;
    }
    Outcome::Proceed
}

/// Whether If-Range lets the Range field apply (RFC 9110 §13.1.5).
///
/// A date must be equal, and must be a strong validator (§8.8.2.2): its second is over, so the file did not change in
/// that second after the client had read it.
#[must_use]
pub fn range_applies(if_range: &[u8], current: &Validators<'_>, now: SystemTime) -> bool {
    if let Some(tag) = EntityTag::parse(if_range) {
        return current.etag.is_some_and(|etag| tag.is_strongly(etag));
    }
    let Some(modified) = current.modified else {
        return false;
    };
    let modified = UNIX_EPOCH + Duration::from_secs(date::seconds(modified));
    let second_is_over = now
        .duration_since(modified)
        .is_ok_and(|age| age >= Duration::from_secs(1));
    date::parse(if_range) == Some(modified) && second_is_over
}

/// If-Match (RFC 9110 §13.1.1).
fn matches_strongly(field: &[u8], current: Option<&Validators<'_>>) -> bool {
    let Some(current) = current else { return false };
    match TagList::parse(field) {
        Some(TagList::Any) => true,
        Some(TagList::Tags(tags)) => current
            .etag
            .is_some_and(|etag| tags.iter().any(|tag| tag.is_strongly(etag))),
        None => false,
    }
}

/// If-None-Match (RFC 9110 §13.1.2); `None` when the list cannot be read.
fn none_matches(field: &[u8], current: Option<&Validators<'_>>) -> Option<bool> {
    let list = TagList::parse(field)?;
    let Some(current) = current else {
        return Some(true);
    };
    Some(match list {
        TagList::Any => false,
        TagList::Tags(tags) => !current
            .etag
            .is_some_and(|etag| tags.iter().any(|tag| tag.is_weakly(etag))),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modified {
    Later,
    NotLater,
}

/// The order of the modification time and a date; `None` if either is missing or the date cannot be parsed.
fn modified_since(field: &[u8], current: Option<&Validators<'_>>) -> Option<Modified> {
    let date = date::seconds(date::parse(field.trim_ascii())?);
    let modified = date::seconds(current?.modified?);
    Some(if modified > date {
        Modified::Later
    } else {
        Modified::NotLater
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"now\"";
    /// 06 Nov 1994 08:49:37 GMT, as in the RFC's examples.
    const SECONDS: u64 = 784_111_777;
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn modified() -> SystemTime {
        // Last-Modified hides the half second.
        UNIX_EPOCH + Duration::from_millis(SECONDS * 1000 + 500)
    }

    fn validators() -> Validators<'static> {
        Validators {
            etag: Some(TAG),
            modified: Some(modified()),
        }
    }

    /// Method, whether the file exists (`bare`: without validators), fields => the result, with the section of the RFC.
    ///
    /// The current tag is `"now"`, and the dates stand for the second before, the same, and the one after.
    const TABLE: &str = r#"
        GET    present                                         => proceed   no condition
        PUT    absent                                          => proceed   no condition

        GET    absent  | If-Match: "now"                       => proceed   13.2.1 it is 404
        GET    absent  | If-None-Match: *                      => proceed   13.2.1
        DELETE absent  | If-Match: *                           => proceed   13.2.1

        PUT    present | If-Match: "now"                       => proceed   13.1.1
        GET    present | If-Match: "now"                       => proceed   13.1.1
        PUT    present | If-Match: "old"                       => 412       13.1.1
        GET    present | If-Match: "old"                       => 412       13.1.1
        DELETE present | If-Match: "old"                       => 412       13.1.1
        PUT    present | If-Match: W/"now"                     => 412       13.1.1 strong comparison
        DELETE present | If-Match: "old", "now"                => proceed   13.1.1
        PUT    present | If-Match: *                           => proceed   13.1.1
        PUT    absent  | If-Match: *                           => 412       13.1.1
        PUT    absent  | If-Match: "now"                       => 412       13.1.1
        PUT    present | If-Match: now                         => 412       unreadable
        PUT    present | If-Match:                             => 412       unreadable

        PUT    present | If-Unmodified-Since: BEFORE           => 412       13.1.4
        GET    present | If-Unmodified-Since: BEFORE           => 412       13.1.4
        PUT    present | If-Unmodified-Since: SAME             => proceed   13.1.4
        DELETE present | If-Unmodified-Since: AFTER            => proceed   13.1.4
        PUT    present | If-Unmodified-Since: soon             => proceed   13.1.4 not a date
        PUT    absent  | If-Unmodified-Since: BEFORE           => proceed   13.1.4

        PUT    present | If-Match: "now" | If-Unmodified-Since: BEFORE => proceed   1, not 2
        PUT    present | If-Match: "old" | If-Unmodified-Since: AFTER  => 412       1, not 2

        GET    present | If-None-Match: "now"                  => 304       13.1.2
        GET    present | If-None-Match: W/"now"                => 304       13.1.2 weak comparison
        GET    present | If-None-Match: "old","now"            => 304       13.1.2
        GET    present | If-None-Match: "old"                  => proceed   13.1.2
        GET    present | If-None-Match: *                      => 304       13.1.2
        PUT    present | If-None-Match: "now"                  => 412       13.1.2
        DELETE present | If-None-Match: W/"now"                => 412       13.1.2
        PUT    present | If-None-Match: *                      => 412       13.1.2 create only
        PUT    absent  | If-None-Match: *                      => proceed   13.1.2 create only
        PUT    absent  | If-None-Match: "now"                  => proceed   13.1.2
        GET    present | If-None-Match: now                    => proceed   unreadable
        PUT    present | If-None-Match: now                    => 412       unreadable
        PUT    absent  | If-None-Match: now                    => 412       unreadable

        GET    bare    | If-Match: *                           => proceed   13.1.1
        GET    bare    | If-Match: "now"                       => 412       13.1.1
        GET    bare    | If-None-Match: *                      => 304       13.1.2
        GET    bare    | If-None-Match: "now"                  => proceed   13.1.2
        GET    bare    | If-Modified-Since: AFTER              => proceed   13.1.3 no date to compare
        GET    bare    | If-Unmodified-Since: BEFORE           => proceed   13.1.4 no date to compare

        GET    present | If-Match: "now" | If-None-Match: "now" => 304      1, then 3
        PUT    present | If-Match: "now" | If-None-Match: "now" => 412      1, then 3
        GET    present | If-Match: "old" | If-None-Match: "now" => 412      1 comes first
        GET    present | If-Unmodified-Since: AFTER  | If-None-Match: "now" => 304  2, then 3
        GET    present | If-Unmodified-Since: BEFORE | If-None-Match: "now" => 412  2 comes first

        GET    present | If-Modified-Since: BEFORE             => proceed   13.1.3
        GET    present | If-Modified-Since: SAME               => 304       13.1.3
        GET    present | If-Modified-Since: AFTER              => 304       13.1.3
        GET    present | If-Modified-Since: 0                  => proceed   13.1.3 not a date
        PUT    present | If-Modified-Since: AFTER              => proceed   13.1.3 only for GET and HEAD

        GET    present | If-None-Match: "old" | If-Modified-Since: AFTER  => proceed  3, not 4
        GET    present | If-None-Match: "now" | If-Modified-Since: BEFORE => 304      3, not 4
        GET    present | If-None-Match: now   | If-Modified-Since: AFTER  => proceed  3, not 4
        GET    present | If-Unmodified-Since: SAME | If-Modified-Since: SAME => 304   2, then 4
    "#;

    #[test]
    fn conditions_are_evaluated_in_order_of_precedence() {
        let rows: Vec<&str> = TABLE
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        assert_eq!(rows.len(), 58);
        for row in rows {
            let (request, answer) = row.split_once("=>").unwrap();
            let mut parts = request.split('|').map(str::trim);
            let mut line = parts.next().unwrap().split_whitespace();
            let method = match line.next().unwrap() {
                "GET" => ConditionalMethod::Read,
                "PUT" => ConditionalMethod::Put,
                "DELETE" => ConditionalMethod::Delete,
                other => panic!("{other}"),
            };
            let current = match line.next().unwrap() {
                "present" => Some(validators()),
                "bare" => Some(Validators::default()),
                "absent" => None,
                other => panic!("{other}"),
            };
            let mut conditions = PreconditionFields::default();
            for part in parts {
                let (name, value) = part.split_once(':').unwrap();
                let value = match value.trim() {
                    "BEFORE" => BEFORE,
                    "SAME" => SAME,
                    "AFTER" => AFTER,
                    value => value,
                };
                let field = match name {
                    "If-Match" => &mut conditions.if_match,
                    "If-None-Match" => &mut conditions.if_none_match,
                    "If-Modified-Since" => &mut conditions.if_modified_since,
                    "If-Unmodified-Since" => &mut conditions.if_unmodified_since,
                    other => panic!("{other}"),
                };
                *field = Some(value.as_bytes());
            }
            let expected = match answer.split_whitespace().next().unwrap() {
                "proceed" => Outcome::Proceed,
                "304" => Outcome::NotModified,
                "412" => Outcome::PreconditionFailed,
                other => panic!("{other}"),
            };
            assert_eq!(
                evaluate(method, &conditions, current.as_ref()),
                expected,
                "{row}"
            );
        }
    }

    #[test]
    fn if_range_needs_a_strong_match() {
        /// A value of If-Range, the time of the request, and whether the range applies.
        struct Row {
            name: &'static str,
            field: &'static str,
            now: SystemTime,
            applies: bool,
        }
        let current = validators();
        let later = modified() + Duration::from_secs(60);
        let applies = |name, field, now| Row {
            name,
            field,
            now,
            applies: true,
        };
        let ignored = |name, field, now| Row {
            applies: false,
            ..applies(name, field, now)
        };
        let table = [
            // §13.1.5, §8.8.3.2: strong comparison
            applies("same tag", "\"now\"", later),
            ignored("other tag", "\"old\"", later),
            ignored("weak tag", "W/\"now\"", later),
            ignored("a list is not a tag", "\"now\", \"old\"", later),
            // §13.1.5: an exact match, not earlier or later
            applies("same date", SAME, later),
            ignored("earlier date", BEFORE, later),
            ignored("later date", AFTER, later),
            // §8.8.2.2: the second must be over
            ignored("the same second", SAME, modified()),
            ignored(
                "the last moment of it",
                SAME,
                UNIX_EPOCH + Duration::from_millis(SECONDS * 1000 + 999),
            ),
            applies(
                "the next",
                SAME,
                UNIX_EPOCH + Duration::from_secs(SECONDS + 1),
            ),
            ignored("a file from the future", SAME, UNIX_EPOCH),
            ignored("neither", "now", later),
            ignored("empty", "", later),
        ];
        for row in table {
            let applies = range_applies(row.field.as_bytes(), &current, row.now);
            assert_eq!(applies, row.applies, "{}", row.name);
        }
    }
}
