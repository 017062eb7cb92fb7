//! Cache-Control: the rules of `--cache` for files, and the defaults of all other responses.

use crate::support::curl::curl;
use crate::support::response::Response;
use crate::support::setup::Setup;
use crate::support::tree::write;

fn value(response: &Response) -> Option<&str> {
    response.field("Cache-Control")
}

#[test]
fn listings_and_redirects_have_no_cache_and_files_have_no_field() {
    let site = Setup::web(&["--listing"])
        .files(|root| write(root, "dir/a.txt", "a"))
        .start();
    for (line, fields, status, expected) in [
        ("GET /", "", 200, Some("no-cache")),
        ("HEAD /", "", 200, Some("no-cache")),
        (
            "GET /dir/",
            "Accept: application/json\r\n",
            200,
            Some("no-cache"),
        ),
        ("GET /", "If-None-Match: *\r\n", 304, Some("no-cache")),
        ("GET /dir", "", 301, Some("no-cache")),
        ("GET /dir/a.txt", "", 200, None),
        ("GET /nothing", "", 404, None),
        ("OPTIONS /", "", 204, None),
    ] {
        let response = site.ask(line, fields, b"");
        assert_eq!(response.status, status, "{line} {fields}");
        assert_eq!(value(&response), expected, "{line} {fields}");
    }
}

#[test]
fn rules_apply_to_the_file_that_is_sent() {
    let rules = [
        "--cache",
        "**=no-cache",
        "--cache",
        "assets/**=public, max-age=31536000, immutable",
        "--cache",
        "*.svg=max-age=5",
        "--spa",
        "index.html",
    ];
    let site = Setup::web(&rules)
        .files(|root| {
            for name in [
                "index.html",
                "assets/app.js",
                "assets/app.js.gz",
                "assets/deep/a.svg",
                "404.html",
            ] {
                write(root, name, "0123456789");
            }
        })
        .start();
    let forever = "public, max-age=31536000, immutable";
    for (line, fields, status, expected) in [
        ("GET /", "", 200, "no-cache"),
        ("GET /index.html", "", 200, "no-cache"),
        ("GET /assets/app.js", "", 200, forever),
        ("HEAD /assets/app.js", "", 200, forever),
        (
            "GET /assets/app.js",
            "Accept-Encoding: gzip\r\n",
            200,
            forever,
        ),
        ("GET /assets/app.js", "Range: bytes=0-1\r\n", 206, forever),
        (
            "GET /assets/app.js",
            "Range: bytes=0-1,5-6\r\n",
            206,
            forever,
        ),
        ("GET /assets/app.js", "If-None-Match: *\r\n", 304, forever),
        ("GET /assets/deep/a.svg", "", 200, "max-age=5"),
        // The fallback for a missing file has the rule of the fallback, not that of the missing file.
        ("GET /assets/gone.js", "", 200, "no-cache"),
        ("GET /some/view", "", 200, "no-cache"),
        ("GET /assets", "", 301, "no-cache"),
    ] {
        let response = site.ask(line, fields, b"");
        assert_eq!(response.status, status, "{line} {fields}");
        assert_eq!(value(&response), Some(expected), "{line} {fields}");
    }
    // Errors get no rule.
    for (line, fields, status) in [
        ("GET /assets/app.js", "Range: bytes=99-\r\n", 416),
        ("GET /assets/app.js", "If-Match: \"x\"\r\n", 412),
        ("POST /assets/app.js", "", 405),
    ] {
        let response = site.ask(line, fields, b"");
        assert_eq!(
            (response.status, value(&response)),
            (status, None),
            "{line}"
        );
    }
    let sent = String::from_utf8(curl(&site, &[] as &[&str], "assets/app.js")).unwrap();
    assert!(
        sent.contains(&format!("\r\nCache-Control: {forever}\r\n")),
        "{sent}"
    );
}

#[test]
fn page_of_an_error_has_no_rule() {
    let site = Setup::web(&["--cache", "**=max-age=5"])
        .files(|root| write(root, "404.html", "not here"))
        .start();
    let response = site.get("/nothing");
    assert_eq!((response.status, response.text()), (404, "not here"));
    assert_eq!(value(&response), None);
    assert_eq!(value(&site.get("/404.html")), Some("max-age=5"));
}
