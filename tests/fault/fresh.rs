//! Files that another program changes or renames right before a request.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::support::bytes::noise;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::message::name;
use crate::support::requirements::skip;
use crate::support::setup::Setup;

/// An operation on the files `one` and `two`, and the result for `one`: some content, or a status.
type Change = (&'static str, fn(&Files), Result<Is, u16>);

#[derive(Debug, Clone, Copy)]
enum Is {
    /// As before, but for what the change did.
    Changed,
    /// The other file.
    Two,
}

struct Files {
    one: PathBuf,
    two: PathBuf,
    /// A name that is free, in another directory.
    free: PathBuf,
}

#[rustfmt::skip]
const CHANGES: &[Change] = &[
    ("overwritten", |it| write(&it.one, OpenOptions::new().write(true), b"0123456789"), Ok(Is::Changed)),
    ("appended to", |it| write(&it.one, OpenOptions::new().append(true), b"more"), Ok(Is::Changed)),
    ("cut", |it| OpenOptions::new().write(true).open(&it.one).unwrap().set_len(7).unwrap(), Ok(Is::Changed)),
    ("truncated and written", |it| fs::write(&it.one, b"new").unwrap(), Ok(Is::Changed)),
    ("copied over", |it| assert!(fs::copy(&it.two, &it.one).is_ok()), Ok(Is::Two)),
    ("renamed over", |it| fs::rename(&it.two, &it.one).unwrap(), Ok(Is::Two)),
    ("exchanged", |it| {
        // Not every file system can.
        if renameat_with(CWD, &it.one, CWD, &it.two, RenameFlags::EXCHANGE).is_err() {
            fs::rename(&it.two, &it.one).unwrap();
        }
    }, Ok(Is::Two)),
    ("removed", |it| fs::remove_file(&it.one).unwrap(), Err(404)),
    ("renamed", |it| fs::rename(&it.one, &it.free).unwrap(), Err(404)),
    ("renamed to and fro", |it| {
        fs::rename(&it.one, &it.free).unwrap();
        fs::rename(&it.free, &it.one).unwrap();
    }, Ok(Is::Changed)),
    ("removed, and the other linked", |it| {
        fs::remove_file(&it.one).unwrap();
        fs::hard_link(&it.two, &it.one).unwrap();
    }, Ok(Is::Two)),
    ("kept by another link, and replaced", |it| {
        fs::hard_link(&it.one, &it.free).unwrap();
        fs::rename(&it.two, &it.one).unwrap();
    }, Ok(Is::Two)),
    ("removed, and begun again", |it| {
        let as_long = vec![b'n'; fs::read(&it.one).unwrap().len()];
        fs::remove_file(&it.one).unwrap();
        fs::write(&it.one, as_long).unwrap();
    }, Ok(Is::Changed)),
    ("written through another link", |it| {
        fs::hard_link(&it.one, &it.free).unwrap();
        write(&it.free, OpenOptions::new().write(true), b"0123456789");
    }, Ok(Is::Changed)),
    ("replaced by a symlink", |it| {
        symlink(it.two.file_name().unwrap(), &it.free).unwrap();
        fs::rename(&it.free, &it.one).unwrap();
    }, Ok(Is::Two)),
    ("replaced by a directory", |it| {
        fs::remove_file(&it.one).unwrap();
        fs::create_dir(&it.one).unwrap();
    }, Err(403)),
];

fn write(file: &Path, how: &OpenOptions, content: &[u8]) {
    how.open(file).unwrap().write_all(content).unwrap();
}

/// Makes every change to files of `length` bytes that the server has at hand.
fn every_change_shows(home: &Home, length: usize) {
    let server = Setup::at(home, &["-N", "2"]).start();
    let mut client = server.connect();
    let cases: Vec<_> = (0..)
        .step_by(2)
        .zip(CHANGES)
        .map(|(number, change)| {
            let names = [number, number + 1].map(name);
            let files = Files {
                one: home.root().join(&names[0]),
                two: home.root().join(&names[1]),
                free: home.path().join(format!("free-{number}")),
            };
            for (tag, file) in [&files.one, &files.two].into_iter().enumerate() {
                fs::write(file, noise(tag as u64, length)).unwrap();
            }
            (names, files, change)
        })
        .collect();
    let ([_, last], ..) = &cases[cases.len() - 1];
    home.wait_until_stable(last);
    for (names, files, &(what, change, expected)) in cases {
        let two = client.get(&names[1]).unwrap().body;
        for _ in 0..3 {
            assert_eq!(client.get(&names[0]).unwrap().status, 200);
        }
        change(&files);
        check(&mut client, what, &files.one, &names[0], &two, expected);
    }
}

fn check(
    client: &mut Client,
    what: &str,
    file: &Path,
    name: &str,
    two: &[u8],
    expected: Result<Is, u16>,
) {
    let response = client.get(name).unwrap();
    match expected {
        Ok(is) => {
            assert_eq!(response.status, 200, "{what}");
            assert!(response.body == fs::read(file).unwrap(), "{what}: stale");
            let is_two = matches!(is, Is::Two);
            assert_eq!(response.body == two, is_two, "{what}: no change");
        }
        Err(status) => assert_eq!(response.status, status, "{what}"),
    }
}

#[test]
fn small_file_kept_in_memory_is_never_stale() {
    for home in [Some(Home::new()), Home::in_memory()].into_iter().flatten() {
        every_change_shows(&home, 100);
    }
}

#[test]
fn large_file_kept_open_is_never_stale() {
    for home in [Some(Home::new()), Home::in_memory()].into_iter().flatten() {
        every_change_shows(&home, 100_000);
    }
}

/// Where its change time shows that its names change, a small file is kept open, so that its name need not be looked up.
#[test]
fn small_file_kept_open_is_never_stale() {
    let Some(home) = Home::in_memory() else {
        return skip("there is no /dev/shm");
    };
    home.place(&name(1), b"small");
    let file = home.root().join(name(1));
    home.wait_until_stable(&name(1));
    let server = Setup::at(&home, &["-N", "1"]).start();
    let is_open = || server.open_files().any(|path| path.contains(&name(1)));
    assert!(!is_open());
    assert_eq!(server.connect().get(&name(1)).unwrap().status, 200);
    assert!(is_open());
    // Not for longer than it is asked for.
    fs::remove_file(&file).unwrap();
    assert_eq!(server.connect().get(&name(1)).unwrap().status, 404);
    assert!(!is_open());
}
