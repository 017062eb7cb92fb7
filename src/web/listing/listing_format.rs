//! Whether a client wants a listing as a page or as data (RFC 9110 §12.5.1).

use crate::http::semantics::negotiation::weights::weight_of;

/// The two forms of a listing. A response that depends on this choice has `Vary: Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingFormat {
    /// `text/html`, for people.
    Html,
    /// `application/json`, for programs.
    Json,
}

impl ListingFormat {
    /// Chooses by the Accept field.
    ///
    /// The default is the page. A client gets data if it names `application/json`, and prefers it or does not name
    /// `text/html`: libraries that expect data send `application/json, */*`.
    #[must_use]
    pub fn choose(accept: Option<&[u8]>) -> Self {
        let Some(field) = accept else {
            return Self::Html;
        };
        let Some(json) =
            weight_of(field, &["application/json"]).filter(|weight| weight.is_acceptable())
        else {
            return Self::Html;
        };
        if let Some(html) = weight_of(field, &["text/html"]) {
            return if json > html { Self::Json } else { Self::Html };
        }
        match weight_of(field, &["text/*", "*/*"]) {
            Some(html) if html > json => Self::Html,
            Some(_) | None => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_chooses_the_format() {
        let table = [
            ("", ListingFormat::Html),
            ("*/*", ListingFormat::Html),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                ListingFormat::Html,
            ),
            ("application/*", ListingFormat::Html),
            ("text/plain", ListingFormat::Html),
            ("application/json", ListingFormat::Json),
            ("Application/JSON", ListingFormat::Json),
            ("application/json;q=0.1", ListingFormat::Json),
            ("application/json;indent=2", ListingFormat::Json),
            ("application/json;q=0", ListingFormat::Html),
            ("application/json;q=0, */*", ListingFormat::Html),
            ("application/json, text/plain, */*", ListingFormat::Json),
            ("application/json;q=0.9, */*;q=0.8", ListingFormat::Json),
            ("application/json;q=0.5, */*", ListingFormat::Html),
            ("application/json;q=0.5, text/*", ListingFormat::Html),
            ("text/html, application/json", ListingFormat::Html),
            ("text/html;q=0.9, application/json", ListingFormat::Json),
            ("text/html, application/json;q=0.9", ListingFormat::Html),
            ("text/html;q=0, application/json;q=0.1", ListingFormat::Json),
            // The more specific range decides about text/html (RFC 9110 §12.5.1).
            (
                "application/json;q=0.5, text/html;q=0.4, */*;q=1",
                ListingFormat::Json,
            ),
            (
                "application/json;q=0.5, text/*;q=0.4, */*;q=1",
                ListingFormat::Json,
            ),
            ("application/json-patch+json", ListingFormat::Html),
        ];
        for (field, expected) in table {
            assert_eq!(
                ListingFormat::choose(Some(field.as_bytes())),
                expected,
                "{field}"
            );
        }
        assert_eq!(ListingFormat::choose(None), ListingFormat::Html);
    }
}
