//! The page that goes with an error status, for people who see it in a browser.

use super::escape::Escaped;

/// The value of Content-Type that goes with the page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The value of Content-Security-Policy that goes with the page: it fetches and runs nothing.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page for a status `code` with its reason phrase (RFC 9110 §15), and perhaps the reason in words, a clause.
#[must_use]
pub fn render(code: u16, phrase: &str, reason: Option<&str>) -> String {
    let phrase = Escaped::from(phrase);
    let reason = reason.map_or(String::new(), |reason| {
        let sentence = sentence(reason);
        format!("<p>{}</p>\n", Escaped::from(&*sentence))
    });
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{code} {phrase}</title>\n\
         <style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 20vh auto; padding: 0 1rem }} \
         h1 {{ font-weight: 500 }}</style>\n\
         <h1>{code} {phrase}</h1>\n\
         {reason}"
    )
}

/// A clause with a capital and a full stop.
fn sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_says_why_in_a_sentence() {
        for (reason, expected) in [
            (
                "the length is not stated",
                "<p>The length is not stated.</p>",
            ),
            ("HTTP/1.0 has no <x>", "<p>HTTP/1.0 has no &lt;x&gt;.</p>"),
        ] {
            let page = render(411, "Length Required", Some(reason));
            assert!(page.ends_with(&format!("</h1>\n{expected}\n")), "{page}");
        }
    }

    #[test]
    fn a_page_names_the_status() {
        let page = render(404, "Not Found", None);
        assert!(page.starts_with("<!doctype html>\n"));
        assert!(page.contains("<title>404 Not Found</title>"));
        assert!(page.ends_with("<h1>404 Not Found</h1>\n"));
        assert!(render(400, "<b>", None).contains("<h1>400 &lt;b&gt;</h1>"));
    }
}
