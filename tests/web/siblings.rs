//! Precompressed siblings: the choice between siblings and the file itself.

use std::fs::{self, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, link, write};
use crate::support::wait::eventually;

/// RFC 9110 §12.5.3: the selected sibling, and the fields of the response.
#[test]
fn precompressed_siblings_are_sent_to_clients_that_accept_them() {
    let site = Setup::web(&[])
        .files(|root| {
            for (name, content) in [
                ("all.css", "plain"),
                ("all.css.zst", "zst"),
                ("all.css.br", "br"),
                ("all.css.gz", "gz"),
                ("stale.js", "new"),
                ("stale.js.gz", "old"),
                ("alone.js", "alone"),
                ("empty.js", "full"),
                ("empty.js.gz", ""),
                ("empty.js.br", ""),
            ] {
                write(root, name, content);
                date(root, name, 1_000_000_000);
            }
            date(root, "stale.js.gz", 999_999_999);
            write(root.parent().unwrap(), "secret.gz", "secret");
            link(root, "alone.js.gz", "../secret.gz");
        })
        .start();
    for (target, accepted, body, coding) in [
        ("/all.css", "gzip, br, zstd", "zst", Some("zstd")),
        ("/all.css", "gzip, br", "br", Some("br")),
        ("/all.css", "gzip", "gz", Some("gzip")),
        ("/all.css", "gzip;q=0.5, br;q=0.4", "gz", Some("gzip")),
        ("/all.css", "gzip;q=0.5, identity", "plain", None),
        ("/all.css", "gzip;q=0", "plain", None),
        ("/all.css", "*", "zst", Some("zstd")),
        ("/all.css", "deflate", "plain", None),
        ("/all.css", "identity;q=0", "plain", None),
        ("/stale.js", "gzip", "new", None),
        ("/empty.js", "gzip, br", "full", None),
        ("/alone.js", "gzip", "alone", None),
    ] {
        let response = site.ask(
            &format!("GET {target}"),
            &format!("Accept-Encoding: {accepted}\r\n"),
            b"",
        );
        assert_eq!(response.text(), body, "{target} {accepted}");
        assert_eq!(
            response.field("Content-Encoding"),
            coding,
            "{target} {accepted}"
        );
        assert_eq!(
            response.field("Vary"),
            Some("Accept-Encoding"),
            "{accepted}"
        );
        let type_ = response.field("Content-Type").unwrap();
        assert!(
            type_.starts_with("text/") && !type_.contains("gz"),
            "{type_}"
        );
    }
    let plain = site.get("/all.css");
    let coded = site.ask("GET /all.css", "Accept-Encoding: gzip\r\n", b"");
    assert_ne!(plain.field("ETag"), coded.field("ETag"));
    assert_eq!(plain.text(), "plain");
    let field = format!(
        "Accept-Encoding: gzip\r\nIf-None-Match: {}\r\n",
        coded.field("ETag").unwrap()
    );
    assert_eq!(site.ask("GET /all.css", &field, b"").status, 304);
}

/// `.svgz` is an image that is compressed itself.
#[test]
fn compressed_svg_is_sent_as_it_is_with_its_coding() {
    const GZIP: &[u8] = b"\x1f\x8b\x08compressed";
    let site = Setup::web(&[])
        .files(|root| {
            write(root, "a.svg", "<svg/>");
            for name in ["a.svgz", "B.SVGZ", "a.svg.gz"] {
                fs::write(root.join(name), GZIP).unwrap();
            }
            fs::write(
                root.join("large.svgz"),
                [GZIP, &vec![b'x'; 20_000]].concat(),
            )
            .unwrap();
            write(root, "a.svgz.gz", "no sibling");
            write(root, "plain.svgz", "<svg/>");
            write(root, "empty.svgz", "");
        })
        .start();
    let identity = site.ask("GET /a.svgz", "Accept-Encoding: identity\r\n", b"");
    let etag = identity.field("ETag").unwrap();
    for fields in [
        "",
        "Accept-Encoding: gzip\r\n",
        "Accept-Encoding: identity, gzip;q=0\r\n",
        "Accept-Encoding: *;q=0\r\n",
    ] {
        for line in ["GET /a.svgz", "HEAD /a.svgz", "GET /B.SVGZ"] {
            let response = site.ask(line, fields, b"");
            assert_eq!(response.status, 200, "{line} {fields}");
            assert_eq!(
                response.field("Content-Type"),
                Some("image/svg+xml"),
                "{line} {fields}"
            );
            assert_eq!(
                response.field("Content-Encoding"),
                Some("gzip"),
                "{line} {fields}"
            );
            let body = if line.starts_with("GET") { GZIP } else { b"" };
            assert_eq!(response.body, body, "{line} {fields}");
        }
        assert_eq!(
            site.ask("GET /a.svgz", fields, b"").field("ETag"),
            Some(etag),
            "{fields}"
        );
    }
    for (fields, status, body) in [
        ("Range: bytes=3-\r\n".to_owned(), 206, &b"compressed"[..]),
        (
            format!("Range: bytes=3-6\r\nIf-Range: {etag}\r\nAccept-Encoding: gzip\r\n"),
            206,
            b"comp",
        ),
        (format!("If-None-Match: {etag}\r\n"), 304, b""),
    ] {
        let response = site.ask("GET /a.svgz", &fields, b"");
        assert_eq!(
            (response.status, &response.body[..]),
            (status, body),
            "{fields}"
        );
        let coding = (status == 206).then_some("gzip");
        assert_eq!(response.field("Content-Encoding"), coding, "{fields}");
    }
    for (target, coding) in [
        ("/large.svgz", Some("gzip")),
        ("/plain.svgz", None),
        ("/empty.svgz", None),
    ] {
        let response = site.get(target);
        assert_eq!(
            response.field("Content-Type"),
            Some("image/svg+xml"),
            "{target}"
        );
        assert_eq!(response.field("Content-Encoding"), coding, "{target}");
    }
    // Beside that, an image that is not compressed has a sibling as any file.
    let sibling = get_gzip(&site, "/a.svg", "");
    assert_eq!(
        (sibling.field("Content-Encoding"), &sibling.body[..]),
        (Some("gzip"), GZIP)
    );
}

#[test]
fn compressed_svg_of_another_type_is_no_svg() {
    let site = Setup::web(&["--mime", "svgz=application/gzip"])
        .files(|root| fs::write(root.join("a.svgz"), b"\x1f\x8b").unwrap())
        .start();
    let response = site.get("/a.svgz");
    assert_eq!(response.field("Content-Type"), Some("application/gzip"));
    assert_eq!(response.field("Content-Encoding"), None);
}

fn get_gzip(site: &Server, target: &str, fields: &str) -> Response {
    let fields = format!("Accept-Encoding: gzip\r\n{fields}");
    site.ask(&format!("GET {target}"), &fields, b"")
}

/// A sibling was made, and then the file is replaced, all within a second.
#[test]
fn a_sibling_is_older_than_a_file_that_was_stored_after_it() {
    let site = Setup::web(&["--writable"]).start();
    for round in 0..40 {
        site.put("/page.html", "", b"first");
        site.put("/page.html.gz", "", b"first, coded");
        assert_eq!(get_gzip(&site, "/page.html", "").text(), "first, coded");
        let content = format!("then {round}");
        site.put("/page.html", "", content.as_bytes());
        assert_eq!(get_gzip(&site, "/page.html", "").text(), content);
    }
}

/// Some compressors give their output the time of the input in whole seconds.
#[test]
fn a_sibling_with_its_time_in_whole_seconds_counts_until_the_file_is_replaced() {
    let site = Setup::web(&[]).start();
    let set_times = |name: &str, modified: SystemTime| {
        let file = fs::File::options().write(true).open(site.file(name));
        let times = FileTimes::new().set_modified(modified);
        file.unwrap().set_times(times).unwrap();
    };
    let at = |milliseconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(milliseconds);
    site.place("page.html", b"first");
    set_times("page.html", at(1_000_000_000_500));
    site.place("page.html.gz", b"coded");
    set_times("page.html.gz", at(1_000_000_000_000));
    assert_eq!(get_gzip(&site, "/page.html", "").text(), "coded");
    let changed = |name: &str| {
        let found = fs::metadata(site.file(name)).unwrap();
        (found.ctime(), found.ctime_nsec())
    };
    eventually("the clock of the file system advances", || {
        site.place("page.html", b"second");
        set_times("page.html", at(1_000_000_000_900));
        changed("page.html") > changed("page.html.gz")
    });
    assert_eq!(get_gzip(&site, "/page.html", "").text(), "second");
}

/// RFC 9110 §14.2: a range is a part of the file itself, unless If-Range shows that the client has the sibling.
#[test]
fn range_is_of_the_file_itself() {
    let site = Setup::web(&[])
        .files(|root| {
            for (name, content) in [("page.html", "plain text"), ("page.html.gz", "coded")] {
                write(root, name, content);
                date(root, name, 784_111_777);
            }
        })
        .start();
    let plain = site.get("/page.html");
    let coded = get_gzip(&site, "/page.html", "");
    assert_eq!((plain.text(), coded.text()), ("plain text", "coded"));
    let [plain, coded] = [&plain, &coded].map(|response| response.field("ETag").unwrap());
    let modified = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (if_range, status, body, coding) in [
        (None, 206, "ain", None),
        (Some(plain), 206, "ain", None),
        (Some(modified), 206, "ain", None),
        (Some(coded), 206, "ded", Some("gzip")),
        (Some("\"other\""), 200, "plain text", None),
    ] {
        let if_range_field = if_range.map_or_else(String::new, |it| format!("If-Range: {it}\r\n"));
        let fields = "Range: bytes=2-4\r\n".to_owned() + &if_range_field;
        let response = get_gzip(&site, "/page.html", &fields);
        assert_eq!(
            (response.status, response.text()),
            (status, body),
            "{if_range:?}"
        );
        assert_eq!(response.field("Content-Encoding"), coding, "{if_range:?}");
    }
    // Range is defined for GET; HEAD says what a GET without it would.
    let fields = "Accept-Encoding: gzip\r\nRange: bytes=2-4\r\n";
    let head = site.ask("HEAD /page.html", fields, b"");
    assert_eq!((head.status, head.field("ETag")), (200, Some(coded)));
}
