//! The files that a confined server of this configuration may still use: the rules for its paths.
//!
//! Where a file is opened again while the server runs, its directory is allowed, since the file may be another by then:
//! a log after a rotation, a root that was removed and made again, a certificate behind a link that leads elsewhere. But
//! neither the root nor a link on the way opens a directory that holds far more than the server's own
//! ([`holds_too_much`]): a root there is not found again.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

use httpserver::confinement::{Allowed, FileAccess, InForce, confine};
use httpserver::web;

use crate::cli::{Config, Sandbox};
use crate::paths::{NamedPath, Purpose, named_paths};

/// Files that each server uses besides the paths of its command line.
const ALWAYS: [&str; 2] = [
    // Whether its terminal is gone; see `tty(4)`.
    "/dev/tty",
    // How long a worker ran.
    "/proc/self",
];

/// Directories that hold the files of many programs (hier(7)).
const OF_THE_SYSTEM: [&str; 12] = [
    "/", "/boot", "/dev", "/etc", "/home", "/opt", "/proc", "/root", "/run", "/sys", "/usr", "/var",
];

/// Links that are followed in one path, as in the kernel (`path_resolution(7)`).
const MOST_LINKS: u32 = 40;

/// Confines the process as far as this configuration asks for it; `None` if it does not.
pub(crate) fn enter(config: &Config) -> Option<InForce> {
    match config.sandbox {
        Sandbox::On => Some(confine(&allowed(config))),
        Sandbox::Off => None,
    }
}

/// The permitted operations.
fn allowed(config: &Config) -> Vec<Allowed> {
    let home = env::var_os("HOME").and_then(|home| Path::new(&home).canonicalize().ok());
    let always = ALWAYS.map(|path| Allowed {
        path: path.into(),
        access: FileAccess::Read,
    });
    let paths = named_paths(config);
    let named = paths.iter().flat_map(|named| rules(named, home.as_deref()));
    always.into_iter().chain(named).collect()
}

/// The rules for one path.
fn rules(named: &NamedPath, home: Option<&Path>) -> Vec<Allowed> {
    let path = &*named.path;
    let is_narrow = |directory: &PathBuf| !holds_too_much(directory, home);
    let (access, paths) = match named.purpose {
        Purpose::Root(access) => {
            let access = match access {
                web::Access::Writable => FileAccess::Write,
                web::Access::ReadOnly => FileAccess::Read,
            };
            let around = holding(path).into_iter().chain(behind_links(path));
            let own = [path.to_path_buf()].into_iter();
            (access, own.chain(around.filter(is_narrow)).collect())
        }
        // A pipe or a device that has this path now.
        Purpose::Log | Purpose::AccessLog if path.exists() && !path.is_file() => {
            (FileAccess::Append, vec![path.to_path_buf()])
        }
        // A self-signed certificate is replaced before it expires.
        Purpose::Log | Purpose::AccessLog | Purpose::SelfSigned => {
            (FileAccess::Append, opened_again(path, is_narrow))
        }
        Purpose::Read => (FileAccess::Read, opened_again(path, is_narrow)),
        // A link of this name is replaced, not followed.
        Purpose::State => (FileAccess::Append, holding(path)),
        Purpose::Socket => (FileAccess::Remove, holding(path)),
    };
    let mut rules = Vec::new();
    for directory in paths {
        let of_the_file = directory == Path::new("/");
        let path = if of_the_file { path } else { &directory };
        let rule = Allowed {
            path: path.to_path_buf(),
            access,
        };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// The directories in which a file that is opened again may be then: that of its name, that in which it is now, and
/// those narrow ones to which links on the way lead.
fn opened_again(path: &Path, is_narrow: impl Fn(&PathBuf) -> bool) -> Vec<PathBuf> {
    let now = path.canonicalize().ok();
    let now = now.and_then(|now| Some(now.parent()?.to_path_buf()));
    let links = behind_links(path).into_iter().filter(is_narrow);
    holding(path).into_iter().chain(now).chain(links).collect()
}

/// The directory that has the name, behind all links.
fn holding(path: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(path).ok();
    let directory = absolute.and_then(|path| path.parent()?.canonicalize().ok());
    directory.into_iter().collect()
}

/// The directories that have what the links on the way to a path lead to.
fn behind_links(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(path) = std::path::absolute(path) {
        follow(PathBuf::new(), &path, &mut MOST_LINKS.clone(), &mut found);
    }
    found
}

/// Goes from a directory to a path; returns where that is, with no link in it. `None` if there are too many links.
fn follow(
    mut at: PathBuf,
    path: &Path,
    links: &mut u32,
    found: &mut Vec<PathBuf>,
) -> Option<PathBuf> {
    for component in path.components() {
        match component {
            Component::ParentDir => _ = at.pop(),
            Component::RootDir => at = PathBuf::from("/"),
            Component::CurDir | Component::Prefix(_) => {}
            Component::Normal(name) => {
                let next = at.join(name);
                if let Ok(target) = fs::read_link(&next) {
                    *links = links.checked_sub(1)?;
                    at = follow(at, &target, links, found)?;
                    found.extend(at.parent().map(Path::to_path_buf));
                } else {
                    at = next;
                }
            }
        }
    }
    Some(at)
}

/// Whether a directory holds many files of others: it is one of the system, the user's home directory, or one
/// above that.
fn holds_too_much(directory: &Path, home: Option<&Path>) -> bool {
    OF_THE_SYSTEM.iter().any(|system| directory == *system)
        || home.is_some_and(|home| home.starts_with(directory))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn directories_that_hold_too_much_are_recognised() {
        let home = Some(Path::new("/home/ann"));
        for (directory, home, expected) in [
            ("/", None, true),
            ("/", home, true),
            ("/home", home, true),
            ("/home/ann", home, true),
            ("/home/ann/site", home, false),
            ("/home/anna", home, false),
            ("/var", None, true),
            ("/etc", None, true),
            ("/var/www", None, false),
            ("/srv", home, false),
            ("/srv", None, false),
        ] {
            assert_eq!(
                holds_too_much(Path::new(directory), home),
                expected,
                "{directory}"
            );
        }
    }

    /// A directory with directories and links. Tests name paths relative to it.
    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            for directory in ["site", "logs", "links", "run", "releases/1/public"] {
                fs::create_dir_all(files.at(directory)).unwrap();
            }
            for file in ["logs/log", "releases/1/users"] {
                fs::write(files.at(file), "").unwrap();
            }
            for (to, from) in [
                ("../site", "links/site"),
                ("../logs/log", "links/log"),
                ("releases/1", "current"),
                ("../current/users", "links/users"),
                ("loop", "loop"),
            ] {
                symlink(to, files.at(from)).unwrap();
            }
            files
        }

        fn at(&self, name: &str) -> PathBuf {
            let place = self.0.path().canonicalize().unwrap();
            if name.is_empty() {
                place
            } else {
                place.join(name)
            }
        }

        fn rules(&self, path: &str, purpose: Purpose, home: Option<&Path>) -> Vec<Allowed> {
            let path = self.at(path);
            let option = "root";
            rules(
                &NamedPath {
                    option,
                    path,
                    purpose,
                },
                home,
            )
        }
    }

    #[test]
    fn rules_name_directories_of_what_is_opened_again() {
        let files = Files::new();
        let writable = Purpose::Root(web::Access::Writable);
        let read_only = Purpose::Root(web::Access::ReadOnly);
        let (write, read, append) = (FileAccess::Write, FileAccess::Read, FileAccess::Append);
        for (path, purpose, access, expected) in [
            ("site", writable, write, &["site", ""][..]),
            ("site", read_only, read, &["site", ""]),
            ("links/site", read_only, read, &["links/site", "links", ""]),
            (
                "current/public",
                read_only,
                read,
                &["current/public", "releases/1", "releases"],
            ),
            ("logs/log", Purpose::Log, append, &["logs"]),
            ("links/log", Purpose::AccessLog, append, &["links", "logs"]),
            ("logs/absent", Purpose::Log, append, &["logs"]),
            ("logs/key.pem", Purpose::SelfSigned, append, &["logs"]),
            ("links/log", Purpose::State, append, &["links"]),
            ("run/absent", Purpose::State, append, &["run"]),
            ("run/socket", Purpose::Socket, FileAccess::Remove, &["run"]),
            (
                "links/users",
                Purpose::Read,
                read,
                &["links", "releases/1", "releases"],
            ),
            ("loop", Purpose::Read, read, &[""]),
        ] {
            let found = files.rules(path, purpose, None);
            let paths: Vec<_> = found.iter().map(|rule| rule.path.clone()).collect();
            let expected: Vec<_> = expected.iter().map(|name| files.at(name)).collect();
            assert_eq!(paths, expected, "{path} {purpose:?}");
            assert!(found.iter().all(|rule| rule.access == access), "{path}");
        }
    }

    #[test]
    fn directories_that_hold_too_much_have_no_rule_but_for_a_file_that_is_in_them() {
        let files = Files::new();
        let home = files.at("");
        let writable = Purpose::Root(web::Access::Writable);
        let found = files.rules("site", writable, Some(&home));
        assert_eq!(found.len(), 1);
        let found = files.rules("log.txt", Purpose::Log, Some(&home));
        assert_eq!(found[0].path, home);
    }

    #[test]
    fn device_and_file_of_the_top_directory_have_rules_of_their_own() {
        for path in ["/dev/null", "/log.txt"] {
            let path = PathBuf::from(path);
            let named = NamedPath {
                option: "access-log",
                path: path.clone(),
                purpose: Purpose::AccessLog,
            };
            let found = rules(&named, None);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].path, path);
        }
    }
}
