//! Entity tags: different content never has the same tag, however fast a file changes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::date;

/// Changes follow as fast as they can, each with one look in between.
fn fast_changes(change: impl Fn(&Path, &str)) {
    let site = Setup::web(&[]).start();
    let mut client = site.connect();
    let mut seen = HashMap::new();
    for round in 0..300 {
        let content = format!("content {round:04}");
        change(&site.root(), &content);
        client.send("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = Response::parse(&client.response());
        assert_eq!(response.text(), content);
        let tag = response.field("ETag").unwrap().to_owned();
        assert_eq!(seen.insert(tag, content), None);
    }
}

/// Requests the file, and checks its content and that no other content had its tag.
fn check(site: &Server, content: &str, seen: &mut HashMap<String, String>) -> String {
    let response = site.get("/file");
    assert_eq!(response.text(), content);
    let tag = response.field("ETag").unwrap().to_owned();
    if let Some(other) = seen.insert(tag.clone(), content.to_owned()) {
        assert_eq!(other, content, "{tag}");
    }
    for (other, theirs) in seen.iter().filter(|(_, theirs)| *theirs != content) {
        let fields = format!("If-None-Match: {other}\r\n");
        let response = site.ask("GET /file", &fields, b"");
        assert_eq!(response.status, 200, "{other} is that of {theirs}");
    }
    tag
}

/// Writes other bytes of the same length with the same modification time; `change` selects the method.
fn changes(change: impl Fn(&Path, &str)) {
    fast_changes(|root, content| {
        change(root, content);
        date(root, "file", 1);
    });
    let site = Setup::web(&[]).start();
    let mut seen = HashMap::new();
    for round in 0..30 {
        let content = format!("content {round:04}");
        change(&site.root(), &content);
        date(&site.root(), "file", 1);
        check(&site, &content, &mut seen);
    }
}

#[test]
fn files_written_in_place_differ() {
    changes(|root, content| {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false);
        let file = file.open(root.join("file")).unwrap();
        file.write_all_at(content.as_bytes(), 0).unwrap();
    });
}

#[test]
fn files_truncated_and_written_differ() {
    changes(|root, content| fs::write(root.join("file"), content).unwrap());
}

/// The next file gets the inode number that is free.
#[test]
fn files_removed_and_made_again_differ() {
    changes(|root, content| {
        let _ = fs::remove_file(root.join("file"));
        fs::write(root.join("file"), content).unwrap();
    });
}

#[test]
fn files_replaced_by_rename_differ() {
    changes(|root, content| {
        fs::write(root.join("next"), content).unwrap();
        date(root, "next", 1);
        fs::rename(root.join("next"), root.join("file")).unwrap();
    });
}

/// The tag of a PUT is the file's, and the condition for the next.
#[test]
fn files_stored_one_after_the_other_differ() {
    let site = Setup::web(&["--writable"]).start();
    let mut tag = String::new();
    let mut earlier: Vec<String> = Vec::new();
    for round in 0..100 {
        let content = format!("content {round:04}");
        let condition = match round {
            0 => "If-None-Match: *\r\n".to_owned(),
            _ => format!("If-Match: {tag}\r\n"),
        };
        let response = site.put("/file", &condition, content.as_bytes());
        assert!(matches!(response.status, 201 | 204), "{}", response.status);
        tag = response.field("ETag").unwrap().to_owned();
        assert!(!tag.starts_with("W/") && !earlier.contains(&tag), "{tag}");
        for old in earlier.iter().rev().take(3) {
            let condition = format!("If-Match: {old}\r\n");
            assert_eq!(site.put("/file", &condition, b"lost update!").status, 412);
        }
        assert_eq!(site.get("/file").text(), content);
        earlier.push(tag.clone());
    }
    let fields = format!("If-None-Match: {tag}\r\n");
    assert_eq!(site.ask("GET /file", &fields, b"").status, 304);
}

/// A file that was just written: where another change would show, its tag can be used at once, else it is weak.
#[test]
fn a_tag_is_strong_unless_another_change_may_not_show() {
    let site = Setup::web(&[]).start();
    for round in 0..30 {
        site.place("file", format!("content {round}").as_bytes());
        let tag = site.get("/file").field("ETag").unwrap().to_owned();
        let fields = format!("If-None-Match: {tag}\r\n");
        let status = site.ask("GET /file", &fields, b"").status;
        assert_eq!(
            status,
            if tag.starts_with("W/") { 200 } else { 304 },
            "{tag}"
        );
    }
}

#[test]
fn a_change_of_the_mode_changes_the_tag() {
    let site = Setup::web(&[]).start();
    site.place("file", b"content");
    let before = site.get("/file").field("ETag").unwrap().to_owned();
    site.permit("file", 0o600);
    let after = site.get("/file").field("ETag").unwrap().to_owned();
    assert_ne!(before, after);
}
