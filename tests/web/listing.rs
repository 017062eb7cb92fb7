//! Listings over the wire.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustix::net;

use crate::web::site::{GUARD, Site, link, write};

fn site(options: &[&str]) -> Site {
    Site::start(options, |root| {
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
}

/// The names in the JSON of a listing.
fn names(site: &Site, target: &str) -> Vec<String> {
    let answer = site.ask(
        &format!("GET {target}"),
        "Accept: application/json\r\n",
        b"",
    );
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("Content-Type"), Some("application/json"));
    assert_eq!(answer.field("Vary"), Some("Accept"));
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
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
fn what_is_listed() {
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
fn the_page() {
    let site = site(&["--listing"]);
    let answer = site.get("/");
    assert_eq!(answer.field("Vary"), Some("Accept"));
    assert_eq!(
        answer.field("Content-Type"),
        Some("text/html; charset=utf-8")
    );
    let policy = answer.field("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!answer.text().contains("<img"));
    assert!(!answer.text().contains("id=\"upload\""));
    let head = site.ask("HEAD /", "", b"");
    assert_eq!(head.field("Content-Length"), answer.field("Content-Length"));
    assert_eq!(site.get("/sub").status, 301);
    assert_eq!(site.get("/b.txt/").status, 404);
    assert_eq!(site.get("/out/").status, 404);
    write(&site.root(), "sub/index.html", "index");
    assert_eq!(site.get("/sub/").text(), "index");
    let writable = Site::start(&["--listing", "--writable"], |_| {});
    assert!(writable.get("/").text().contains("id=\"upload\""));
}

#[test]
fn a_long_directory_is_listed_in_part_and_says_so() {
    let site = Site::start(&["--listing"], |root| {
        for number in 0..10_001 {
            fs::File::create(root.join(number.to_string())).unwrap();
        }
    });
    assert_eq!(names(&site, "/").len(), 10_000);
    assert!(site.get("/").text().contains("more entries than are shown"));
    fs::remove_file(site.root().join("0")).unwrap();
    assert_eq!(names(&site, "/").len(), 10_000);
    assert!(!site.get("/").text().contains("more entries than are shown"));
}

/// A client that asks for the root and reads the status only; the socket's buffer takes hardly more.
fn ask_and_wait(site: &Site) -> (TcpStream, String) {
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
    net::sockopt::set_socket_recv_buffer_size(&socket, 4096).unwrap();
    net::connect(&socket, &site.address()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(GUARD)).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    (stream, String::from_utf8_lossy(&status).into_owned())
}

#[test]
fn long_listings_that_nobody_takes_hold_little_memory() {
    let filler = "x".repeat(240);
    let site = Site::start(&["--listing"], |root| {
        for number in 0..10_000 {
            write(root, &format!("{number:05}{filler}"), "");
        }
    });
    let all = site.get("/");
    assert_eq!(all.status, 200);
    let clients = 4 * 64 * 1024 * 1024 / all.body.len();
    let asked: Vec<_> = (0..clients).map(|_| ask_and_wait(&site)).collect();
    let count = |status| {
        asked
            .iter()
            .filter(|(_, line)| line.ends_with(status))
            .count()
    };
    let (served, refused) = (count("200"), count("503"));
    assert_eq!(served + refused, clients);
    assert!(
        served >= clients / 4 && refused >= clients / 4,
        "{served} {refused}"
    );

    let resident = site.resident();
    assert!(resident < 160 * 1024 * 1024, "{resident}");

    // Who reads at last gets all of it, and makes room as who leaves does.
    let mut asked = asked;
    let (mut patient, _) = asked.swap_remove(0);
    drop(asked);
    let mut body = vec![0; all.body.len()];
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(0);
        patient
            .read_exact(head.last_mut().map(std::slice::from_mut).unwrap())
            .unwrap();
    }
    patient.read_exact(&mut body).unwrap();
    assert!(body == all.body);
    let start = Instant::now();
    while site.get("/").status != 200 {
        assert!(start.elapsed() < GUARD, "no room again");
    }
    assert!(
        site.log()
            .iter()
            .any(|line| line == "FAIL: GET / HTTP/1.1 --- response 503")
    );
}
