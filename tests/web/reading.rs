//! GET, HEAD and OPTIONS: targets, response fields, methods, Host, error pages.

use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, link, write};

fn site(options: &[&str]) -> Server {
    Setup::web(options)
        .files(|root| {
            write(root, "a.txt", "hello\n");
            write(root, "no suffix", "bytes");
            write(root, "caf\u{e9}.html", "<p>");
            write(root, "50%25.txt", "percent");
            write(root, "dir/index.html", "<h1>index</h1>");
            write(root, "bare/b.txt", "b");
            write(root, ".secret", "s");
            write(root, ".git/config", "s");
            write(root, ".httpserver-0123456789abcdef", "staged");
            write(root.parent().unwrap(), "outside.txt", "outside");
            write(root.parent().unwrap(), "out/file.txt", "outside");
            link(root, "inside", "dir/index.html");
            link(root, "indir", "dir");
            link(root, "outside", "../outside.txt");
            link(root, "outdir", "../out");
            link(root, "absolute", "/etc/passwd");
            link(root, "absolute-inside", root.join("a.txt"));
            link(root, "dangling", "nothing");
            link(root, "round", "round");
        })
        .start()
}

/// RFC 9110 §15 for the statuses, RFC 9112 §3.2 for the forms of a target.
#[test]
fn targets_lead_to_files_or_are_refused() {
    let site = site(&[]);
    for (target, status, body) in [
        ("/a.txt", 200, "hello\n"),
        ("/a.txt?query", 200, "hello\n"),
        ("/a.txt?", 200, "hello\n"),
        ("/%61%2etxt", 200, "hello\n"),
        ("http://elsewhere:99/a.txt", 200, "hello\n"),
        ("http://elsewhere/a.txt?query", 200, "hello\n"),
        ("/no%20suffix", 200, "bytes"),
        ("/caf%C3%A9.html", 200, "<p>"),
        ("/caf\u{e9}.html", 200, "<p>"),
        ("/50%2525.txt", 200, "percent"),
        ("/50%25.txt", 404, ""),
        ("/dir/", 200, "<h1>index</h1>"),
        ("/dir/index.html", 200, "<h1>index</h1>"),
        ("/dir", 301, ""),
        ("/inside", 200, "<h1>index</h1>"),
        ("/indir/", 200, "<h1>index</h1>"),
        ("/indir/index.html", 200, "<h1>index</h1>"),
        ("/bare/", 404, ""),
        ("/", 404, ""),
        ("/a.txt/", 404, ""),
        ("/a.txt/b", 404, ""),
        ("/nothing", 404, ""),
        ("/outside", 404, ""),
        ("/outdir", 404, ""),
        ("/outdir/", 404, ""),
        ("/outdir/file.txt", 404, ""),
        ("/absolute", 404, ""),
        ("/absolute-inside", 404, ""),
        ("/dangling", 404, ""),
        ("/round", 404, ""),
        ("/.secret", 404, ""),
        ("/%2esecret", 404, ""),
        ("/.git/config", 404, ""),
        ("/.httpserver-0123456789abcdef", 404, ""),
        ("/../outside.txt", 400, ""),
        ("/dir/../a.txt", 400, ""),
        ("/%2e%2e/outside.txt", 400, ""),
        ("/..%2foutside.txt", 400, ""),
        ("/.%2e/outside.txt", 400, ""),
        ("/./a.txt", 200, "hello\n"),
        ("//a.txt", 200, "hello\n"),
        ("/%2e//a.txt", 200, "hello\n"),
        ("/dir/.//./", 200, "<h1>index</h1>"),
        ("//.secret", 404, ""),
        ("/a.txt%00", 400, ""),
        ("/a.txt%", 400, ""),
        ("/a.txt%zz", 400, ""),
        ("a.txt", 400, ""),
        ("*", 400, ""),
    ] {
        let response = site.get(target);
        assert_eq!(response.status, status, "{target}");
        if !body.is_empty() {
            assert_eq!(response.text(), body, "{target}");
        }
    }
    let long = format!("/{}", "x".repeat(300));
    assert_eq!(site.get(&long).status, 404, "ENAMETOOLONG");
}

#[test]
fn dot_files_are_served_on_demand_and_staging_files_never() {
    let site = site(&["--hidden"]);
    assert_eq!(site.get("/.secret").text(), "s");
    assert_eq!(site.get("/.git/config").text(), "s");
    assert_eq!(site.get("/.httpserver-0123456789abcdef").status, 404);
}

#[test]
fn a_directory_without_its_slash_moves_relatively_and_keeps_the_query() {
    let site = site(&[]);
    for (target, location) in [
        ("/dir", "./dir/"),
        ("/dir?a=b&c", "./dir/?a=b&c"),
        ("/dir?", "./dir/?"),
        ("/indir", "./indir/"),
        ("http://elsewhere/dir?q", "./dir/?q"),
    ] {
        let response = site.get(target);
        assert_eq!(response.status, 301, "{target}");
        assert_eq!(response.field("Location"), Some(location), "{target}");
    }
}

/// RFC 9110 §8.8.3, §9.3.2: HEAD has the fields of GET, and nothing after them.
#[test]
fn file_has_its_fields() {
    let site = site(&[]);
    date(&site.root(), "a.txt", 784_111_777);
    let get = site.get("/a.txt");
    for (name, value) in [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", "6"),
        ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("Accept-Ranges", "bytes"),
        ("X-Content-Type-Options", "nosniff"),
        ("Vary", "Accept-Encoding"),
        ("Connection", "close"),
    ] {
        assert_eq!(get.field(name), Some(value), "{name}");
    }
    assert!(get.field("Date").unwrap().ends_with(" GMT"));
    let etag = get.field("ETag").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with("-6\""), "{etag}");
    assert_eq!(
        site.get("/no%20suffix").field("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    for target in ["/a.txt", "/dir", "/dir/", "/nothing", "/a.txt%00"] {
        let get = site.get(target);
        let head = site.ask(&format!("HEAD {target}"), "", b"");
        assert_eq!(head.status, get.status, "{target}");
        assert_eq!(head.names(), get.names(), "{target}");
        assert_eq!(head.field("Content-Length"), get.field("Content-Length"));
        assert_eq!(head.body, b"", "{target}");
    }
}

/// RFC 9110 §8.8.2.1: Last-Modified is never later than Date; the clock may have been set back.
#[test]
fn time_in_the_future_is_not_sent() {
    let site = site(&[]);
    date(&site.root(), "a.txt", 4_102_444_800);
    let response = site.get("/a.txt");
    let time = |name| httpdate::parse_http_date(response.field(name).unwrap()).unwrap();
    assert!(time("Last-Modified") <= time("Date"));
    let since = format!("If-Modified-Since: {}\r\n", response.field("Date").unwrap());
    assert_eq!(site.ask("GET /a.txt", &since, b"").status, 200);
    let etag = format!("If-None-Match: {}\r\n", response.field("ETag").unwrap());
    assert_eq!(site.ask("GET /a.txt", &etag, b"").status, 304);
}

#[test]
fn large_files_come_whole() {
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let site = Setup::web(&[])
        .files(|root| write(root, "large.bin", &content))
        .start();
    assert!(site.get("/large.bin").body == content);
}

/// RFC 9110 §9.3.7, §15.5.6, §15.6.2
#[test]
fn methods_are_served_or_405() {
    let read = site(&[]);
    let write = site(&["--writable"]);
    let (few, all) = ("GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS, PUT, DELETE");
    for (line, read_only, writable) in [
        ("OPTIONS /a.txt", 204, 204),
        ("OPTIONS /nothing", 204, 204),
        ("OPTIONS *", 204, 204),
        ("OPTIONS /%00", 400, 400),
        ("POST /a.txt", 405, 405),
        ("PATCH /a.txt", 405, 405),
        ("TRACE /a.txt", 405, 405),
        ("CONNECT a:443", 405, 405),
        ("DELETE /nothing", 405, 404),
        ("PUT /new.txt", 405, 411),
        ("get /a.txt", 501, 501),
        ("BREW /pot", 501, 501),
    ] {
        for (site, status, allowed) in [(&read, read_only, few), (&write, writable, all)] {
            let response = site.ask(line, "", b"");
            assert_eq!(response.status, status, "{line}");
            let expected = matches!(status, 204 | 405).then_some(allowed);
            assert_eq!(response.field("Allow"), expected, "{line}");
            let length = response.field("Content-Length").is_some();
            assert_eq!(length, status != 204, "{line}");
        }
    }
    assert!(!read.root().join("new.txt").exists());
}

/// RFC 9112 §3.2, §9.3
#[test]
fn http_1_1_needs_a_host() {
    let site = site(&[]);
    for (head, status, connection) in [
        ("GET /a.txt HTTP/1.1\r\n", 400, "close"),
        ("GET http://a/a.txt HTTP/1.1\r\n", 400, "close"),
        (
            "GET /a.txt HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
            400,
            "close",
        ),
        ("GET /a.txt HTTP/1.1\r\nHost: a b\r\n", 400, "close"),
        ("GET /a.txt HTTP/1.1\r\nHost:\r\n", 200, "close"),
        ("GET /a.txt HTTP/1.1\r\nHost: [::1]:80\r\n", 200, "close"),
        ("GET /a.txt HTTP/1.0\r\n", 200, "close"),
        ("GET /a.txt HTTP/2.0\r\nHost: a\r\n", 505, "close"),
        ("GET /a.txt\r\n", 400, "close"),
    ] {
        let bytes = site.exchange(format!("{head}Connection: close\r\n\r\n").as_bytes());
        let response = Response::parse(&bytes);
        assert_eq!(response.status, status, "{head}");
        assert_eq!(response.field("Connection"), Some(connection), "{head}");
    }
    // Two on one connection; the second closes it.
    let old = site.exchange(
        b"GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /nothing HTTP/1.0\r\n\r\n",
    );
    let first = Response::parse(&old);
    assert_eq!(first.field("Connection"), Some("keep-alive"));
    let second = Response::parse(&first.body[6..]);
    assert_eq!(
        (second.status, second.field("Connection")),
        (404, Some("close"))
    );
    let new = site.exchange(
        b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(Response::parse(&new).field("Connection"), None);
}

/// A proxy may frame such a message differently, so nothing after it is treated as a request.
#[test]
fn connection_closes_where_it_is_uncertain_what_a_message_means() {
    let site = site(&[]);
    let follows = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    for (head, statuses) in [
        ("GET /a.txt HTTP/1.1\r\n", &[400][..]),
        ("PUT /a.txt HTTP/1.1\r\nContent-Length: 0\r\n", &[400]),
        ("GET http://a/a.txt HTTP/1.1\r\n", &[400]),
        ("GET a.txt HTTP/1.1\r\nHost: a\r\n", &[400]),
        ("GET ftp://a/a.txt HTTP/1.1\r\nHost: a\r\n", &[400]),
        ("GET * HTTP/1.1\r\nHost: a\r\n", &[400]),
        ("GET a:80 HTTP/1.1\r\nHost: a\r\n", &[400]),
        // The framing of these is clear.
        ("GET /../a.txt HTTP/1.1\r\nHost: a\r\n", &[400, 200]),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n", &[400, 200]),
        ("GET https://a/a.txt HTTP/1.1\r\nHost: a\r\n", &[421, 200]),
        ("BREW / HTTP/1.1\r\nHost: a\r\n", &[501, 200]),
        ("POST / HTTP/1.1\r\nHost: a\r\n", &[405, 200]),
        ("GET /nothing HTTP/1.1\r\nHost: a\r\n", &[404, 200]),
    ] {
        let mut client = site.connect();
        client.send(format!("{head}\r\n{follows}"));
        for (number, status) in statuses.iter().enumerate() {
            let response = client.final_response().unwrap();
            assert_eq!(response.status, *status, "{head}");
            let closes = (statuses.len() == 1).then_some("close");
            assert_eq!(response.field("Connection"), closes, "{head} {number}");
        }
        if statuses.len() == 1 {
            assert_eq!(client.rest(), b"", "{head}");
        }
    }
}

/// RFC 9110 §7.4
#[test]
fn https_target_on_a_plain_connection_is_misdirected() {
    let site = Setup::web(&["--writable"])
        .files(|root| write(root, "a.txt", "hello"))
        .start();
    for line in [
        "GET https://a/a.txt",
        "GET HTTPS://a:443/a.txt",
        "HEAD https://a/a.txt",
        "PUT https://a/a.txt",
        "DELETE https://a/a.txt",
        "OPTIONS https://a/a.txt",
        "GET https://a/nothing",
    ] {
        let response = site.ask(line, "Content-Length: 0\r\n", b"");
        assert_eq!(response.status, 421, "{line}");
    }
    assert_eq!(site.content("a.txt"), b"hello");
    assert_eq!(site.get("http://a/a.txt").status, 200);
}

#[test]
fn errors_have_a_page() {
    let site = site(&[]);
    let response = site.get("/nothing");
    assert!(response.text().contains("<h1>404 Not Found</h1>"));
    assert!(response.field("Content-Security-Policy").is_some());
    write(&site.root(), "404.html", "<p>lost</p>");
    for (line, accept, body) in [
        ("GET /nothing", "", "<p>lost</p>"),
        ("GET /nothing", "Accept: text/html\r\n", "<p>lost</p>"),
        ("GET /nothing", "Accept: */*;q=0.1\r\n", "<p>lost</p>"),
        ("GET /.secret", "", "<p>lost</p>"),
        ("HEAD /nothing", "", ""),
    ] {
        let response = site.ask(line, accept, b"");
        assert_eq!(
            (response.status, response.text()),
            (404, body),
            "{line} {accept}"
        );
        assert_eq!(
            response.field("Content-Length"),
            Some("11"),
            "{line} {accept}"
        );
    }
    for accept in ["Accept: image/png\r\n", "Accept: text/html;q=0\r\n"] {
        let response = site.ask("GET /nothing", accept, b"");
        assert_eq!(response.status, 404);
        assert!(response.text().contains("404 Not Found"), "{accept}");
        assert_eq!(response.field("Vary"), Some("Accept"));
    }
    assert!(site.get("/%00").text().contains("400 Bad Request"));
}

#[test]
fn error_pages_lead_back_and_show_nothing_of_the_request() {
    let site = site(&[]);
    let plain = site.get("/nothing").text().to_owned();
    for (target, status, links) in [
        ("/", 404, &[][..]),
        ("/nothing", 404, &["./"]),
        ("/bare/", 404, &["../"]),
        ("/bare/nothing?query", 404, &["../", "./"]),
        ("/bare/nothing/", 404, &["../../", "../"]),
        ("/%3Cscript%3E/alert%281%29", 404, &["../", "./"]),
        ("/<script>/\"onload=\"", 400, &[]),
        ("http://a/x/y/z", 404, &["../../", "./"]),
        ("/a/%zz", 400, &["../", "./"]),
        ("/a.txt%00", 400, &["./"]),
        ("*", 400, &[]),
    ] {
        let answer = site.get(target);
        assert_eq!(answer.status, status, "{target}");
        let text = answer.text();
        let found: Vec<&str> = text
            .split("<a href=\"")
            .skip(1)
            .map(|rest| rest.split_once('"').unwrap().0)
            .collect();
        assert_eq!(found, links, "{target}");
        let style = |text: &str| text.split_once("</style>").unwrap().0.to_owned();
        if status == 404 {
            assert_eq!(style(text), style(&plain), "{target}");
        }
        for echo in ["/nothing", "script", "alert", "onload", "bare", "query"] {
            assert!(!text.contains(echo), "{target}: {text}");
        }
        let policy = answer.field("Content-Security-Policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("script-src"), "{policy}");
    }
}

#[test]
fn fallback_is_sent_for_absent_files() {
    let site = Setup::web(&["--spa", "/app/index.html"])
        .files(|root| {
            write(root, "app/index.html", "<p>app</p>");
            write(root, "a.txt", "a");
            write(root, "404.html", "lost");
            write(root, ".secret", "s");
        })
        .start();
    for target in [
        "/",
        "/users/7",
        "/app",
        "/nothing.js",
        "/a.txt/",
        "/.secret",
    ] {
        let response = site.get(target);
        if target == "/app" {
            assert_eq!(response.status, 301);
            continue;
        }
        assert_eq!(
            (response.status, response.text()),
            (200, "<p>app</p>"),
            "{target}"
        );
        assert_eq!(
            response.field("Content-Type"),
            Some("text/html; charset=utf-8")
        );
    }
    assert_eq!(site.get("/a.txt").text(), "a");
    assert_eq!(site.get("/..").status, 400);
    assert_eq!(site.ask("DELETE /users/7", "", b"").status, 405);
    assert_eq!(site.ask("HEAD /users/7", "", b"").status, 200);
}

#[test]
fn every_response_has_these_fields() {
    let site = site(&[
        "--header",
        "Access-Control-Allow-Origin: *",
        "--header",
        "Cache-Control: no-cache",
    ]);
    for line in [
        "GET /a.txt",
        "GET /nothing",
        "GET /dir",
        "OPTIONS *",
        "BREW /",
    ] {
        let response = site.ask(line, "", b"");
        assert_eq!(
            response.field("Access-Control-Allow-Origin"),
            Some("*"),
            "{line}"
        );
        assert_eq!(response.field("Cache-Control"), Some("no-cache"), "{line}");
        assert_eq!(response.field("X-Content-Type-Options"), Some("nosniff"));
        assert!(response.field("Date").is_some(), "{line}");
    }
}

#[test]
fn the_log_names_paths_decoded_and_failures_as_received() {
    let site = site(&[]);
    for target in [
        "/a.txt?q",
        "/no%20suffix",
        "/caf%c3%a9.html",
        "/50%2525.txt",
    ] {
        assert_eq!(site.get(target).status, 200, "{target}");
    }
    site.get("/dir/");
    site.get("/dir?q");
    site.ask("HEAD /a.txt", "", b"");
    site.ask("OPTIONS *", "", b"");
    site.get("/no%20file?q");
    site.ask("BREW /pot", "", b"");
    assert_eq!(
        site.log_lines(),
        [
            "GET a.txt length 0",
            "GET no%20suffix length 0",
            "GET caf%C3%A9.html length 0",
            "GET 50%2525.txt length 0",
            "GET dir/ length 0",
            "GET dir length 0",
            "HEAD a.txt length 0",
            "OPTIONS * length 0",
            "FAIL: GET no%20file?q HTTP/1.1 --- response 404",
            "FAIL: BREW pot HTTP/1.1 --- response 501",
        ]
    );
}

#[test]
fn the_log_in_the_root_is_404() {
    let site = Setup::web(&["--listing", "--writable"])
        .log("root/log.txt")
        .files(|root| {
            write(root, "a.txt", "a");
        })
        .start();
    std::fs::hard_link(site.root().join("log.txt"), site.root().join("alias.txt")).unwrap();
    link(&site.root(), "link.txt", "log.txt");
    for name in ["log.txt", "alias.txt", "link.txt"] {
        assert_eq!(site.get(&format!("/{name}")).status, 404, "{name}");
        assert_eq!(
            site.put(&format!("/{name}"), "", b"x").status,
            404,
            "{name}"
        );
        assert_eq!(site.ask(&format!("DELETE /{name}"), "", b"").status, 404);
        assert!(!site.get("/").text().contains(name), "{name}");
    }
    assert!(site.get("/").text().contains("a.txt"));
}
