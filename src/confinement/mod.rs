//! The privileges that the process drops before its first thread starts: user, files, system calls.
//!
//! - [`Account`]: root becomes another user.
//! - [`confine`]: files only where they are needed, by Landlock (landlock(7)); no new TCP connections, no signals to other
//!   processes; no new privileges (`PR_SET_NO_NEW_PRIVS`); no system call that a file server has no use for, by
//!   seccomp(2).
//!
//! Landlock restricts the calling thread and those that it starts later. So both are called while there is one thread.
//! Confinement is best effort: parts that a kernel or a container does not have are left out, and [`InForce`] shows
//! which are in force. It does not know what the paths are for.

mod account;
mod files;
mod system_calls;

use std::fmt;

pub use self::account::{Account, AccountError};
pub use self::files::{Allowed, FileAccess};

use self::files::Restricted;

/// The means that confine a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    files: Restricted,
    system_calls: bool,
}

/// Confines the calling thread, and the threads that it starts, to these files and to the system calls of a server. Files
/// that are open stay open.
#[must_use]
pub fn confine(allowed: &[Allowed]) -> InForce {
    let files = files::restrict(allowed).unwrap_or_else(|error| {
        log::debug!("Landlock cannot be used: {error}");
        Restricted::None
    });
    let system_calls = system_calls::restrict()
        .inspect_err(|error| log::debug!("seccomp cannot be used: {error}"))
        .is_ok();
    InForce {
        files,
        system_calls,
    }
}

impl fmt::Display for InForce {
    /// `files and TCP connections (Landlock 7), system calls (seccomp)`, or what there is of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.files {
            Restricted::None => f.write_str("not files (no Landlock 2)")?,
            Restricted::Files { abi } => write!(f, "files (Landlock {abi})")?,
            Restricted::FilesAndNetwork { abi } => {
                write!(f, "files and TCP connections (Landlock {abi})")?;
            }
        }
        f.write_str(if self.system_calls {
            ", system calls (seccomp)"
        } else {
            ", not system calls (no seccomp)"
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::path::Path;
    use std::process::{Command, ExitStatus, Stdio};

    use super::*;

    /// The variable that has a test act as the confined process, and says where.
    const CONFINED: &str = "CONFINED_TEST_DIRECTORY";

    /// Runs a test of this module again, in a process of its own that may confine itself.
    fn run_alone(test: &str, directory: &Path) -> ExitStatus {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", &format!("confinement::tests::{test}")]);
        child.args(["--test-threads", "1"]).env(CONFINED, directory);
        child.stdout(Stdio::null()).status().unwrap()
    }

    fn allow(path: &Path, access: FileAccess) -> Allowed {
        let path = path.to_path_buf();
        Allowed { path, access }
    }

    /// An operation by its name, and a function that tries it and returns whether it was done.
    type WayOut = (&'static str, fn() -> bool);

    /// Operations that lead out of the process, or change the machine.
    const WAYS_OUT: [WayOut; 8] = [
        ("execute a program", || {
            let error = Command::new("/bin/true").exec();
            error.raw_os_error().is_none()
        }),
        ("be traced", || nix::sys::ptrace::traceme().is_ok()),
        ("mount", || {
            rustix::mount::mount_bind("/tmp", "/tmp").is_ok()
        }),
        ("unmount", || {
            let flags = rustix::mount::UnmountFlags::empty();
            rustix::mount::unmount("/nowhere", flags).is_ok()
        }),
        ("have another root", || rustix::process::chroot("/").is_ok()),
        ("be another user", || {
            nix::unistd::setuid(nix::unistd::getuid()).is_ok()
        }),
        ("be in another group", || {
            nix::unistd::setgid(nix::unistd::getgid()).is_ok()
        }),
        ("make a device", || {
            let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::empty());
            rustix::fs::mknodat(rustix::fs::CWD, "/nowhere/x", kind, mode, 0).is_ok()
        }),
    ];

    #[test]
    fn confined_process_is_killed_on_each_way_out() {
        let test = "confined_process_is_killed_on_each_way_out";
        if let Some(directory) = std::env::var_os(CONFINED) {
            let directory = Path::new(&directory);
            let number: usize = fs::read_to_string(directory.join("number"))
                .unwrap()
                .parse()
                .unwrap();
            // Files stay within reach, so that it is the filter that refuses.
            let in_force = confine(&[allow(Path::new("/"), FileAccess::Write)]);
            if in_force.system_calls {
                let is_done = WAYS_OUT[number].1();
                fs::write(directory.join("survived"), is_done.to_string()).unwrap();
            } else {
                fs::write(directory.join("none"), "").unwrap();
            }
            return;
        }
        for (number, (what, _)) in WAYS_OUT.iter().enumerate() {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("number"), number.to_string()).unwrap();
            let status = run_alone(test, directory.path());
            if directory.path().join("none").exists() {
                eprintln!("skipped: there is no seccomp here");
                return;
            }
            assert_eq!(status.signal(), Some(libc::SIGSYS), "{what}: {status}");
            assert!(!directory.path().join("survived").exists(), "{what}");
        }
    }

    /// Operations of a confined thread, each with whether Landlock must refuse it.
    fn attempts(home: &Path, port: u16) -> Vec<(&'static str, io::Result<()>, bool)> {
        let (read, write) = (home.join("read"), home.join("write"));
        let connect = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map(drop);
        vec![
            ("read below", fs::read(read.join("file")).map(drop), false),
            ("list", fs::read_dir(&read).map(drop), false),
            (
                "write where files are read",
                fs::write(read.join("file"), ""),
                true,
            ),
            ("remove there", fs::remove_file(read.join("file")), true),
            ("make a directory", fs::create_dir(write.join("d")), false),
            ("write there", fs::write(write.join("d/f"), ""), false),
            (
                "rename",
                fs::rename(write.join("d/f"), write.join("f")),
                false,
            ),
            (
                "move out",
                fs::rename(write.join("f"), home.join("f")),
                true,
            ),
            ("remove", fs::remove_file(write.join("f")), false),
            (
                "read elsewhere",
                fs::read(home.join("secret")).map(drop),
                true,
            ),
            ("list elsewhere", fs::read_dir(home).map(drop), true),
            ("write elsewhere", fs::write(home.join("new"), ""), true),
            (
                "read by a link",
                fs::read(write.join("link")).map(drop),
                true,
            ),
            ("connect", connect(port), true),
            (
                "bind",
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map(drop),
                true,
            ),
        ]
    }

    #[test]
    fn confined_thread_reaches_what_is_allowed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        for directory in ["read", "write"] {
            fs::create_dir(home.join(directory)).unwrap();
        }
        fs::write(home.join("read/file"), "").unwrap();
        fs::write(home.join("secret"), "").unwrap();
        std::os::unix::fs::symlink("../secret", home.join("write/link")).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        // Landlock restricts a thread: no other test notices.
        let confined = std::thread::spawn({
            let home = home.to_path_buf();
            move || {
                let rules = [
                    allow(&home.join("read"), FileAccess::Read),
                    allow(&home.join("write"), FileAccess::Write),
                    allow(&home.join("absent"), FileAccess::Write),
                ];
                let restricted = files::restrict(&rules).unwrap();
                (restricted, attempts(&home, port))
            }
        });
        let (restricted, attempts) = confined.join().unwrap();
        if !matches!(restricted, Restricted::FilesAndNetwork { .. }) {
            eprintln!("skipped: Landlock is {restricted:?} here");
            return;
        }
        for (what, result, is_refused) in attempts {
            let refused = result.is_err();
            assert_eq!(refused, is_refused, "{what}: {result:?}");
            if let Err(error) = result {
                // EXDEV: a move between directories with other rules.
                let code = error.raw_os_error();
                assert!(
                    [Some(libc::EACCES), Some(libc::EXDEV)].contains(&code),
                    "{what}: {error}"
                );
            }
        }
    }

    #[test]
    fn confinement_in_force_is_one_line() {
        for (files, system_calls, line) in [
            (
                Restricted::FilesAndNetwork { abi: 7 },
                true,
                "files and TCP connections (Landlock 7), system calls (seccomp)",
            ),
            (
                Restricted::Files { abi: 3 },
                false,
                "files (Landlock 3), not system calls (no seccomp)",
            ),
            (
                Restricted::None,
                true,
                "not files (no Landlock 2), system calls (seccomp)",
            ),
        ] {
            let in_force = InForce {
                files,
                system_calls,
            };
            assert_eq!(in_force.to_string(), line);
        }
    }
}
