//! Protection from pages of other sites: changes of files, requests under other names, and scripts in documents.

use rustix::system::uname;

use crate::support::reasons::refused;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::write;

fn site(options: &[&str]) -> Server {
    Setup::web(options)
        .files(|root| {
            write(root, "a.txt", "text");
            write(root, "page.html", "<script>alert(1)</script>");
        })
        .start()
}

fn ask(site: &Server, line: &str, fields: &str) -> Response {
    let mut client = site.connect();
    client.send(format!(
        "{line} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n"
    ));
    Response::parse(&client.rest())
}

#[test]
fn change_is_refused_to_pages_of_other_sites() {
    let site = site(&["--writable"]);
    for (fields, is_granted) in [
        ("", true),
        ("Sec-Fetch-Site: same-origin\r\n", true),
        ("Sec-Fetch-Site: none\r\n", true),
        ("Sec-Fetch-Site: same-origin\r\nOrigin: http://b\r\n", true),
        ("Origin: http://a\r\n", true),
        ("Origin: https://a\r\n", true),
        ("Sec-Fetch-Site: same-site\r\n", false),
        ("Sec-Fetch-Site: cross-site\r\n", false),
        ("Sec-Fetch-Site: cross-site\r\nOrigin: http://a\r\n", false),
        (
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n",
            false,
        ),
        ("Origin: http://b\r\n", false),
        ("Origin: http://a:8000\r\n", false),
        ("Origin: null\r\n", false),
    ] {
        write(&site.root(), "gone.txt", "text");
        let put = format!("Host: a\r\nContent-Length: 0\r\n{fields}");
        let response = ask(&site, "PUT /new.txt", &put);
        let expected = if is_granted { 201 } else { 403 };
        assert_eq!(response.status, expected, "PUT {fields}");
        assert_eq!(site.file("new.txt").exists(), is_granted, "{fields}");
        let response = ask(&site, "DELETE /gone.txt", &format!("Host: a\r\n{fields}"));
        let expected = if is_granted { 204 } else { 403 };
        assert_eq!(response.status, expected, "DELETE {fields}");
        assert_eq!(site.file("gone.txt").exists(), !is_granted, "{fields}");
        // Safe methods are allowed from every site.
        for line in ["GET /a.txt", "HEAD /a.txt", "OPTIONS *"] {
            let response = ask(&site, line, &format!("Host: a\r\n{fields}"));
            assert!(response.status < 300, "{line} {fields}");
        }
        if is_granted {
            std::fs::remove_file(site.file("new.txt")).unwrap();
        }
    }
}

#[test]
fn change_is_refused_before_its_content_comes_and_recorded() {
    let site = Setup::web(&["--writable"]).debug().start();
    let head = "PUT /new.txt HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nContent-Length: 5\r\n\
                Expect: 100-continue\r\n\r\n";
    let (response, said) = refused(&site, head.as_bytes());
    assert_eq!(Response::parse(&response).status, 403);
    assert!(said[0].contains("Origin"), "{said:?}");
    let log = site.log();
    assert!(
        log.contains("FAIL: PUT new.txt HTTP/1.1 --- response 403"),
        "{log}"
    );
}

#[test]
fn methods_that_are_not_served_stay_405_on_a_site_without_uploads() {
    let site = site(&[]);
    for line in ["PUT /a.txt", "DELETE /a.txt", "POST /a.txt"] {
        let fields = "Host: a\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n";
        assert_eq!(ask(&site, line, fields).status, 405, "{line}");
    }
}

/// Whether requests for each of these hosts are accepted.
#[track_caller]
fn check_hosts(site: &Server, hosts: &[(&str, bool)]) {
    for (host, is_known) in hosts {
        for line in ["GET /a.txt", "HEAD /a.txt", "PUT /a.txt", "OPTIONS *"] {
            let fields = format!("Host: {host}\r\nContent-Length: 0\r\n");
            let response = ask(site, line, &fields);
            let is_misdirected = response.status == 421;
            assert_eq!(
                is_misdirected, !is_known,
                "{line} {host}: {}",
                response.status
            );
        }
    }
}

#[test]
fn site_with_uploads_answers_to_its_own_names() {
    let names = [
        "--allow-host",
        "files.example",
        "--allow-host",
        "Other.Example",
    ];
    let site = site(&[&["--writable"], &names[..]].concat());
    let machine = uname().nodename().to_str().unwrap().to_owned();
    let short = machine.split('.').next().unwrap();
    let local = format!("{short}.local:8000");
    check_hosts(
        &site,
        &[
            ("files.example", true),
            ("FILES.EXAMPLE:8000", true),
            ("files.example.", true),
            ("other.example", true),
            (&machine, true),
            (&local, true),
            ("localhost", true),
            ("localhost:8000", true),
            ("app.localhost", true),
            ("127.0.0.1", true),
            ("192.0.2.1:80", true),
            ("[::1]:8000", true),
            ("", true),
            ("evil.example", false),
            ("evil.example:8000", false),
            ("a.files.example", false),
            ("files.example.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
        ],
    );
    // The authority of an absolute target takes the place of Host.
    let response = ask(
        &site,
        "GET http://evil.example/a.txt",
        "Host: localhost\r\n",
    );
    assert_eq!(response.status, 421);
    let response = ask(
        &site,
        "GET http://localhost/a.txt",
        "Host: evil.example\r\n",
    );
    assert_eq!(response.status, 200);
    // HTTP/1.0 has none.
    let mut client = site.connect();
    client.send("GET /a.txt HTTP/1.0\r\n\r\n");
    assert_eq!(Response::parse(&client.rest()).status, 200);
}

#[test]
fn site_without_uploads_answers_to_every_name_unless_some_are_given() {
    let every = site(&[]);
    let host = "Host: evil.example\r\n";
    assert_eq!(ask(&every, "GET /a.txt", host).status, 200);
    let some = site(&["--allow-host", "files.example"]);
    assert_eq!(ask(&some, "GET /a.txt", host).status, 421);
    let host = "Host: files.example\r\n";
    assert_eq!(ask(&some, "GET /a.txt", host).status, 200);
}

/// Files of markup, and others, by name.
const DOCUMENTS: [(&str, bool); 14] = [
    ("page.html", true),
    ("page.HTM", true),
    ("page.xhtml", true),
    ("image.svg", true),
    ("image.svgz", true),
    ("feed.xml", true),
    ("feed.atom", true),
    ("style.xsl", true),
    ("notes.mine", true),
    ("paper.pdf", false),
    ("a.txt", false),
    ("script.js", false),
    ("photo.png", false),
    ("bare", false),
];

fn documents(options: &[&str]) -> Server {
    let types = ["--listing", "--mime", "mine=text/html"];
    Setup::web(&[&types, options].concat())
        .files(|root| {
            for (name, _) in DOCUMENTS {
                write(root, name, "<script>alert(1)</script>");
            }
            write(root, "page.html.gz", "coded");
            write(root, "dir/index.html", "<script>alert(1)</script>");
            write(root, "404.html", "<script>alert(1)</script>");
        })
        .start()
}

fn policies(response: &Response) -> Option<&str> {
    response.field("Content-Security-Policy")
}

#[test]
fn documents_are_sandboxed_where_files_can_be_uploaded() {
    let site = documents(&["--writable"]);
    for (name, is_document) in DOCUMENTS {
        let expected = is_document.then_some("sandbox");
        let target = format!("/{name}");
        let response = site.get(&target);
        assert_eq!(policies(&response), expected, "{name}");
        for (line, fields, status) in [
            ("HEAD", "", 200),
            ("GET", "Range: bytes=0-1\r\n", 206),
            ("GET", "Range: bytes=0-1,5-6\r\n", 206),
            ("GET", "If-None-Match: *\r\n", 304),
        ] {
            let response = site.ask(&format!("{line} {target}"), fields, b"");
            assert_eq!(response.status, status, "{line} {name} {fields}");
            assert_eq!(policies(&response), expected, "{line} {name} {fields}");
        }
    }
    let coded = site.ask("GET /page.html", "Accept-Encoding: gzip\r\n", b"");
    assert_eq!(coded.body, b"coded");
    assert_eq!(policies(&coded), Some("sandbox"));
    assert_eq!(policies(&site.get("/dir/")), Some("sandbox"));
    let missing = site.get("/nothing");
    assert_eq!((missing.status, policies(&missing)), (404, Some("sandbox")));
}

#[test]
fn documents_are_trusted_without_uploads_or_on_demand() {
    for options in [&[][..], &["--writable", "--trust-content"]] {
        let site = documents(options);
        for (name, _) in DOCUMENTS {
            assert_eq!(policies(&site.get(&format!("/{name}"))), None, "{name}");
        }
    }
}

#[test]
fn own_pages_have_policies_which_header_replaces() {
    let replaced = [
        ("Content-Security-Policy", "default-src 'self'"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("Referrer-Policy", "no-referrer"),
    ];
    let plain = documents(&["--writable"]);
    let mut options = vec!["--writable".to_owned()];
    for (name, value) in replaced {
        options.extend(["--header".to_owned(), format!("{name}: {value}")]);
    }
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let changed = documents(&options);
    for (target, accept) in [
        ("/", ""),
        ("/", "Accept: application/json\r\n"),
        ("/..", ""),
    ] {
        let line = format!("GET {target}");
        let own = plain.ask(&line, accept, b"");
        let resource = own.field("Cross-Origin-Resource-Policy");
        assert_eq!(resource, Some("same-origin"), "{line} {accept}");
        if accept.is_empty() {
            let policy = policies(&own).unwrap();
            assert!(policy.starts_with("default-src 'none'"), "{policy}");
            assert_eq!(own.field("Referrer-Policy"), Some("same-origin"), "{line}");
        }
        let response = changed.ask(&line, accept, b"");
        for (name, value) in replaced {
            assert_eq!(response.field(name), Some(value), "{line} {accept}");
        }
    }
    let document = changed.get("/page.html");
    assert_eq!(policies(&document), Some("default-src 'self'"));
}
