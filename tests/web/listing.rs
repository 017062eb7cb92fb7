//! Listings over the wire.

use std::fs;

use crate::site::{Site, link, write};

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
    let shown = site(&["--listing"]);
    let markup = "<img src=x onerror=alert(1)>";
    assert_eq!(
        names(&shown, "/"),
        ["indir/", "sub/", markup, "b.txt", "in"]
    );
    assert_eq!(names(&shown, "/indir/"), ["deep/"]);
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
