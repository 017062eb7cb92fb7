//! The file of users at startup: its errors, forbidden locations, and the warning about passwords in clear text.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::process::Command;

use rustix::termios::{LocalModes, tcgetattr};

use super::{QUICK, THREE, setup, write_users};
use crate::support::home::Home;
use crate::support::process::{finish, run};
use crate::support::requirements::is_there;
use crate::support::running::Running;
use crate::support::setup::Setup;
use crate::support::terminal::Terminal;
use crate::support::wait::eventually;

/// The error of a server that does not start.
#[track_caller]
fn refused(home: &Home, options: &[&str]) -> String {
    let arguments = [&["--root", "root", "0"], options].concat();
    let output = run(home, &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn invalid_users_stop_the_start_with_the_line_and_without_a_hash() {
    let home = Home::new();
    for (users, said) in [
        (
            "ann:QUICK\nbob\n",
            "'users', line 2: it must be of the form NAME:HASH",
        ),
        ("ann:secret\n", "line 1: the hash is neither bcrypt"),
        ("# ann\n\nann:QUICKx\n", "line 3: the hash is not complete"),
        ("*:QUICK:read\n", "line 1: the user * must not have a hash"),
        ("*:\n", "line 1: the user * must state its rights"),
        ("ann:QUICK:write\n", "line 1: 'write' is not a right"),
        (
            "ann:QUICK:read:pub\n",
            "line 1: a path must begin with a slash",
        ),
    ] {
        write_users(&home, users);
        let found = refused(&home, &["--users", "users"]);
        assert!(found.contains(said), "{users}: {found}");
        assert!(!found.contains(&QUICK[..10]), "{found}");
    }
    let found = refused(&home, &["--users", "none"]);
    assert!(
        found.contains("cannot read the users in 'none': No such file"),
        "{found}"
    );
    let found = refused(&home, &["--auth", "users"]);
    assert!(found.contains("--users FILE"), "{found}");
}

#[test]
fn file_below_the_root_stops_the_start() {
    let home = Home::new();
    write_users(&home, THREE);
    fs::create_dir_all(home.root().join("dir")).unwrap();
    fs::copy(home.path().join("users"), home.root().join("dir/users")).unwrap();
    symlink("root/dir", home.path().join("link")).unwrap();
    symlink("root/dir/users", home.path().join("link-to-file")).unwrap();
    for path in [
        "root/dir/users",
        "link/users",
        "link-to-file",
        "./root/../root/dir/users",
    ] {
        let found = refused(&home, &["--users", path]);
        assert!(found.contains("below the root"), "{path}: {found}");
    }
}

#[test]
fn file_is_concealed_whatever_leads_to_it() {
    let home = Home::new();
    write_users(&home, "*::read,create,replace,delete\n");
    fs::hard_link(home.path().join("users"), home.root().join("hard")).unwrap();
    let options = ["--users", "users", "--web", "--writable", "--listing"];
    let site = Setup::at(&home, &options).start();
    assert_eq!(site.get("/hard").status, 404);
    assert_eq!(site.put("/hard", "", b"*::read").status, 404);
    assert_eq!(site.ask("DELETE /hard", "", b"").status, 404);
    assert!(!site.get("/").text().contains("hard"));
}

#[test]
fn passwords_in_clear_text_cause_a_warning_beyond_this_machine() {
    let everywhere = setup(THREE, &[]).on(Ipv4Addr::UNSPECIFIED).start();
    let said = everywhere.stderr();
    assert!(said.contains("in clear text"), "{said}");
    let here = setup(THREE, &[]).start();
    assert!(
        !here.stderr().contains("in clear text"),
        "{}",
        here.stderr()
    );
    // The file of users says who may write, so there is no warning.
    let site = setup(THREE, &["--web", "--writable"])
        .on(Ipv4Addr::UNSPECIFIED)
        .start();
    assert!(!site.stderr().contains("can store"), "{}", site.stderr());
}

#[test]
fn password_that_cannot_be_sent_is_not_hashed() {
    for (input, said) in [
        (&b"\n"[..], "the password is empty"),
        (b"", "the password is empty"),
        (b"a\tb\n", "the password has a control character"),
        (b"\xff\n", "the password is not UTF-8"),
    ] {
        let mut hashing = Command::new(env!("CARGO_BIN_EXE_httpserver"));
        hashing.arg("--hash-password");
        let output = finish(hashing, input);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let found = String::from_utf8(output.stderr).unwrap();
        assert!(
            found.contains(said) && found.lines().count() == 1,
            "{found}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn terminal_is_asked_twice_and_shows_no_password() {
    if !is_there("setsid") {
        return;
    }
    for (again, is_same) in [("secret", true), ("other", false)] {
        let terminal = Terminal::new(80);
        let mut asking = Command::new("setsid");
        asking.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_httpserver")]);
        asking.arg("--hash-password");
        asking.stdin(terminal.line());
        asking.stdout(terminal.line()).stderr(terminal.line());
        let line = terminal.line();
        let is_hidden = || {
            !tcgetattr(&line)
                .unwrap()
                .local_modes
                .contains(LocalModes::ECHO)
        };
        let mut asked = Running::start(asking);
        let mut screen = terminal.screen();
        screen.wait_for(&["Password: "]);
        eventually("what is typed is not shown", is_hidden);
        screen.type_in("secret\r");
        screen.wait_for(&["Again: "]);
        eventually("what is typed is not shown", is_hidden);
        screen.type_in(&format!("{again}\r"));
        assert_eq!(asked.wait().success(), is_same);
        drop(line);
        let seen = screen.rest();
        assert_eq!(seen.contains("$argon2id$"), is_same, "{seen}");
        assert_eq!(seen.contains("differ"), !is_same, "{seen}");
        assert!(
            !seen.contains("secret") && !seen.contains("other"),
            "{seen}"
        );
    }
}
