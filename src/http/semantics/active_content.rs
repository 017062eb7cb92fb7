//! The media types that a browser shows as a document that may run scripts.
//!
//! PDF is not one of them: its scripts run in the viewer, not in the site. `nosniff` keeps browsers from treating other
//! types as one of these.

/// Whether a browser runs the scripts in a document of this type.
///
/// HTML; every XML type (WHATWG MIME Sniffing, "XML MIME type", and two more that browsers treat alike), since any XML
/// may contain elements of XHTML or SVG; and multipart types, since each part has a type of its own.
pub(crate) fn may_run_scripts(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or(media_type).trim();
    let is_any = |of: &[&str]| of.iter().any(|one| one.eq_ignore_ascii_case(essence));
    is_any(&[
        "text/html",
        "text/xml",
        "application/xml",
        "text/xsl",
        "text/rdf",
    ]) || ends_with(essence, "+xml")
        || starts_with(essence, "multipart/")
}

fn ends_with(text: &str, end: &str) -> bool {
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..))
        .is_some_and(|found| found.eq_ignore_ascii_case(end))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_markup_may_run_scripts() {
        for (media_type, expected) in [
            ("text/html", true),
            ("text/html; charset=utf-8", true),
            ("Text/HTML ;x", true),
            ("application/xhtml+xml", true),
            ("image/svg+xml", true),
            ("IMAGE/SVG+XML", true),
            ("text/xml", true),
            ("application/xml", true),
            ("application/atom+xml; charset=utf-8", true),
            ("application/mathml+xml", true),
            ("application/xslt+xml", true),
            ("text/xsl", true),
            ("multipart/x-mixed-replace;boundary=x", true),
            ("application/pdf", false),
            ("text/plain; charset=utf-8", false),
            ("text/plain; x=text/html", false),
            ("text/javascript", false),
            ("application/json", false),
            ("image/png", false),
            ("application/octet-stream", false),
            ("+xm", false),
            ("", false),
        ] {
            assert_eq!(may_run_scripts(media_type), expected, "{media_type}");
        }
    }
}
