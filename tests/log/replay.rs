//! `replay`: the directory from the log, and nothing outside of it.

use crate::log::{Log, Workdir};
use crate::support::deep::remove_tree;
use crate::support::process::limited_log_tool;
use crate::support::tree::files;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Files with their content, as [`files`] returns them.
fn owned(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let owned = |(name, content): &(&str, &str)| ((*name).to_owned(), content.as_bytes().to_vec());
    files.iter().map(owned).collect()
}

fn sample() -> Log {
    Log::default()
        .put("a", b"first")
        .put("gone", b"x")
        .put("sub/dir/b c%.txt", b"deep")
        .other("GET", "a")
        .failed("PUT", "never", 403)
        .other("DELETE", "gone")
        .put("a", b"second")
        .put("empty", b"")
}

#[test]
fn the_last_entry_of_each_name_counts() {
    let workdir = Workdir::new(&sample());
    workdir
        .run(["replay", "log.txt", "d"])
        .says("d: 3 files, 10 bytes, from 8 entries\n");
    assert_eq!(
        files(&workdir.path("d")),
        owned(&[("a", "second"), ("empty", ""), ("sub/dir/b c%.txt", "deep")])
    );
    assert_eq!(
        workdir.run(["check", "log.txt", "--against", "d"]).status,
        Some(0)
    );
}

#[test]
fn replay_needs_an_empty_directory() {
    let workdir = Workdir::new(&sample());
    fs::create_dir(workdir.path("d")).unwrap();
    assert_eq!(workdir.run(["replay", "log.txt", "d"]).status, Some(0));
    workdir
        .run(["replay", "log.txt", "d"])
        .refuses("d: the directory is not empty: type another, or --force to replay into it");
    workdir
        .run(["replay", "log.txt", "log.txt"])
        .refuses("log.txt: Not a directory");
}

#[test]
fn force_replaces_removes_and_keeps() {
    let workdir = Workdir::new(&sample());
    fs::create_dir(workdir.path("d")).unwrap();
    for name in ["a", "gone", "other"] {
        fs::write(workdir.path("d").join(name), "before").unwrap();
    }
    assert_eq!(
        workdir.run(["replay", "--force", "log.txt", "d"]).status,
        Some(0)
    );
    assert_eq!(
        files(&workdir.path("d")),
        owned(&[
            ("a", "second"),
            ("empty", ""),
            ("other", "before"),
            ("sub/dir/b c%.txt", "deep")
        ])
    );
}

#[test]
fn file_that_became_a_directory_is_replayed() {
    let log = Log::default()
        .put("x", b"1")
        .other("DELETE", "x")
        .put("x/y", b"2")
        .put("z/y", b"3")
        .other("DELETE", "z/y")
        .put("z", b"4");
    let workdir = Workdir::new(&log);
    assert_eq!(workdir.run(["replay", "log.txt", "d"]).status, Some(0));
    assert_eq!(
        files(&workdir.path("d")),
        owned(&[("x/y", "2"), ("z", "4")])
    );
    assert_eq!(
        workdir.run(["check", "log.txt", "--against", "d"]).status,
        Some(0)
    );
}

/// The names of all directories below `dir`, sorted.
fn directories(dir: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            let below = directories(&entry.path());
            found.extend(below.iter().map(|below| format!("{name}/{below}")));
            found.push(name);
        }
    }
    found.sort();
    found
}

#[test]
fn deleted_directories_are_removed_from_below_unless_they_hold_files() {
    let log = Log::default()
        .put("a/b/f", b"1")
        .other("DELETE", "a/b/f")
        .other("DELETE", "a/b/")
        .other("DELETE", "a/")
        .other("DELETE", "kept/")
        .other("DELETE", "made/")
        .put("made/f", b"2")
        .other("DELETE", "file/")
        .put("torn/f", b"3")
        .other("DELETE", "torn/");
    let workdir = Workdir::new(&log);
    for directory in ["d/a/b", "d/kept", "d/made", "d/torn", "d/other"] {
        fs::create_dir_all(workdir.path(directory)).unwrap();
    }
    for file in ["d/a/b/f", "d/kept/g", "d/file", "d/torn/f"] {
        fs::write(workdir.path(file), "before").unwrap();
    }
    workdir
        .run(["replay", "--force", "log.txt", "d"])
        .says("d: 1 file, 1 byte, from 10 entries\n");
    assert_eq!(
        files(&workdir.path("d")),
        owned(&[("kept/g", "before"), ("made/f", "2")])
    );
    assert_eq!(directories(&workdir.path("d")), ["kept", "made", "other"]);
    assert_eq!(
        workdir.run(["check", "log.txt", "--against", "d"]).status,
        Some(0)
    );
}

#[test]
fn deleted_names_that_would_leave_the_directory_are_refused() {
    for (name, shown, reason) in [
        ("../", "..", "would leave the directory"),
        ("a/../", "a/..", "would leave the directory"),
        ("a//", "a/", "has an empty component"),
        ("./", ".", "has a component `.`"),
        ("//", "/", "is absolute"),
        ("", "/", "is empty"),
    ] {
        let workdir = Workdir::new(&Log::default().other("DELETE", name));
        workdir
            .run(["replay", "log.txt", "d"])
            .refuses(&format!("log.txt: entry 1: the name `{shown}` {reason}"));
        assert!(!workdir.path("d").exists());
    }
    // Only what is deleted may be a directory.
    let workdir = Workdir::new(&Log::default().put("a/", b"x"));
    workdir
        .run(["replay", "log.txt", "d"])
        .refuses("log.txt: entry 1: the name `a/` has an empty component");
}

/// Nothing at all is written when one name is wrong, or one entry.
#[test]
fn stored_names_that_would_leave_the_directory_are_refused() {
    for (name, shown, reason) in [
        ("../x", "../x", "would leave the directory"),
        ("a/../../x", "a/../../x", "would leave the directory"),
        ("/absent/x", "/absent/x", "is absolute"),
        ("a//x", "a//x", "has an empty component"),
        ("./x", "./x", "has a component `.`"),
        ("a\0x", "a%00x", "contains a NUL byte"),
        ("", "/", "is empty"),
    ] {
        let workdir = Workdir::new(&Log::default().put("a", b"fine").put(name, b"x"));
        workdir
            .run(["replay", "log.txt", "d"])
            .refuses(&format!("log.txt: entry 2: the name `{shown}` {reason}"));
        assert!(!workdir.path("d").exists());
        assert_eq!(fs::read_dir(workdir.path(".")).unwrap().count(), 1);
    }
}

#[test]
fn a_corrupt_log_is_not_replayed() {
    let workdir = Workdir::new(&sample().raw(b"corrupt"));
    assert_eq!(workdir.run(["replay", "log.txt", "d"]).status, Some(1));
    assert!(!workdir.path("d").exists());
}

#[test]
fn links_that_lead_out_are_refused() {
    let workdir = Workdir::new(&Log::default().put("out/x", b"x"));
    fs::create_dir_all(workdir.path("d")).unwrap();
    fs::create_dir_all(workdir.path("outside")).unwrap();
    symlink("../outside", workdir.path("d/out")).unwrap();
    workdir
        .run(["replay", "--force", "log.txt", "d"])
        .refuses("d/out/x: a symbolic link leads out of the directory, or in circles");
    assert_eq!(fs::read_dir(workdir.path("outside")).unwrap().count(), 0);
}

#[test]
fn torn_entries_are_passed_over_with_a_warning() {
    let workdir = Workdir::new(&sample().raw(b"PUT a length 100\n"));
    let run = workdir.run(["replay", "log.txt", "d"]);
    assert_eq!(
        (run.status, run.stdout()),
        (Some(0), "d: 3 files, 10 bytes, from 8 entries\n")
    );
    assert!(
        run.stderr
            .starts_with("httpserver-log: log.txt: skipped: torn entry at byte "),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1);
    assert_eq!(files(&workdir.path("d"))["a"], b"second");
}

#[test]
fn standard_input_cannot_be_read_twice() {
    Workdir::new(&sample())
        .run(["replay", "-", "d"])
        .refuses("-: replay reads the log twice, which standard input does not allow: type a file");
}

/// As with the server's uploads: directories are followed inside, a link itself is not replaced.
#[test]
fn links_inside_are_followed_and_links_to_files_are_not_replaced() {
    let workdir = Workdir::new(&Log::default().put("way/x", b"x"));
    fs::create_dir_all(workdir.path("d/real")).unwrap();
    symlink("real", workdir.path("d/way")).unwrap();
    workdir
        .run(["replay", "--force", "log.txt", "d"])
        .says("d: 1 file, 1 byte, from 1 entry\n");
    assert_eq!(fs::read(workdir.path("d/real/x")).unwrap(), b"x");

    fs::remove_file(workdir.path("d/real/x")).unwrap();
    fs::write(workdir.path("secret"), "secret").unwrap();
    symlink("../../secret", workdir.path("d/real/x")).unwrap();
    workdir
        .run(["replay", "--force", "log.txt", "d"])
        .refuses("d/way/x: is not a regular file");
    assert_eq!(fs::read(workdir.path("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(workdir.path("d/real")).unwrap().count(), 1);
}

#[test]
fn obstacle_is_named_and_nothing_unfinished_stays() {
    let log = Log::default().put("a/b", b"x").put("c", b"y");
    let workdir = Workdir::new(&log);
    fs::create_dir_all(workdir.path("d/c")).unwrap();
    workdir
        .run(["replay", "--force", "log.txt", "d"])
        .refuses("d/c: is a directory");
    fs::remove_dir(workdir.path("d/c")).unwrap();
    fs::remove_dir_all(workdir.path("d/a")).unwrap();
    fs::write(workdir.path("d/a"), "file").unwrap();
    workdir
        .run(["replay", "--force", "log.txt", "d"])
        .refuses("d/a/b: a component of the path is not a directory");
    assert_eq!(files(&workdir.path("d")), owned(&[("a", "file")]));
}

#[test]
fn replaced_file_keeps_its_permissions() {
    let workdir = Workdir::new(&Log::default().put("a", b"new"));
    fs::create_dir(workdir.path("d")).unwrap();
    fs::write(workdir.path("d/a"), "old").unwrap();
    fs::set_permissions(workdir.path("d/a"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(
        workdir.run(["replay", "--force", "log.txt", "d"]).status,
        Some(0)
    );
    let mode = fs::metadata(workdir.path("d/a"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// The bytes between the needed entries are more than the program reads rather than skips.
#[test]
fn entries_far_apart_are_found() {
    let log = Log::default()
        .put("z", b"early")
        .put("big", &vec![1; 400_000])
        .raw(b"PUT torn length 1\n")
        .nuls(12 + 9)
        .put("big", &vec![2; 400_000])
        .put("big", b"small")
        .put("a", b"late");
    let workdir = Workdir::new(&log);
    let run = workdir.run(["replay", "log.txt", "d"]);
    assert_eq!(run.stdout(), "d: 3 files, 14 bytes, from 5 entries\n");
    assert_eq!(
        files(&workdir.path("d")),
        owned(&[("a", "late"), ("big", "small"), ("z", "early")])
    );
    let run = workdir.run(["check", "log.txt", "--against", "d"]);
    assert!(run.stdout().contains(" 0 differ,"), "{}", run.stdout());
}

/// As long a path as there can be, and few descriptors.
#[test]
fn depth_of_a_name_costs_no_descriptors() {
    let name = "d/".repeat(2_000) + "file";
    let workdir = Workdir::new(&Log::default().put(&name, b"deep").put("e/f", b"x"));
    for arguments in [
        &["replay", "log.txt", "new"][..],
        &["check", "log.txt", "--against", "new"],
    ] {
        let output = limited_log_tool(&workdir.path(""), arguments, "ulimit -n 12");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    remove_tree(&workdir.path("new"));
}
