//! Pages of a site as a browser shows them: at clean URLs, and through gzip.

use serde_json::json;

use super::webdriver::Browser;
use crate::support::setup::Setup;
use crate::support::tree::write;
use crate::support::wait::eventually;

/// The browser's verdict on the script that the page loaded.
const IS_SHORTER: &str = "const [script] = performance.getEntriesByType('resource'); \
     return script.encodedBodySize > 0 && script.encodedBodySize < script.decodedBodySize / 10";

#[test]
fn page_at_a_clean_url_runs_its_compressed_script() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = Setup::web(&["--compress", "--clean-urls"])
        .files(|root| {
            let page = "<!doctype html><title>before</title><script src=app.js></script>";
            write(root, "dir/page.html", page);
            let comment = "a comment ".repeat(3_000);
            let script = format!("document.title = 'after'; // {comment}");
            write(root, "dir/app.js", script);
        })
        .start();
    eventually("the script is compressed", || {
        let response = site.ask("GET /dir/app.js", "Accept-Encoding: gzip\r\n", b"");
        response.field("Content-Encoding") == Some("gzip")
    });
    browser.open(&format!("http://{}/dir/page", site.address()));
    assert_eq!(browser.run("return document.title"), json!("after"));
    assert_eq!(browser.run(IS_SHORTER), json!(true));
}
