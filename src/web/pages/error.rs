//! The page that goes with an error status, for people who see it in a browser.

use super::escape::Escaped;

/// The value of Content-Type that goes with the page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The value of Content-Security-Policy that goes with the page: it fetches and runs nothing.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page for a status `code` with its reason phrase (RFC 9110 §15).
///
/// Nothing of the request appears on it, so it has nothing to inject and is the same for everybody.
#[must_use]
pub fn render(code: u16, reason: &str) -> String {
    let reason = Escaped::from(reason);
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{code} {reason}</title>\n\
         <style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 20vh auto; padding: 0 1rem }} \
         h1 {{ font-weight: 500 }}</style>\n\
         <h1>{code} {reason}</h1>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_the_status() {
        let page = render(404, "Not Found");
        assert!(page.starts_with("<!doctype html>\n"));
        assert!(page.contains("<title>404 Not Found</title>"));
        assert!(page.contains("<h1>404 Not Found</h1>"));
        assert!(render(400, "<b>").contains("<h1>400 &lt;b&gt;</h1>"));
    }
}
