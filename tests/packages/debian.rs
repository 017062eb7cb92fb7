//! The Debian package, with the real dpkg in a private copy of this system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages::{made, repository};
use crate::support::namespace::in_mount_namespace;
use crate::support::requirements::is_there;

/// Mounts a tmpfs over this system, and runs a command there. WORK and PACKAGE are replaced by paths.
const COPY_OF_SYSTEM: &str = r#"set -e
mount -t tmpfs tmpfs WORK
mkdir WORK/upper WORK/work WORK/root
mount -t overlay overlay -o lowerdir=/,upperdir=WORK/upper,workdir=WORK/work WORK/root
mount --rbind /proc WORK/root/proc
mount --rbind /dev WORK/root/dev
mount -t tmpfs tmpfs WORK/root/run
cp PACKAGE WORK/root/run/package.deb
exec chroot WORK/root "$@""#;

/// Installs the package, serves a file as the unit does, upgrades, removes and purges. Arguments are variables of the unit.
const LIFE: &str = r#"set -ex
# Images of containers leave out man pages.
rm -f /etc/dpkg/dpkg.cfg.d/*
left() {
  find /etc /usr/bin /usr/lib/systemd /usr/share/man /usr/share/doc /var/lib /var/log -name '*httpserver*' -not -path '*/dpkg/*'
}
dpkg --install /run/package.deb
[ "$(stat -c %U:%G:%a /var/lib/httpserver)" = httpserver:httpserver:755 ]
[ "$(stat -c %U:%G:%a /var/log/httpserver)" = httpserver:httpserver:750 ]
[ -L /etc/systemd/system/multi-user.target.wants/httpserver.service ]
[ -z "$(dpkg --verify httpserver)" ]
man -w httpserver httpserver-log httpserver-log-check

echo kept > /var/lib/httpserver/kept.txt
install -d -o httpserver /run/ready
setpriv --reuid=httpserver --regid=httpserver --init-groups env "$@" HTTPSERVER_LISTEN=127.0.0.1:0 \
  /usr/bin/httpserver --ready-file /run/ready/file --exit-after 1 &
until [ -e /run/ready/file ]; do kill -0 $!; sleep 0.1; done
address=$(sed 's/.*"addresses":\["\([^"]*\)".*/\1/' /run/ready/file)
[ "$(curl -sf "$address/kept.txt")" = kept ]
wait $!
httpserver-log check /var/log/httpserver/requests.log

echo '# changed' >> /etc/default/httpserver
systemctl disable httpserver.service
dpkg --install /run/package.deb
[ ! -e /etc/systemd/system/multi-user.target.wants/httpserver.service ]
dpkg --remove httpserver
[ ! -e /usr/bin/httpserver ]
grep -q changed /etc/default/httpserver
[ -e /var/log/httpserver/requests.log ]
dpkg --purge httpserver
[ "$(left)" = /var/lib/httpserver ]
[ "$(stat -c %U /var/lib/httpserver)" = httpserver ]

rm -r /var/lib/httpserver
dpkg --install /run/package.deb
dpkg --purge httpserver
[ -z "$(left)" ]
if getent passwd httpserver || getent group httpserver; then exit 1; fi
"#;

/// Builds the package in this directory from the programs that are tested, and returns its path.
fn build(out: &Path) -> PathBuf {
    let programs = Path::new(env!("CARGO_BIN_EXE_httpserver"))
        .parent()
        .unwrap();
    let mut script = Command::new("python3");
    script.arg(repository().join("packaging/build-deb.py"));
    script.arg("--programs").arg(programs);
    script.arg("--made").arg(made());
    script.arg("--out").arg(out);
    // Fast compression, since the package is not kept.
    script.env("DPKG_DEB_COMPRESSOR_TYPE", "gzip");
    script.env("DPKG_DEB_COMPRESSOR_LEVEL", "1");
    let output = script.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    PathBuf::from(stdout.trim())
}

/// The variables that the unit sets.
fn variables_of_the_unit() -> Vec<String> {
    let unit = fs::read_to_string(repository().join("packaging/httpserver.service")).unwrap();
    let lines = unit.lines();
    let set = lines.filter_map(|line| line.strip_prefix("Environment="));
    set.map(str::to_owned).collect()
}

#[test]
fn package_is_installed_runs_and_is_purged_without_remains() {
    let tools = ["dpkg-deb", "dpkg-shlibdeps", "strip", "python3", "man"];
    if !tools.iter().all(|tool| is_there(tool)) {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can install a package");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let package = build(directory.path());
    let work = directory.path().join("work");
    fs::create_dir(&work).unwrap();
    let system = COPY_OF_SYSTEM
        .replace("WORK", work.to_str().unwrap())
        .replace("PACKAGE", package.to_str().unwrap());
    let variables = variables_of_the_unit();
    assert!(variables.len() > 3, "{variables:?}");
    let Some(mut command) = in_mount_namespace(&system, &["sh"]) else {
        return;
    };
    let life = command.args(["sh", "-c", LIFE, "sh"]);
    let output = life.args(variables).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(stdout.contains("1 entry"), "{stdout}");
}
