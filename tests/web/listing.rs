//! Listings over the wire.

use std::fs;
use std::io::Read;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{link, write};
use crate::support::wait::eventually;

fn site(options: &[&str]) -> Server {
    Setup::web(options)
        .files(|root| {
            write(root, "b.txt", "bb");
            write(root, "<img src=x onerror=alert(1)>", "x");
            write(root, "sub/deep/file", "x");
            write(root, ".hidden", "x");
            write(root, ".httpserver-0123456789abcdef", "x");
            write(root.parent().unwrap(), "outside", "x");
            link(root, "in", "b.txt");
            link(root, "indir", "sub");
            link(root, "out", "../outside");
            link(root, "dangling", "nothing");
            rustix::fs::mknodat(
                rustix::fs::CWD,
                root.join("fifo"),
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::from_raw_mode(0o600),
                0,
            )
            .unwrap();
        })
        .start()
}

/// The names in the JSON of a listing.
fn names(site: &Server, target: &str) -> Vec<String> {
    let response = site.ask(
        &format!("GET {target}"),
        "Accept: application/json\r\n",
        b"",
    );
    assert_eq!(response.status, 200);
    assert_eq!(response.field("Content-Type"), Some("application/json"));
    assert_eq!(response.field("Vary"), Some("Accept, Accept-Encoding"));
    let json: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    json["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let slash = if entry["type"] == "directory" {
                "/"
            } else {
                ""
            };
            format!("{}{slash}", entry["name"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn listing_has_name_size_and_time_of_each_entry() {
    let written = site(&["--listing"]);
    let markup = "<img src=x onerror=alert(1)>";
    assert_eq!(
        names(&written, "/"),
        ["indir/", "sub/", markup, "b.txt", "in"]
    );
    assert_eq!(names(&written, "/indir/"), ["deep/"]);
    let all = site(&["--listing", "--hidden"]);
    assert!(names(&all, "/").contains(&".hidden".to_owned()));
    assert!(
        !names(&all, "/")
            .iter()
            .any(|name| name.contains("httpserver"))
    );
}

#[test]
fn listing_is_a_page_with_links() {
    let site = site(&["--listing"]);
    let response = site.get("/");
    assert_eq!(response.field("Vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(
        response.field("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    let policy = response.field("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!response.text().contains("<img"));
    assert!(!response.text().contains("id=\"upload\""));
    let head = site.ask("HEAD /", "", b"");
    // The length of a listing is not known before it is made (RFC 9110 §8.6).
    assert_eq!((head.status, head.field("Content-Length")), (200, None));
    assert_eq!(head.field("Content-Type"), response.field("Content-Type"));
    assert_eq!(site.get("/sub").status, 301);
    assert_eq!(site.get("/b.txt/").status, 404);
    assert_eq!(site.get("/out/").status, 404);
    write(&site.root(), "sub/index.html", "index");
    assert_eq!(site.get("/sub/").text(), "index");
    let writable = Setup::web(&["--listing", "--writable"]).start();
    assert!(writable.get("/").text().contains("id=\"upload\""));
}

#[test]
fn a_long_directory_is_listed_in_part_and_says_so() {
    let site = Setup::at(&Home::fast(), &["--web", "--listing"])
        .files(|root| {
            for number in 0..10_001 {
                fs::File::create(root.join(number.to_string())).unwrap();
            }
        })
        .start();
    assert_eq!(names(&site, "/").len(), 10_000);
    assert!(site.get("/").text().contains("This directory has more"));
    fs::remove_file(site.root().join("0")).unwrap();
    assert_eq!(names(&site, "/").len(), 10_000);
    assert!(!site.get("/").text().contains("This directory has more"));
}

/// One worker makes a listing in portions, and others have their turns in between: a response comes while the first of
/// many listings is not made yet.
#[test]
fn long_listing_is_compressed_for_clients_that_take_it() {
    let site = Setup::web(&["--listing"])
        .files(|root| {
            for number in 0..1_000 {
                write(root, &format!("many/a file with number {number}"), "");
            }
            write(root, "few/a", "");
        })
        .start();
    for accept in ["text/html", "application/json"] {
        let get = |target: &str, codings: &str| {
            let fields = format!("Accept: {accept}\r\nAccept-Encoding: {codings}\r\n");
            site.ask(&format!("GET {target}"), &fields, b"")
        };
        let plain = get("/many/", "br");
        assert_eq!(plain.field("Content-Encoding"), None);
        for codings in ["gzip", "gzip, deflate, br, zstd", "identity;q=0, x-gzip"] {
            let coded = get("/many/", codings);
            assert_eq!(coded.field("Content-Encoding"), Some("gzip"), "{codings}");
            assert_eq!(coded.field("Vary"), plain.field("Vary"));
            assert!(
                coded.body.len() < plain.body.len() / 5,
                "{}",
                coded.body.len()
            );
            let mut decoded = Vec::new();
            let mut gunzip = flate2::read::GzDecoder::new(coded.body.as_slice());
            gunzip.read_to_end(&mut decoded).unwrap();
            assert!(decoded == plain.body, "{accept} {codings}");
        }
        for codings in ["", "gzip;q=0", "deflate", "identity, gzip;q=0.5"] {
            let found = get("/many/", codings);
            assert_eq!(found.field("Content-Encoding"), None, "{codings}");
            assert!(found.body == plain.body);
        }
        assert_eq!(get("/few/", "gzip").field("Content-Encoding"), None);
    }
}

#[test]
fn listings_in_progress_do_not_hold_others_up() {
    let site = Setup::at(&Home::fast(), &["--web", "--listing", "-N", "1"])
        .files(|root| {
            for number in 0..10_000 {
                fs::File::create(root.join(number.to_string())).unwrap();
            }
        })
        .start();
    let mut other = site.connect();
    // A delayed client proves nothing, so the test is repeated.
    let is_shown = (0..20).any(|_| {
        let mut listings = site.connect();
        listings.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(32));
        other.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
        other.response();
        listings.is_silent()
    });
    assert!(is_shown, "a listing is made in one piece");
}

/// A server whose root has 10,000 entries with long names.
pub(super) fn site_with_a_long_listing() -> Server {
    let filler = "x".repeat(240);
    Setup::at(&Home::fast(), &["--web", "--listing"])
        .files(|root| {
            for number in 0..10_000 {
                write(root, &format!("{number:05}{filler}"), "");
            }
        })
        .start()
}

/// A client that asks for the root, by the address of this number, and reads the status only; the socket's buffer takes
/// hardly more.
pub(super) fn ask_and_wait(site: &Server, number: usize) -> (Client, Vec<u8>) {
    let mut client = Client::with_receive_buffer(site.address(), 4096);
    let address = "/".repeat(number + 1);
    client.send(format!("GET {address} HTTP/1.1\r\nHost: a\r\n\r\n"));
    let status = client.take("HTTP/1.1 200".len());
    (client, status)
}

#[test]
fn unread_long_listings_hold_little_memory() {
    let site = site_with_a_long_listing();
    let all = site.get("/");
    assert_eq!(all.status, 200);
    let clients = 4 * 64 * 1024 * 1024 / all.body.len();
    let asked: Vec<_> = (1..=clients)
        .map(|number| ask_and_wait(&site, number))
        .collect();
    let count = |status: &[u8]| {
        asked
            .iter()
            .filter(|(_, line)| line.ends_with(status))
            .count()
    };
    let (served, refused) = (count(b"200"), count(b"503"));
    assert_eq!(served + refused, clients);
    assert!(
        served >= clients / 4 && refused >= clients / 4,
        "{served} {refused}"
    );

    let resident = site.resident();
    assert!(resident < 160 * 1024 * 1024, "{resident}");

    // A slow client finally gets the whole listing, and frees its memory like a client that leaves.
    let mut asked = asked.into_iter();
    let (mut late, status) = asked.next().unwrap();
    drop(asked);
    let whole = [status, late.response()].concat();
    assert!(Response::parse(&whole).body == all.body);
    eventually("there is room again", || site.get("/").status == 200);
    assert!(site.log_lines().iter().any(
        |line| line.starts_with("FAIL: GET //") && line.ends_with(" HTTP/1.1 --- response 503")
    ));
}
