//! The frame of every page: the head of the document, and the policy under which a browser shows it.
//!
//! A page contains its style and its script, so it needs no second request and no reserved path among the files.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::escape::Escaped;
use crate::http::write_field;

/// Writes the fields of a page; `policy` is the policy of its style and script.
///
/// Only this site may embed the page, and no other site gets its address in Referer, since names of directories may be
/// private.
pub(crate) fn write_fields(fields: &mut Vec<u8>, policy: &str) {
    write_field(fields, "Content-Type", b"text/html; charset=utf-8");
    write_field(fields, "Content-Security-Policy", policy.as_bytes());
    write_field(fields, "Referrer-Policy", b"same-origin");
    write_resource_policy(fields);
}

/// Writes the field that hides the server's own texts about its files from pages of other sites.
pub(crate) fn write_resource_policy(fields: &mut Vec<u8>) {
    write_field(fields, "Cross-Origin-Resource-Policy", b"same-origin");
}

/// Writes everything before the visible part.
pub(crate) fn write_head(page: &mut String, title: &Escaped<'_>, style: &str) -> fmt::Result {
    write!(
        page,
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <style>{style}</style>\n"
    )
}

/// The value of Content-Security-Policy for a page of this style and script (CSP Level 3).
///
/// The page runs only its own script, which may connect only to its own server. Even if a file name became markup by
/// mistake, a browser would not run it.
pub(crate) fn content_security_policy(style: &str, script: Option<&str>) -> String {
    let scripts = script.map_or_else(String::new, |script| {
        format!("script-src {}; connect-src 'self'; ", source(script))
    });
    format!(
        "default-src 'none'; style-src {}; {scripts}img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(style)
    )
}

fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The text between the first of two marks and the next second one.
    pub(crate) fn between<'p>(page: &'p str, open: &str, close: &str) -> Option<&'p str> {
        let start = page.find(open)? + open.len();
        let length = page[start..].find(close)?;
        Some(&page[start..start + length])
    }

    /// The markup besides style and script.
    pub(crate) fn body(page: &str) -> &str {
        let (_, body) = page.split_once("</style>").unwrap();
        body.split_once("<script>").map_or(body, |(body, _)| body)
    }

    /// Checks that a policy permits the contents of the page, and that the page needs no more.
    pub(crate) fn assert_fits(policy: &str, page: &str) {
        for (directive, open, close) in [
            ("style-src", "<style>", "</style>"),
            ("script-src", "<script>", "</script>"),
        ] {
            let Some(inline) = between(page, open, close) else {
                assert!(!policy.contains(directive), "{policy}");
                continue;
            };
            let expected = format!("{directive} {};", source(inline));
            assert!(policy.contains(&expected), "{expected} in {policy}");
            assert_eq!(page.matches(open).count(), 1, "{open}");
            assert_eq!(page.matches(close).count(), 1, "{close}");
        }
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let body = body(page);
        for forbidden in [" style=", "src="] {
            assert!(!body.contains(forbidden), "{forbidden} in {body}");
        }
    }

    /// The colours of a scheme, by the names of their properties.
    fn colours(block: &str) -> impl Fn(&str) -> f64 {
        move |name| {
            let value = between(block, &format!("--{name}: #"), ";").unwrap();
            let digits: Vec<u32> = value
                .chars()
                .map(|digit| digit.to_digit(16).unwrap())
                .collect();
            let parts: Vec<u32> = match digits.len() {
                3 => digits.iter().map(|digit| digit * 17).collect(),
                6 => digits
                    .chunks(2)
                    .map(|pair| pair[0] * 16 + pair[1])
                    .collect(),
                _ => panic!("{name}: {value}"),
            };
            let linear = |part: u32| {
                let part = f64::from(part) / 255.0;
                if part <= 0.04045 {
                    part / 12.92
                } else {
                    ((part + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(parts[0]) + 0.7152 * linear(parts[1]) + 0.0722 * linear(parts[2])
        }
    }

    /// WCAG 2.2 §1.4.6 requires a contrast of 7:1 between text and its background, §1.4.11 one of 3:1 for graphical
    /// parts.
    #[test]
    fn every_colour_has_contrast() {
        let style = include_str!("../../page.css");
        let (light, dark) = style.split_once("prefers-color-scheme: dark").unwrap();
        for (scheme, block) in [("light", light), ("dark", dark)] {
            let luminance = colours(block);
            let ratio = |a: &str, b: &str| {
                let (a, b) = (luminance(a), luminance(b));
                (a.max(b) + 0.05) / (a.min(b) + 0.05)
            };
            for text in ["text", "quiet", "link", "good", "bad"] {
                for ground in ["ground", "raised"] {
                    let found = ratio(text, ground);
                    assert!(found >= 7.0, "{scheme}: {text} on {ground} has {found}");
                }
            }
            for (bar, around) in [("link", "track"), ("good", "track"), ("control", "ground")] {
                let found = ratio(bar, around);
                assert!(found >= 3.0, "{scheme}: {bar} on {around} has {found}");
            }
        }
    }
}
