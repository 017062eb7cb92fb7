//! The image of `packaging/Containerfile`, run as container engines do: as process 1 and as any user, with a root file system
//! that is read-only and holds nothing but the program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::packages::repository;
use crate::support::process::finish;
use crate::support::requirements::skip;
use crate::support::running::Running;

/// A user and group that the system does not know.
const STRANGER: u32 = 54_321;

/// Runs a program in the file system at `$1` with a volume `$2` at `$3`, as the user `$4`. The rest is its environment, `--`,
/// and its command line.
const RUN: &str = r#"set -e
root=$1 volume=$2 at=$3 user=$4; shift 4
mount --bind "$root" "$root"
mount --bind "$volume" "$root$at"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
chroot=$(command -v chroot)
variables=
while [ "$1" != -- ]; do variables="$variables $1"; shift; done
shift
exec env -i $variables "$chroot" --userspec="$user" --groups= "$root" "$@""#;

/// The instructions of the last stage of the Containerfile.
#[derive(Default)]
struct Image {
    variables: Vec<String>,
    directory: String,
    user: String,
    entrypoint: String,
}

impl Image {
    fn read() -> Self {
        let text = fs::read_to_string(repository().join("packaging/Containerfile")).unwrap();
        let (_, last) = text.rsplit_once("\nFROM scratch\n").unwrap();
        let mut image = Self::default();
        for line in last.lines().filter(|line| !line.starts_with('#')) {
            let (instruction, rest) = line.split_once(' ').unwrap();
            match instruction {
                "ENV" => image.variables.push(rest.to_owned()),
                "WORKDIR" => rest.clone_into(&mut image.directory),
                "USER" => rest.clone_into(&mut image.user),
                "ENTRYPOINT" => {
                    let words: Vec<String> = serde_json::from_str(rest).unwrap();
                    image.entrypoint = words.concat();
                }
                "COPY" => assert_eq!(rest, "--from=build /httpserver /httpserver"),
                other => assert_eq!(other, "EXPOSE"),
            }
        }
        image
    }
}

/// The static program, if it is built.
fn program() -> Option<PathBuf> {
    let this = std::env::current_exe().unwrap();
    let target = this.ancestors().nth(3).unwrap();
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let program = target.join(&triple).join("release/httpserver");
    if !program.exists() {
        skip(&format!(
            "there is no static program: cargo build --release --bin httpserver --target {triple}"
        ));
        return None;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be any user");
        return None;
    }
    Some(program)
}

/// A container that runs.
struct Container {
    engine: Running,
    address: String,
    volume: tempfile::TempDir,
    /// Kept open while the server runs, since the server writes the access log to it.
    _stdout: BufReader<ChildStdout>,
    _root: tempfile::TempDir,
}

impl Container {
    /// Runs the image with these options and a volume of this user that contains `hello.txt`.
    fn start(user: u32, options: &[&str]) -> Option<Self> {
        let program = program()?;
        let image = Image::read();
        let (root, volume) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for directory in ["proc", &image.directory] {
            fs::create_dir_all(root.path().join(directory.trim_start_matches('/'))).unwrap();
        }
        let entrypoint = image.entrypoint.trim_start_matches('/');
        fs::copy(program, root.path().join(entrypoint)).unwrap();
        fs::write(volume.path().join("hello.txt"), "hello").unwrap();
        // Directories of tempfile are accessible only to their owner.
        for directory in [root.path(), volume.path()] {
            chown(directory, Some(user), Some(user)).unwrap();
        }
        let mut command = Command::new("unshare");
        command.args(["-m", "-p", "--fork", "--kill-child", "sh", "-c", RUN, "sh"]);
        command.args([root.path(), volume.path()]);
        command.args([&image.directory, &format!("{user}:{user}")]);
        command
            .args(&image.variables)
            .args(["--", &image.entrypoint]);
        // In place of the port of the image, which may be in use.
        command.args(["127.0.0.1:0"]).args(options);
        command.stdout(Stdio::piped());
        let mut engine = Running::start(command);
        let mut line = String::new();
        let mut stdout = BufReader::new(engine.stdout().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        Some(Self {
            engine,
            address,
            volume,
            _stdout: stdout,
            _root: root,
        })
    }

    /// The server, which is the only child of unshare(1).
    fn pid(&self) -> Pid {
        let engine = self.engine.pid().as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{engine}/task/{engine}/children"));
        Pid::from_raw(children.unwrap().trim().parse().unwrap()).unwrap()
    }

    /// The values in the line of this name of the server's `/proc/PID/status`.
    fn status(&self, name: &str) -> Vec<String> {
        let path = format!("/proc/{}/status", self.pid().as_raw_nonzero());
        let text = fs::read_to_string(path).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    }

    fn curl(&self, arguments: &[&str], target: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-sS"]).args(arguments);
        curl.arg(format!("{}{target}", self.address));
        String::from_utf8(finish(curl, b"").stdout).unwrap()
    }

    /// Stops it as an engine does.
    fn stop(mut self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        assert!(self.engine.wait().success());
    }
}

#[test]
fn image_runs_as_process_1_and_any_user_on_a_read_only_root() {
    let number = Image::read().user.split_once(':').unwrap().0.parse();
    for user in [number.unwrap(), STRANGER] {
        let Some(container) = Container::start(user, &[]) else {
            return;
        };
        assert_eq!(container.status("NSpid:").last().unwrap(), "1");
        assert_eq!(container.status("Uid:"), vec![user.to_string(); 4]);
        assert_eq!(container.status("CapEff:"), ["0000000000000000"]);
        assert_eq!(container.curl(&[], "/hello.txt"), "hello");
        let refused = container.curl(
            &["-T", "/proc/self/status", "-w", "%{http_code}", "-o", "-"],
            "/a",
        );
        assert!(refused.ends_with("405"), "{refused}");
        container.stop();
    }
}

#[test]
fn image_stores_uploads_and_its_log_in_a_volume() {
    let options = ["--writable", "--log", "/srv/files/log"];
    let Some(container) = Container::start(STRANGER, &options) else {
        return;
    };
    let script = repository().join("packaging/Containerfile");
    container.curl(&["-T", script.to_str().unwrap()], "/stored");
    let stored = container.volume.path().join("stored");
    assert_eq!(fs::read(&stored).unwrap(), fs::read(script).unwrap());
    assert_eq!(fs::metadata(&stored).unwrap().uid(), STRANGER);
    let log = fs::read_to_string(container.volume.path().join("log")).unwrap();
    assert!(log.starts_with("PUT stored length "), "{log}");
    container.stop();
}

/// The image is built with the same command as the program of these tests.
#[test]
fn image_is_built_like_the_program_that_is_tested() {
    let read = |path: &str| fs::read_to_string(Path::new(repository()).join(path)).unwrap();
    let build = "cargo build --locked --release --bin httpserver --target \"$(uname -m)-unknown-linux-musl\"";
    for file in ["packaging/Containerfile", ".ci/run"] {
        assert!(read(file).contains(build), "{file}");
    }
}
