//! Failed uploads, and the directories that were created for them.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::{SetOnDrop, eventually};

fn site() -> Server {
    Setup::web(&["--writable", "-N", "2"]).start()
}

/// Begins an upload of 100 bytes, and waits until the server has staged it.
fn begin(site: &Server, target: &str) -> Client {
    let mut client = site.connect();
    client.send(format!(
        "PUT {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    ));
    assert_eq!(
        client.take(25),
        b"HTTP/1.1 100 Continue\r\n\r\n",
        "{target}"
    );
    client
}

/// How many descriptors an upload holds while it waits for its content. It is counted once the number is the same before
/// and after: a server opens some as its threads start.
fn held_by_upload(site: &Server, target: &str) -> usize {
    let mut held = 0;
    eventually("an upload leaves as many descriptors as it found", || {
        let before = site.descriptors();
        let client = begin(site, target);
        held = site.descriptors().saturating_sub(before);
        drop(client);
        eventually("nothing is left of it", || {
            site.names().is_empty() && site.connections() == 0
        });
        // The thread that removes directories closes the last one after it has removed its name.
        site.wait_until_all_sleep();
        site.descriptors() == before
    });
    held
}

#[test]
fn an_upload_holds_as_many_descriptors_at_any_depth() {
    let site = site();
    // 2,030 directories, each of which is made for it.
    let deep = "/b".repeat(2_030) + "/f";
    // The connection, the directory, and what is staged.
    assert_eq!(held_by_upload(&site, "/a/f"), 3);
    assert_eq!(held_by_upload(&site, &deep), 3);
}

#[test]
fn the_last_of_several_uploads_takes_the_directories_with_it() {
    let targets = ["/a/b/1", "/a/b/2", "/a/b/c/d/3", "/a/4"];
    for turned in 0..targets.len() {
        let site = site();
        let mut uploads: Vec<Client> = targets.iter().map(|target| begin(&site, target)).collect();
        uploads.rotate_left(turned);
        for (ended, client) in uploads.into_iter().enumerate() {
            assert_eq!(site.names(), ["a"], "{turned}: after {ended}");
            drop(client);
            let entries = ended + 1;
            eventually("it is recorded", || {
                site.log().matches("response 400").count() == entries
            });
        }
        eventually("nothing is left", || site.names().is_empty());
    }
}

#[test]
fn directories_stay_once_a_file_was_in_them() {
    let site = site();
    let unfinished = begin(&site, "/a/b/c/unfinished");
    assert_eq!(site.put("/a/b/file", "", b"x").status, 201);
    assert_eq!(site.ask("DELETE /a/b/file", "", b"").status, 204);
    drop(unfinished);
    eventually("what was made for it alone is gone", || {
        !site.file("a/b/c").exists()
    });
    drop(begin(&site, "/a/b/again"));
    eventually("it is recorded", || site.log().contains("a/b/again"));
    assert!(site.file("a/b").is_dir());
}

#[test]
fn a_directory_that_was_moved_is_left_alone() {
    let site = site();
    let unfinished = begin(&site, "/a/b/c/unfinished");
    let elsewhere = site.path().join("elsewhere");
    fs::rename(site.file("a/b"), &elsewhere).unwrap();
    fs::create_dir(site.file("a/b")).unwrap();
    drop(unfinished);
    // It was in `c`, which was moved with its parent; that parent is now elsewhere.
    eventually("what is inside is gone", || !elsewhere.join("c").exists());
    assert!(elsewhere.is_dir() && site.file("a/b").is_dir());
}

/// Other threads keep failing uploads into the same directories, and create and remove the directories.
#[test]
fn no_upload_fails_because_of_others_that_do() {
    let site = site();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..3 {
            let (site, over) = (&site, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    site.exchange(format!(
                        "PUT /a/b/c/{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"
                    ));
                }
            });
        }
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for path in ["a", "a/b", "a/b/c"] {
                    let _ = fs::create_dir(site.file(path));
                }
                let _ = fs::remove_dir(site.file("a/b/c"));
            }
        });
        let _over = SetOnDrop(&over);
        for _ in 0..200 {
            let status = site.put("/a/b/c/file", "", b"x").status;
            assert!(matches!(status, 201 | 503), "{status}");
            if status == 201 {
                assert_eq!(site.ask("DELETE /a/b/c/file", "", b"").status, 204);
            }
        }
    });
    assert!(!site.stderr().contains("ERROR"), "{}", site.stderr());
}
