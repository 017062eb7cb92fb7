//! `--clean-urls`: a page at its name without `.html`.

use crate::support::response::Response;
use crate::support::setup::Setup;
use crate::support::tree::{link, write};

fn location(response: &Response) -> Option<&str> {
    response.field("Content-Location")
}

#[test]
fn clean_url_leads_to_the_page() {
    let site = Setup::web(&["--clean-urls", "--listing"])
        .files(|root| {
            for name in [
                "page.html",
                "both",
                "both.html",
                "dir.html",
                "dir/index.html",
                "empty/a.txt",
                "a b:c.html",
                "page.html.gz",
                "deep/er/page.html",
                "directory.html/a.txt",
                ".hidden.html",
                "plain.htm",
            ] {
                write(root, name, name);
            }
            link(root, "linked.html", "deep/er/page.html");
            write(root.parent().unwrap(), "secret.html", "secret");
            link(root, "outside.html", "../secret.html");
        })
        .start();
    for (target, status, body, expected) in [
        ("/page", 200, "page.html", Some("./page.html")),
        ("/page?x=y", 200, "page.html", Some("./page.html")),
        ("/page.html", 200, "page.html", None),
        (
            "/deep/er/page",
            200,
            "deep/er/page.html",
            Some("./page.html"),
        ),
        ("/linked", 200, "deep/er/page.html", Some("./linked.html")),
        ("/a%20b:c", 200, "a b:c.html", Some("./a%20b%3Ac.html")),
        // A file of exactly this name has priority over a page, and a page over a directory.
        ("/both", 200, "both", None),
        ("/both.html", 200, "both.html", None),
        ("/dir", 200, "dir.html", Some("./dir.html")),
        ("/dir/", 200, "dir/index.html", None),
    ] {
        let response = site.get(target);
        assert_eq!(
            (response.status, response.text()),
            (status, body),
            "{target}"
        );
        assert_eq!(location(&response), expected, "{target}");
    }
    for (target, status) in [
        ("/empty", 301),
        ("/page/", 404),
        ("/plain", 404),
        ("/nothing", 404),
        ("/.hidden", 404),
        ("/outside", 404),
        ("/page.html/x", 404),
        ("/directory", 404),
    ] {
        assert_eq!(site.get(target).status, status, "{target}");
    }
    let long = "x".repeat(252);
    assert_eq!(site.get(&format!("/{long}")).status, 404);
}

#[test]
fn clean_url_has_the_fields_and_representations_of_its_file() {
    let site = Setup::web(&["--clean-urls", "--cache", "page.html=max-age=5"])
        .files(|root| {
            write(root, "page.html", "<p>hello");
            write(root, "page.html.gz", "coded");
        })
        .start();
    let etag = site.get("/page.html");
    let etag = etag.field("ETag").unwrap();
    let matches = format!("If-None-Match: {etag}\r\n");
    for (line, fields, status, body) in [
        ("GET /page", "", 200, "<p>hello"),
        ("HEAD /page", "", 200, ""),
        ("GET /page", "Accept-Encoding: gzip\r\n", 200, "coded"),
        ("GET /page", "Range: bytes=3-\r\n", 206, "hello"),
        ("GET /page", &matches, 304, ""),
    ] {
        let response = site.ask(line, fields, b"");
        assert_eq!(
            (response.status, response.text()),
            (status, body),
            "{fields}"
        );
        assert_eq!(location(&response), Some("./page.html"), "{fields}");
        assert_eq!(response.field("Cache-Control"), Some("max-age=5"));
        if status == 200 {
            let found = response.field("Content-Type");
            assert_eq!(found, Some("text/html; charset=utf-8"));
        }
    }
    let response = site.ask("GET /page", "Range: bytes=99-\r\n", b"");
    assert_eq!((response.status, location(&response)), (416, None));
    // The log has the requested path.
    assert!(
        site.log()
            .starts_with("GET page.html length 0\n========\nGET page length 0\n")
    );
}

#[test]
fn page_comes_before_the_fallback_and_nothing_is_stored_at_a_clean_url() {
    let site = Setup::web(&["--clean-urls", "--spa", "app.html", "--writable"])
        .files(|root| {
            write(root, "app.html", "app");
            write(root, "page.html", "page");
        })
        .start();
    assert_eq!(site.get("/page").text(), "page");
    assert_eq!(site.get("/view").text(), "app");
    assert_eq!(site.put("/page", "", b"mine").status, 201);
    assert_eq!(site.content("page.html"), b"page");
    assert_eq!(site.get("/page").text(), "mine");
    assert_eq!(site.ask("DELETE /page", "", b"").status, 204);
    assert_eq!(site.get("/page").text(), "page");
    assert_eq!(site.ask("DELETE /page", "", b"").status, 404);
    assert_eq!(site.content("page.html"), b"page");
}

#[test]
fn log_is_concealed_at_its_clean_url() {
    let site = Setup::web(&["--clean-urls"])
        .log("root/log.html")
        .files(|root| write(root, "log.html.html", "old"))
        .start();
    assert!(site.root().join("log.html").exists());
    for target in ["/log", "/log.html", "/log.html.html"] {
        assert_eq!(site.get(target).status, 404, "{target}");
    }
}

#[test]
fn page_that_may_not_be_opened_is_403() {
    let site = Setup::nobody(&["--web", "--clean-urls"]).start();
    write(&site.root(), "page.html", "page");
    site.permit("page.html", 0o000);
    for target in ["/page", "/page.html"] {
        assert_eq!(site.get(target).status, 403, "{target}");
    }
}

#[test]
fn without_the_option_a_page_has_one_address() {
    let site = Setup::web(&[])
        .files(|root| write(root, "page.html", "page"))
        .start();
    assert_eq!(site.get("/page").status, 404);
}
