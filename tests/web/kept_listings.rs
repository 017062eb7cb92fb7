//! A kept text of a long listing is the text that would be made now, whatever has changed, and whoever has changed it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseError;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::home::Home;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, link, write};
use crate::support::wait::eventually;
use crate::web::listing::{ask_and_wait, site_with_a_long_listing};

/// Entries of a directory whose text is kept.
const ENTRIES: usize = 150;

/// A change of one entry of the directory, of the target of its links, or of nothing.
#[derive(Debug, Clone, Copy)]
enum Change {
    Nothing,
    Put,
    Delete,
    Append,
    OverwriteInPlace,
    Date,
    Mode,
    Replace,
    Rename,
    Hide,
    Remove,
    Create,
    CreateDirectory,
    LinkInside,
    LinkOutside,
    LinkToNothing,
    Fifo,
    TargetGrows,
    TargetGoes,
    TargetComes,
}

/// A directory `list` of files, directories and links, and the targets of links beside it.
fn lay_out(root: &Path) {
    for number in 0..ENTRIES {
        write(root, &format!("list/{number}"), "x");
    }
    for number in 0..9 {
        fs::create_dir(root.join(format!("list/d{number}"))).unwrap();
        link(root, &format!("list/l{number}"), "../target");
    }
    write(root, "target", "target");
}

fn name(entry: usize) -> String {
    match entry % 10 {
        0..=6 => format!("list/{}", entry % (ENTRIES + 5)),
        7 | 8 => format!("list/l{}", entry % 9),
        _ => format!("list/d{}", entry % 9),
    }
}

/// Makes a change; it may have no effect if the entry does not exist or is of another kind.
fn change(site: &Server, change: Change, entry: usize) {
    let root = site.root();
    let (name, other) = (name(entry), root.join("list").join("other"));
    let path = root.join(&name);
    let clear = || {
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir(&path);
    };
    // To open a FIFO waits for its other end.
    let is_file = fs::metadata(&path).is_ok_and(|found| found.is_file());
    match change {
        Change::Append | Change::OverwriteInPlace | Change::Date if !is_file => {}
        Change::Nothing => {}
        Change::Put => drop(site.put(&format!("/{name}"), "", b"stored")),
        Change::Delete => drop(site.ask(&format!("DELETE /{name}"), "", b"")),
        Change::Append => {
            use std::io::Write;
            let file = File::options().append(true).open(&path);
            let _ = file.and_then(|mut file| file.write_all(b"more"));
        }
        Change::OverwriteInPlace => {
            use std::os::unix::fs::FileExt;
            let file = File::options().write(true).open(&path);
            let _ = file.and_then(|file| file.write_at(b"y", 0));
        }
        Change::Date => {
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(entry as u64);
            let _ = File::open(&path).and_then(|file| file.set_modified(time));
        }
        Change::Mode => {
            let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o640));
        }
        Change::Replace => {
            fs::write(&other, "of another file").unwrap();
            let _ = fs::rename(&other, &path);
            let _ = fs::remove_file(&other);
        }
        Change::Rename => drop(fs::rename(
            &path,
            root.join("list").join(format!("r{entry}")),
        )),
        Change::Hide => drop(fs::rename(
            &path,
            root.join("list").join(format!(".r{entry}")),
        )),
        Change::Remove => clear(),
        Change::Create => drop(File::create_new(&path)),
        Change::CreateDirectory => {
            clear();
            let _ = fs::create_dir(&path);
        }
        Change::LinkInside | Change::LinkOutside | Change::LinkToNothing => {
            clear();
            let target = match change {
                Change::LinkInside => "../target",
                Change::LinkOutside => "../..",
                _ => "nothing",
            };
            let _ = std::os::unix::fs::symlink(target, &path);
        }
        Change::Fifo => {
            clear();
            let _ = mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0);
        }
        Change::TargetGrows => write(&root, "target", vec![b'x'; entry % 5_000]),
        Change::TargetGoes => drop(fs::remove_file(root.join("target"))),
        Change::TargetComes => drop(File::create_new(root.join("target"))),
    }
}

/// All changes.
const CHANGES: [Change; 20] = [
    Change::Nothing,
    Change::Put,
    Change::Delete,
    Change::Append,
    Change::OverwriteInPlace,
    Change::Date,
    Change::Mode,
    Change::Replace,
    Change::Rename,
    Change::Hide,
    Change::Remove,
    Change::Create,
    Change::CreateDirectory,
    Change::LinkInside,
    Change::LinkOutside,
    Change::LinkToNothing,
    Change::Fifo,
    Change::TargetGrows,
    Change::TargetGoes,
    Change::TargetComes,
];

/// The forms of a listing.
const FORMS: [&str; 3] = [
    "Accept: text/html\r\n",
    "Accept: application/json\r\n",
    "Accept: application/json\r\nAccept-Encoding: gzip\r\n",
];

/// Checks that a text which may be kept is what is made for an address that nobody has asked for. JSON does not show
/// the address; a page has links to the directories above.
fn check(site: &Server, number: usize) -> Result<(), TestCaseError> {
    let fresh = format!("GET /{}list/", "/".repeat(number + 1));
    for form in FORMS {
        let kept = site.ask("GET /list/", form, b"");
        let made = site.ask(&fresh, form, b"");
        prop_assert_eq!((kept.status, made.status), (200, 200));
        let made = match form {
            "Accept: text/html\r\n" => made.text().replace(&"../".repeat(number + 2), "../").into(),
            _ => made.body,
        };
        prop_assert!(kept.body == made, "{form}");
        prop_assert_eq!(
            kept.field("Content-Encoding"),
            form.contains("gzip").then_some("gzip")
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn kept_listing_is_the_one_that_would_be_made(steps in vec((select(&CHANGES[..]), any::<Index>()), 1..30)) {
        let site = Setup::at(&Home::fast(), &["--web", "--listing", "--writable"]).files(lay_out).start();
        check(&site, 0)?;
        for (number, (step, entry)) in steps.iter().enumerate() {
            change(&site, *step, entry.index(10_000));
            check(&site, number + 1)?;
        }
    }
}

/// A server that reports the cost of its turns.
fn reporting(entries: usize) -> Server {
    let mut env = Command::new("env");
    env.arg("RUST_LOG=httpserver::connection::turn=trace");
    Setup::at(&Home::fast(), &["--web", "--listing", "-N", "1"])
        .under(env)
        .files(|root| {
            for number in 0..entries {
                write(root, &number.to_string(), "");
            }
        })
        .start()
}

/// The portions of all turns so far.
fn portions(site: &Server) -> u64 {
    let stderr = site.stderr();
    let turns = stderr.lines().filter(|line| line.contains("a turn of "));
    turns
        .map(|line| {
            let (_, rest) = line.split_once("portions: ").unwrap();
            rest.split(',')
                .next()
                .unwrap()
                .trim()
                .parse::<u64>()
                .unwrap()
        })
        .sum()
}

/// The portions of a listing on a connection of its own, which is over when it is reported.
fn portions_of_listing(site: &Server, fields: &str) -> u64 {
    let before = portions(site);
    assert_eq!(site.ask("GET /", fields, b"").status, 200);
    eventually("the connection is closed", || site.connections() == 0);
    portions(site) - before
}

#[test]
fn unchanged_long_listing_is_not_made_again() {
    let site = reporting(1_280);
    for (fields, time) in FORMS.into_iter().zip(1_000_000_000..) {
        let made = portions_of_listing(&site, fields);
        let kept = portions_of_listing(&site, fields);
        // To read it, and to write it; and to read it only.
        assert!(kept < made * 2 / 3, "{made} {kept}");
        date(&site.root(), "1000", time);
        let again = portions_of_listing(&site, fields);
        assert!(kept < again * 2 / 3, "{again} {kept}");
    }
    // A short one is made each time.
    let short = reporting(100);
    let made = portions_of_listing(&short, "");
    assert_eq!(portions_of_listing(&short, ""), made);
}

#[test]
fn listing_of_a_part_of_a_directory_is_kept() {
    let site = reporting(10_010);
    let names = |site: &Server| {
        let response = site.ask("GET /", "Accept: application/json\r\n", b"");
        let json: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(json["truncated"], true);
        json["entries"].as_array().unwrap().len()
    };
    assert_eq!(names(&site), 10_000);
    assert_eq!(names(&site), 10_000);
    // One of the listed files is gone, and another takes its place.
    for entry in fs::read_dir(site.root()).unwrap().take(5) {
        fs::remove_file(entry.unwrap().path()).unwrap();
        assert_eq!(names(&site), 10_000);
    }
}

#[test]
fn clients_that_do_not_read_share_one_text() {
    let site = site_with_a_long_listing();
    let all = site.get("/");
    // Their texts together would not fit.
    let clients = 2 * 64 * 1024 * 1024 / all.body.len();
    let asked: Vec<_> = (0..clients).map(|_| ask_and_wait(&site, 0)).collect();
    let resident = site.resident();
    assert!(resident < 64 * 1024 * 1024, "{resident}");
    // A change is in no text that was asked for before.
    write(&site.root(), "new", "");
    assert!(site.get("/").body != all.body);
    for (mut client, status) in asked {
        let whole = [status, client.response()].concat();
        assert!(Response::parse(&whole).body == all.body);
    }
}
