//! Whether a client wants a listing as a page or as data (RFC 9110 §12.5.1).

use crate::http::semantics::negotiation::weights::weight_of;

/// The two forms of a listing. An answer that depends on this choice says `Vary: Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `text/html`, for people.
    Html,
    /// `application/json`, for programs.
    Json,
}

impl Form {
    /// Chooses by the Accept field.
    ///
    /// The page is what one gets without asking. A client gets data when it names `application/json`, and
    /// prefers it or does not name `text/html`: libraries send `application/json, */*` and mean data.
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
    fn choice_by_accept() {
        let table = [
            ("", Form::Html),
            ("*/*", Form::Html),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Form::Html,
            ),
            ("application/*", Form::Html),
            ("text/plain", Form::Html),
            ("application/json", Form::Json),
            ("Application/JSON", Form::Json),
            ("application/json;q=0.1", Form::Json),
            ("application/json;indent=2", Form::Json),
            ("application/json;q=0", Form::Html),
            ("application/json;q=0, */*", Form::Html),
            ("application/json, text/plain, */*", Form::Json),
            ("application/json;q=0.9, */*;q=0.8", Form::Json),
            ("application/json;q=0.5, */*", Form::Html),
            ("application/json;q=0.5, text/*", Form::Html),
            ("text/html, application/json", Form::Html),
            ("text/html;q=0.9, application/json", Form::Json),
            ("text/html, application/json;q=0.9", Form::Html),
            ("text/html;q=0, application/json;q=0.1", Form::Json),
            // The more specific range decides about text/html (RFC 9110 §12.5.1).
            (
                "application/json;q=0.5, text/html;q=0.4, */*;q=1",
                Form::Json,
            ),
            ("application/json;q=0.5, text/*;q=0.4, */*;q=1", Form::Json),
            ("application/json-patch+json", Form::Html),
        ];
        for (field, expected) in table {
            assert_eq!(Form::choose(Some(field.as_bytes())), expected, "{field}");
        }
        assert_eq!(Form::choose(None), Form::Html);
    }
}
