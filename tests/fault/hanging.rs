//! A hanging disk: only clients that need it wait.

use crate::support::home::Home;
use crate::support::message::{get, name, put};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::strace::{self, Injection};

/// Longer than any test waits.
const HANGS: &str = "delay_enter=600000000:when=1";

/// Has the workers of a server hang at their first `syscall`, and shows that while the one that serves `request` does,
/// the others serve. With four processors or less, a worker must come out of the reserve for that.
fn one_hangs(syscall: &str, request: &[u8], status: u16) {
    one_hangs_beside(&name(9), 404, syscall, request, status);
}

/// As [`one_hangs`], with what the others ask for, and with what status they are answered.
fn one_hangs_beside(other: &str, other_status: u16, syscall: &str, request: &[u8], status: u16) {
    if !strace::is_usable() {
        return;
    }
    let home = Home::new();
    home.place(&name(1), b"old");
    let server = Setup::at(&home, &["-N", "4"]).start();
    let mut waits = server.connect();
    let mut others: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for client in others.iter_mut().chain([&mut waits]) {
        assert_eq!(client.get(other).unwrap().status, other_status);
    }
    let hanging = hang_at(&server, syscall);
    waits.send(request);
    for _ in 0..4 {
        for client in &mut others {
            assert_eq!(client.get(other).unwrap().status, other_status);
        }
    }
    assert!(waits.is_silent(), "it did not hang");
    drop(hanging);
    assert_eq!(waits.final_response().unwrap().status, status);
}

/// Has every worker hang at its first `syscall`.
fn hang_at(server: &Server, syscall: &str) -> Vec<Injection> {
    ["worker-0", "worker-1", "worker-2", "worker-3"]
        .map(|worker| {
            let thread = server.thread(worker);
            server.inject(thread, syscall, HANGS)
        })
        .into()
}

#[test]
fn hanging_open_holds_up_no_other_client() {
    one_hangs("openat2", get(&name(1)).as_bytes(), 200);
}

#[test]
fn hanging_stat_holds_up_no_other_client() {
    // `GET /` needs no disk access.
    one_hangs_beside("", 200, "statx", get(&name(1)).as_bytes(), 200);
}

#[test]
fn hanging_rename_holds_up_no_other_client() {
    one_hangs("renameat", &put(&name(1), b"new"), 201);
}

/// Below a directory the first look is an open too; here the directory could be a mount that is dead.
#[test]
fn hanging_open_below_a_directory_holds_up_no_other_client() {
    if !strace::is_usable() {
        return;
    }
    let home = Home::new();
    std::fs::create_dir(home.root().join("dead")).unwrap();
    home.place("dead/file", b"late");
    let server = Setup::at(&home, &["--web", "-N", "4"]).start();
    let hanging = hang_at(&server, "openat2");
    let mut waits = server.connect();
    waits.send(get("dead/file"));
    for _ in 0..32 {
        assert_eq!(server.get("/nothing").status, 404);
    }
    assert!(waits.is_silent(), "it did not hang");
    drop(hanging);
    assert_eq!(waits.final_response().unwrap().body, b"late");
}
