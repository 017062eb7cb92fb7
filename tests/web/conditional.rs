//! Conditions (RFC 9110 §13) and ranges (§14) over the wire.

use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, write};

const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// A small file, which is held in memory, and one that is sent from its descriptor.
fn site() -> Server {
    Setup::web(&[])
        .files(|root| {
            write(root, "small", content(26));
            write(root, "large", content(100_000));
            write(root, "empty", "");
            for name in ["small", "large", "empty"] {
                date(root, name, 784_111_777);
            }
        })
        .start()
}

fn content(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

#[test]
fn conditions_in_their_order_of_precedence() {
    let site = site();
    let etag = site.get("/small").field("ETag").unwrap().to_owned();
    // RFC 9110 section, fields (with `@` for the current entity tag), status of GET
    let table = [
        ("13.1.2", "If-None-Match: @", 304),
        ("13.1.2", "If-None-Match: W/@", 304),
        ("13.1.2", "If-None-Match: \"x\", @", 304),
        ("13.1.2", "If-None-Match: \"x\"\r\nIf-None-Match: @", 304),
        ("13.1.2", "If-None-Match: *", 304),
        ("13.1.2", "If-None-Match: \"x\"", 200),
        ("13.1.1", "If-Match: @", 200),
        ("13.1.1", "If-Match: *", 200),
        ("13.1.1", "If-Match: W/@", 412),
        ("13.1.1", "If-Match: \"x\"", 412),
        ("13.1.3", "If-Modified-Since: EARLIER", 200),
        ("13.1.3", "If-Modified-Since: MODIFIED", 304),
        ("13.1.3", "If-Modified-Since: LATER", 304),
        ("13.1.3", "If-Modified-Since: yesterday", 200),
        ("13.1.4", "If-Unmodified-Since: EARLIER", 412),
        ("13.1.4", "If-Unmodified-Since: MODIFIED", 200),
        ("13.1.4", "If-Unmodified-Since: yesterday", 200),
        // An entity tag counts before a date.
        ("13.2.2", "If-Match: @\r\nIf-Unmodified-Since: EARLIER", 200),
        (
            "13.2.2",
            "If-None-Match: \"x\"\r\nIf-Modified-Since: LATER",
            200,
        ),
        (
            "13.2.2",
            "If-None-Match: @\r\nIf-Modified-Since: EARLIER",
            304,
        ),
        ("13.2.2", "If-Match: \"x\"\r\nIf-None-Match: @", 412),
        ("13.2.2", "If-Match: @\r\nIf-None-Match: @", 304),
    ];
    for (section, fields, status) in table {
        let fields = fields
            .replace('@', &etag)
            .replace("EARLIER", EARLIER)
            .replace("MODIFIED", MODIFIED)
            .replace("LATER", LATER)
            + "\r\n";
        for method in ["GET", "HEAD"] {
            let response = site.ask(&format!("{method} /small"), &fields, b"");
            assert_eq!(response.status, status, "\u{a7}{section} {method} {fields}");
            if status == 304 {
                // RFC 9110 §15.4.5
                assert_eq!(response.field("ETag"), Some(etag.as_str()));
                assert_eq!(response.field("Vary"), Some("Accept-Encoding"));
                assert_eq!(response.field("Content-Length"), None, "{fields}");
                assert_eq!(response.field("Content-Type"), None, "{fields}");
                assert_eq!(response.body, b"", "{fields}");
            }
        }
        // §13.2.1: conditions are not evaluated for a missing file.
        assert_eq!(site.ask("GET /nothing", &fields, b"").status, 404);
    }
}

#[test]
fn ranges_select_bytes_or_the_whole_file() {
    let site = site();
    // RFC 9110 section, Range, first and last byte of the small file; `None` is the whole with 200
    let table = [
        ("14.1.2", "bytes=0-4", Some((0, 4))),
        ("14.1.2", "bytes=20-", Some((20, 25))),
        ("14.1.2", "bytes=-5", Some((21, 25))),
        ("14.1.2", "bytes=-99", Some((0, 25))),
        ("14.1.2", "bytes=25-99", Some((25, 25))),
        ("14.1.2", "bytes=0-0", Some((0, 0))),
        ("14.2", "BYTES=0-4", Some((0, 4))),
        ("14.2", "bytes=0-4,3-9", Some((0, 9))),
        ("14.2", "bytes=0-4, 5-9", Some((0, 9))),
        ("14.2", "bytes=5-2", None),
        ("14.2", "bytes=a-b", None),
        ("14.2", "lines=0-4", None),
        ("14.2", "bytes", None),
    ];
    let whole = content(26);
    for (section, range, expected) in table {
        let response = site.ask("GET /small", &format!("Range: {range}\r\n"), b"");
        let Some((first, last)) = expected else {
            assert_eq!(response.status, 200, "\u{a7}{section} {range}");
            assert_eq!(response.body, whole, "{range}");
            continue;
        };
        assert_eq!(response.status, 206, "\u{a7}{section} {range}");
        assert_eq!(response.body, whole[first..=last], "{range}");
        let content_range = format!("bytes {first}-{last}/26");
        assert_eq!(
            response.field("Content-Range"),
            Some(content_range.as_str())
        );
        // §14.2: Range is defined for GET.
        let head = site.ask("HEAD /small", &format!("Range: {range}\r\n"), b"");
        assert_eq!(
            (head.status, head.field("Content-Length")),
            (200, Some("26"))
        );
    }
    let large = site.ask("GET /large", "Range: bytes=50000-90000\r\n", b"");
    assert_eq!(large.status, 206);
    assert!(large.body == content(100_000)[50_000..=90_000]);
}

/// RFC 9110 §15.5.17
#[test]
fn unsatisfiable_ranges_say_the_length() {
    let site = site();
    for (target, range, content_range) in [
        ("/small", "bytes=26-", "bytes */26"),
        ("/small", "bytes=-0", "bytes */26"),
        ("/small", "bytes=99-100,200-", "bytes */26"),
    ] {
        let response = site.ask(
            &format!("GET {target}"),
            &format!("Range: {range}\r\n"),
            b"",
        );
        assert_eq!(response.status, 416, "{target} {range}");
        assert_eq!(
            response.field("Content-Range"),
            Some(content_range),
            "{range}"
        );
    }
}

#[test]
fn an_empty_file_is_sent_whole_whatever_the_range() {
    let site = site();
    for range in ["bytes=0-", "bytes=0-0", "bytes=5-", "bytes=-0", "bytes=-5"] {
        let response = site.ask("GET /empty", &format!("Range: {range}\r\n"), b"");
        assert_eq!(response.status, 200, "{range}");
        assert_eq!(response.field("Content-Length"), Some("0"), "{range}");
        assert_eq!(response.field("Content-Range"), None, "{range}");
    }
}

/// RFC 9110 §13.2.1: a listing is there, and has neither an entity tag nor a modification time.
#[test]
fn conditions_apply_to_a_listing() {
    let site = Setup::web(&["--listing"]).start();
    for (fields, status) in [
        ("If-Match: *", 200),
        ("If-Match: \"x\"", 412),
        ("If-None-Match: *", 304),
        ("If-None-Match: \"x\"", 200),
        ("If-None-Match: *\r\nIf-Match: \"x\"", 412),
        ("If-Modified-Since: LATER", 200),
        ("If-Unmodified-Since: EARLIER", 200),
    ] {
        let fields = fields.replace("LATER", LATER).replace("EARLIER", EARLIER) + "\r\n";
        for method in ["GET", "HEAD"] {
            let response = site.ask(&format!("{method} /"), &fields, b"");
            assert_eq!(response.status, status, "{method} {fields}");
            if status == 304 {
                assert_eq!(
                    response.field("Vary"),
                    Some("Accept, Accept-Encoding"),
                    "{method}"
                );
                assert_eq!(response.body, b"");
            }
        }
        assert_eq!(
            site.ask("GET /nothing/", &fields, b"").status,
            404,
            "{fields}"
        );
    }
}

/// Tools set the epoch where they know no time.
#[test]
fn a_time_that_is_no_date_is_not_sent() {
    let site = Setup::web(&["--writable"]).start();
    for (seconds, expected) in [
        (-86_400, None),
        (-1, None),
        (0, None),
        (1, Some("Thu, 01 Jan 1970 00:00:01 GMT")),
    ] {
        site.place("file", b"content");
        let time = format!("@{seconds}");
        let touched = std::process::Command::new("touch")
            .args(["-d", &time])
            .arg(site.file("file"))
            .status();
        assert!(touched.unwrap().success());
        let response = site.get("/file");
        assert_eq!(response.field("Last-Modified"), expected, "{seconds}");
        let etag = response.field("ETag").unwrap();
        for (fields, status) in [
            (format!("If-None-Match: {etag}"), 304),
            (format!("If-Range: {LATER}\r\nRange: bytes=0-1"), 200),
        ] {
            let response = site.ask("GET /file", &(fields.clone() + "\r\n"), b"");
            assert_eq!(response.status, status, "{seconds} {fields}");
        }
        if expected.is_none() {
            let epoch = "Thu, 01 Jan 1970 00:00:00 GMT";
            for field in ["If-Modified-Since", "If-Unmodified-Since"] {
                for date in [epoch, LATER] {
                    let fields = format!("{field}: {date}\r\n");
                    assert_eq!(site.ask("GET /file", &fields, b"").status, 200, "{fields}");
                }
            }
            let fields = format!("If-Range: {epoch}\r\nRange: bytes=0-1\r\n");
            assert_eq!(site.ask("GET /file", &fields, b"").status, 200, "{fields}");
        }
    }
}

/// RFC 9110 §14.6, §15.3.7.2
#[test]
fn several_ranges_are_a_multipart_response() {
    let site = site();
    for target in ["small", "large"] {
        let whole = std::fs::read(site.root().join(target)).unwrap();
        let length = whole.len();
        let response = site.ask(
            &format!("GET /{target}"),
            "Range: bytes=2-3, 20-, 0-0\r\n",
            b"",
        );
        assert_eq!(response.status, 206);
        assert_eq!(response.field("Content-Range"), None);
        let boundary = response
            .field("Content-Type")
            .unwrap()
            .strip_prefix("multipart/byteranges; boundary=")
            .unwrap();
        let mut expected = Vec::new();
        for (index, (first, last)) in [(2, 3), (20, length - 1), (0, 0)].into_iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\r\n" };
            expected.extend_from_slice(
                format!(
                    "{line_end}--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\
                     Content-Range: bytes {first}-{last}/{length}\r\n\r\n"
                )
                .as_bytes(),
            );
            expected.extend_from_slice(&whole[first..=last]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert!(response.body == expected, "{target}");
        let stated = response.field("Content-Length").unwrap();
        assert_eq!(stated, expected.len().to_string());
    }
    // Sixteen at most, after merging (§14.2, §17.15).
    let parts = |count: usize| {
        let list: Vec<String> = (0..count).map(|n| format!("{0}-{0}", n * 10)).collect();
        format!("Range: bytes={}\r\n", list.join(","))
    };
    assert_eq!(site.ask("GET /large", &parts(16), b"").status, 206);
    assert_eq!(site.ask("GET /large", &parts(17), b"").status, 200);
}

/// RFC 9110 §13.1.5
#[test]
fn if_range_decides_between_part_and_whole() {
    let site = site();
    let etag = site.get("/small").field("ETag").unwrap().to_owned();
    for (value, status) in [
        (etag.as_str(), 206),
        ("\"x\"", 200),
        (&format!("W/{etag}"), 200),
        (MODIFIED, 206),
        (EARLIER, 200),
        (LATER, 200),
        ("yesterday", 200),
    ] {
        let fields = format!("Range: bytes=0-4\r\nIf-Range: {value}\r\n");
        assert_eq!(
            site.ask("GET /small", &fields, b"").status,
            status,
            "{value}"
        );
    }
    // Without Range it has no meaning.
    assert_eq!(
        site.ask("GET /small", "If-Range: \"x\"\r\n", b"").status,
        200
    );
}
