//! A root on a file system in user space, by bindfs(1): its process is killed, and it is mounted again, or not.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::home::Home;
use crate::support::message::name;
use crate::support::process::log_tool;
use crate::support::requirements::is_there;
use crate::support::running::Running;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::status::ask;
use crate::support::wait::eventually;

const CLASSIC: &[&str] = &["-N", "2", "--status", "127.0.0.1:0"];
const WEB: &[&str] = &[
    "-N",
    "2",
    "--web",
    "--writable",
    "--listing",
    "--status",
    "127.0.0.1:0",
];

/// A mount of a directory on another, until it is dropped.
struct Mount {
    bindfs: Running,
    at: PathBuf,
}

impl Mount {
    /// Mounts `storage` of a home on its root; `None`, with a message, where that is not allowed.
    #[track_caller]
    fn on_root(home: &Home, options: &str) -> Option<Self> {
        Self::of_storage(home, home, options)
    }

    /// Mounts `storage` of one home on the root of another.
    #[track_caller]
    fn of_storage(storage: &Home, home: &Home, options: &str) -> Option<Self> {
        if !is_there("bindfs") {
            return None;
        }
        if fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .is_err()
        {
            eprintln!("skipped: /dev/fuse cannot be opened");
            return None;
        }
        let storage = storage.path().join("storage");
        fs::create_dir_all(&storage).unwrap();
        let at = home.root();
        let mut command = Command::new("bindfs");
        command.args(["-f", "-o", options]).args([&storage, &at]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut mount = Self {
            bindfs: Running::start(command),
            at,
        };
        eventually("it is mounted, or refused", || {
            is_mounted(&mount.at) || mount.bindfs.status().is_some()
        });
        if is_mounted(&mount.at) {
            return Some(mount);
        }
        eprintln!("skipped: nothing can be mounted with FUSE");
        None
    }

    /// Kills its process; the mount stays, and has no storage.
    fn kill(&mut self) {
        self.bindfs.signal(Signal::KILL);
        self.bindfs.wait();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        unmount(&self.at);
        self.bindfs.kill();
    }
}

fn is_mounted(at: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let at = at.to_str().unwrap();
    mounts
        .lines()
        .any(|line| line.split(' ').nth(4) == Some(at))
}

fn unmount(at: &Path) {
    let mut fusermount = Command::new("fusermount3");
    let _ = fusermount.arg("-uz").arg(at).stderr(Stdio::null()).status();
    if is_mounted(at) {
        let _ = Command::new("umount").arg("-l").arg(at).status();
    }
}

fn start(home: &Home, options: &[&str]) -> (Server, SocketAddr) {
    let mut server = Setup::at(home, options).start();
    let line = server.line();
    let status = line.strip_prefix("status on http://").unwrap();
    (server, status.parse().unwrap())
}

fn health(status: SocketAddr) -> (u16, String) {
    let response = ask(status, "/healthz", "*/*");
    (response.status, response.text().to_owned())
}

/// Requests that must not be answered as if their files did not exist.
fn lines(options: &[&str]) -> Vec<String> {
    let mut lines = vec![format!("GET /{}", name(1)), format!("PUT /{}", name(2))];
    if options == WEB {
        lines.extend(
            [
                "GET /",
                "HEAD /d/f",
                "PUT /d/e/f",
                "DELETE /d/f",
                "DELETE /d/",
            ]
            .map(str::to_owned),
        );
    }
    lines
}

#[test]
fn root_that_loses_its_storage_is_503_until_it_is_mounted_again() {
    for options in [CLASSIC, WEB] {
        let home = Home::new();
        let Some(mut mount) = Mount::on_root(&home, "attr_timeout=0,entry_timeout=0") else {
            return;
        };
        home.place(&name(1), b"content");
        fs::create_dir(home.file("d")).unwrap();
        home.place("d/f", b"below");
        let (server, status) = start(&home, options);
        let file = format!("/{}", name(1));
        assert_eq!(server.get(&file).text(), "content");
        assert_eq!(health(status), (200, "ok\n".to_owned()));

        mount.kill();
        for line in lines(options) {
            let response = server.ask(&line, "Content-Length: 0\r\n", b"");
            assert_eq!(response.status, 503, "{line}");
        }
        eventually("the status says so", || {
            health(status)
                == (
                    503,
                    "the root has lost the connection to its storage\n".to_owned(),
                )
        });

        // Without the mount, the path leads to an empty directory, which is not the root.
        drop(mount);
        eventually("the place is looked at", || {
            assert_eq!(health(status).0, 503);
            server
                .stderr()
                .contains("its file system is not mounted there")
        });
        for line in lines(options) {
            let response = server.ask(&line, "Content-Length: 0\r\n", b"");
            assert_eq!(response.status, 503, "{line}");
        }
        assert_eq!(home.names(), [""; 0]);

        // There are only health checks, as from a proxy that has taken the server out.
        let _mount = Mount::on_root(&home, "attr_timeout=0,entry_timeout=0").unwrap();
        eventually("it is healthy again", || health(status).0 == 200);
        assert_eq!(server.get(&file).text(), "content");
        assert_eq!(server.put(&format!("/{}", name(2)), "", b"new").status, 201);
        assert_eq!(home.content(&name(2)), b"new");
        let said = server.stderr();
        assert_eq!(
            said.matches("has lost the connection to its storage; until")
                .count(),
            1,
            "{said}"
        );
        assert_eq!(
            said.matches("its file system is not mounted there").count(),
            1,
            "{said}"
        );
        drop(server);
    }
}

#[test]
fn start_on_a_mount_says_what_to_check() {
    let home = Home::new();
    let Some(_mount) = Mount::on_root(&home, "attr_timeout=1") else {
        return;
    };
    let server = Setup::at(&home, &[]).start();
    let said = server.stderr();
    let warning = format!("the root {} is on fuse", home.root().display());
    assert_eq!(said.matches(&warning).count(), 1, "{said}");
    assert!(
        said.contains("attr_timeout=0, entry_timeout=0 and negative_timeout=0"),
        "{said}"
    );
    let local = Setup::new(&[]).start();
    assert_eq!(local.stderr(), "");
}

#[test]
fn read_only_file_system_is_403_with_its_reason() {
    let home = Home::new();
    let Some(_mount) = Mount::on_root(&home, "ro") else {
        return;
    };
    let (server, status) = start(&home, WEB);
    let refused = server.put("/new.txt", "Accept: text/plain\r\n", b"new");
    assert_eq!(refused.status, 403);
    let text = refused.text();
    assert!(text.contains("file system is read-only"), "{text}");
    let (code, why) = health(status);
    assert_eq!(code, 503);
    assert!(
        why.starts_with("nothing can be written to the root: "),
        "{why}"
    );
}

/// Each mount keeps what it has read for a minute, and does not ask whether another one has written.
#[test]
fn servers_with_mounts_that_cache_count_versions_once() {
    const CACHING: &str = "kernel_cache,attr_timeout=60,entry_timeout=0";
    let homes = [Home::new(), Home::new()];
    let Some(_first) = Mount::on_root(&homes[0], CACHING) else {
        return;
    };
    let _second = Mount::of_storage(&homes[0], &homes[1], CACHING).unwrap();
    let servers = [("web-1", &homes[0]), ("web-2", &homes[1])].map(|(id, home)| {
        let options = [
            "--web",
            "--writable",
            "--shared",
            "--seal",
            "--server-id",
            id,
        ];
        Setup::at(home, &options).log(format!("{id}.txt")).start()
    });
    for round in 0..8 {
        let server = &servers[round % 2];
        let status = server.put("/a", "", round.to_string().as_bytes()).status;
        assert!(matches!(status, 201 | 204), "{round}: {status}");
    }
    for mut server in servers {
        server.stop();
    }
    let logs = [
        homes[0].path().join("web-1.txt"),
        homes[1].path().join("web-2.txt"),
    ];
    let [one, two] = logs.each_ref().map(|log| log.to_str().unwrap());
    let merged = log_tool(homes[0].path(), ["merge", one, two, "-o", "all.txt"], b"");
    let stderr = String::from_utf8_lossy(&merged.stderr);
    assert_eq!((merged.status.code(), &*stderr), (Some(0), ""));
    let history = log_tool(homes[0].path(), ["extract", "all.txt", "8"], b"");
    assert_eq!(history.stdout, b"7");
}
