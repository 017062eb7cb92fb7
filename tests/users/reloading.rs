//! SIGHUP reads the file of users again: a good one takes effect, a bad one does not.

use std::fs;

use rustix::process::Signal;

use super::{ask, setup, write_users};
use crate::support::server::Server;
use crate::support::wait::eventually;

fn status(server: &Server, credentials: &str) -> u16 {
    ask(server, "GET /", credentials, "", b"").status
}

#[test]
fn good_file_takes_effect_and_a_bad_one_is_reported() {
    for options in [&[][..], &["--web", "--listing"]] {
        let server = setup("ann:QUICK\n", options).start();
        assert_eq!(status(&server, "ann:secret"), 200);
        assert_eq!(status(&server, "bob:secret"), 401);

        write_users(&server.home(), "bob:QUICK\nann\n");
        server.signal(Signal::HUP);
        eventually("the fault is said", || server.stderr().contains("line 2"));
        assert!(server.stderr().contains("the users stay as they were"));
        assert_eq!(status(&server, "ann:secret"), 200);
        assert_eq!(status(&server, "bob:secret"), 401);

        fs::remove_file(server.home().path().join("users")).unwrap();
        server.signal(Signal::HUP);
        eventually("the server reports that it is gone", || {
            server.stderr().contains("No such file")
        });
        assert_eq!(status(&server, "ann:secret"), 200);

        write_users(&server.home(), "bob:QUICK\n");
        server.signal(Signal::HUP);
        eventually("bob may log in", || status(&server, "bob:secret") == 200);
        assert_eq!(status(&server, "ann:secret"), 401);
        let said = "users was read again: 1 user\n";
        assert!(server.stderr().contains(said), "{}", server.stderr());
    }
}

/// A remembered password is wrong when the file has another.
#[test]
fn password_that_was_changed_is_forgotten() {
    let server = setup("ann:QUICK\n", &[]).start();
    assert_eq!(status(&server, "ann:secret"), 200);
    // Of "other", at the lowest cost.
    let other = "$2y$04$uMiYRgnGaOw6TAHTHRQusuPvrsuLtE/ivniQ3.CKSfIKaYNU6fNlG";
    write_users(&server.home(), &format!("ann:{other}\n"));
    server.signal(Signal::HUP);
    eventually("the old password is wrong", || {
        status(&server, "ann:secret") == 401
    });
    assert_eq!(status(&server, "ann:other"), 200);
}
