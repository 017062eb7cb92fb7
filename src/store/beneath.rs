//! Opens files beneath the root.
//!
//! The kernel resolves a path beneath the root in one call: openat2(2) with `RESOLVE_BENEATH`. Where that call is
//! missing (valgrind, some sandboxes, Linux before 5.6), a walk replaces it, with the same results and more calls. The
//! walk opens one name after the other in the directory before it, never through a symlink. It reads a symlink and
//! walks its target; an absolute target leads out of the root. For `..` it starts again from the root and stops one
//! directory earlier. All names of its path are those of real directories, so a directory that is moved meanwhile
//! cannot make `..` lead elsewhere. It holds two descriptors for any length of path.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, readlinkat};
use rustix::io::{Errno, retry_on_intr};

use crate::operations::operate;

/// The number of retries if a directory was renamed during openat2(2) (EAGAIN).
const ATTEMPTS: usize = 4;

/// The most symlinks in a path, as in the kernel (`path_resolution(7)`).
const LINKS: usize = 40;

/// The most names that a walk opens, repeated ones included.
const STEPS: usize = 100_000;

/// Bytes of a path, with the NUL that ends it.
const PATH_MAX: usize = 4096;

/// The method of resolving paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolver {
    /// By openat2(2).
    Kernel,
    /// By a walk.
    Walk,
}

impl Resolver {
    /// The method of this system, tried with an open directory.
    pub(super) fn detect(directory: &OwnedFd) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH;
        match retry_on_intr(|| openat2(directory, ".", flags, Mode::empty(), resolve)) {
            Ok(_) => Ok(Self::Kernel),
            // Some sandboxes forbid unknown system calls.
            Err(error @ (Errno::NOSYS | Errno::PERM)) => {
                log::warn!(
                    "openat2(2) cannot be used here ({error}): a walk that follows no symlink out of the root takes its \
                     place, and is slower"
                );
                Ok(Self::Walk)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the file at `path` below `root`.
    ///
    /// # Errors
    /// EXDEV if the path leads out of the root.
    pub(super) fn open(self, root: &OwnedFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        match self {
            Self::Kernel => open_by_kernel(root, path, flags),
            Self::Walk => PathWalk::new(root, path)?.open(flags),
        }
    }
}

fn open_by_kernel(root: &OwnedFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..ATTEMPTS {
        match operate(|| openat2(root, path, flags, Mode::empty(), resolve)) {
            Err(Errno::AGAIN) => {}
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}

/// A walk in progress.
struct PathWalk<'r> {
    root: &'r OwnedFd,
    /// The current directory; `None` is the root.
    here: Option<OwnedFd>,
    /// The names from the root to the current directory.
    walked: Vec<Box<[u8]>>,
    /// The remaining names, the next one last.
    pending: Vec<Box<[u8]>>,
    links: usize,
    steps: usize,
}

impl<'r> PathWalk<'r> {
    fn new(root: &'r OwnedFd, path: &[u8]) -> Result<Self, Errno> {
        let mut walk = Self {
            root,
            here: None,
            walked: Vec::new(),
            pending: Vec::new(),
            links: 0,
            steps: 0,
        };
        walk.push(path)?;
        Ok(walk)
    }

    /// Inserts a path before the remaining names.
    fn push(&mut self, path: &[u8]) -> Result<(), Errno> {
        match path {
            [] => Err(Errno::NOENT),
            [b'/', ..] => Err(Errno::XDEV),
            _ if path.len() >= PATH_MAX => Err(Errno::NAMETOOLONG),
            _ => {
                let names = path.split(|&byte| byte == b'/');
                self.pending.extend(names.rev().map(Box::from));
                Ok(())
            }
        }
    }

    fn open(mut self, flags: OFlags) -> Result<OwnedFd, Errno> {
        while let Some(name) = self.pending.pop() {
            self.steps += 1;
            if self.steps > STEPS {
                return Err(Errno::LOOP);
            }
            match &*name {
                b"" | b"." => {}
                b".." => self.go_up()?,
                last if self.pending.is_empty() => {
                    if let Some(opened) = self.open_last(last, flags)? {
                        return Ok(opened);
                    }
                }
                _ => self.go_down(name)?,
            }
        }
        self.open_at(b".", flags)
    }

    /// Goes to the parent directory, again from the root.
    fn go_up(&mut self) -> Result<(), Errno> {
        self.walked.pop().ok_or(Errno::XDEV)?;
        self.pending.extend(self.walked.drain(..).rev());
        self.here = None;
        Ok(())
    }

    fn go_down(&mut self, name: Box<[u8]>) -> Result<(), Errno> {
        match self.open_at(&name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC) {
            Ok(below) => {
                self.here = Some(below);
                self.walked.push(name);
                Ok(())
            }
            Err(error @ (Errno::NOTDIR | Errno::LOOP)) => self.follow(&name, error),
            Err(error) => Err(error),
        }
    }

    /// Opens the last name; `None` if it is a symlink, which is followed next.
    fn open_last(&mut self, name: &[u8], flags: OFlags) -> Result<Option<OwnedFd>, Errno> {
        match self.open_at(name, flags) {
            Ok(opened) => {
                let may_be_link = flags.contains(OFlags::PATH) && !flags.contains(OFlags::NOFOLLOW);
                if may_be_link && is_link(&opened)? {
                    return self.follow(name, Errno::LOOP).map(|()| None);
                }
                Ok(Some(opened))
            }
            Err(error @ (Errno::NOTDIR | Errno::LOOP)) if !flags.contains(OFlags::NOFOLLOW) => {
                self.follow(name, error).map(|()| None)
            }
            Err(error) => Err(error),
        }
    }

    /// Continues at the target of the symlink `name`; `error` if it is not a symlink.
    fn follow(&mut self, name: &[u8], error: Errno) -> Result<(), Errno> {
        let directory = self.here.as_ref().unwrap_or(self.root);
        let target = match operate(|| readlinkat(directory, name, Vec::new())) {
            Err(Errno::INVAL) => return Err(error),
            target => target?,
        };
        self.links += 1;
        if self.links > LINKS {
            return Err(Errno::LOOP);
        }
        self.push(target.as_bytes())
    }

    /// Opens a name in the current directory, without following a symlink.
    fn open_at(&self, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let directory = self.here.as_ref().unwrap_or(self.root);
        let flags = flags | OFlags::NOFOLLOW;
        operate(|| openat(directory, name, flags, Mode::empty()))
    }
}

fn is_link(opened: &OwnedFd) -> Result<bool, Errno> {
    let found = operate(|| fstat(opened))?;
    Ok(FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use super::super::error::StoreErrorKind;
    use super::*;

    /// A root with many kinds of links, also out of the root; beside it a directory with a file of its own.
    fn tree() -> (tempfile::TempDir, OwnedFd) {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        for directory in ["a/b/c", "d"] {
            fs::create_dir_all(root.join(directory)).unwrap();
            fs::write(root.join(directory).join("file"), directory).unwrap();
        }
        fs::create_dir(home.path().join("outside")).unwrap();
        fs::write(home.path().join("outside/file"), "outside").unwrap();
        fs::write(root.join("file"), "root").unwrap();
        for (name, target) in [
            ("up", ".."),
            ("self", "."),
            ("a/up", ".."),
            ("a/upup", "../.."),
            ("a/b/top", "../../d"),
            ("a/b/out", "../../../outside"),
            ("in", "a/b"),
            ("infile", "a/b/file"),
            ("slash", "a/b/"),
            ("fileslash", "file/"),
            ("chain", "in/top"),
            ("loop", "loop"),
            ("ping", "pong"),
            ("pong", "./ping"),
            ("absolute", "/etc"),
            ("proc", "/proc/self/root"),
            ("dangling", "nothing"),
            ("twice", "a//b/./c"),
            ("d/back", "../a/../d/../in/c"),
        ] {
            symlink(target, root.join(name)).unwrap();
        }
        let opened = File::open(root).unwrap().into();
        (home, opened)
    }

    fn outcome(opened: Result<OwnedFd, Errno>) -> Result<(u64, u64), StoreErrorKind> {
        let found = fstat(&opened?)?;
        Ok((found.st_dev, found.st_ino))
    }

    #[test]
    fn a_walk_leads_where_the_kernel_does() {
        let (_home, root) = tree();
        let name = prop::sample::select(vec![
            "a",
            "b",
            "c",
            "d",
            "file",
            "up",
            "upup",
            "self",
            "top",
            "out",
            "in",
            "infile",
            "slash",
            "fileslash",
            "chain",
            "loop",
            "ping",
            "absolute",
            "proc",
            "dangling",
            "twice",
            "back",
            "..",
            ".",
            "",
            "nothing",
        ]);
        let path = prop::collection::vec(name, 1..6).prop_map(|names| names.join("/"));
        let flags = prop::sample::select(vec![
            OFlags::RDONLY,
            OFlags::RDONLY | OFlags::DIRECTORY,
            OFlags::PATH,
            OFlags::PATH | OFlags::NOFOLLOW,
            OFlags::PATH | OFlags::DIRECTORY,
        ]);
        let config = Config {
            cases: 4_000,
            failure_persistence: None,
            ..Config::default()
        };
        let result = TestRunner::new(config).run(&(path, flags), |(path, flags)| {
            // Paths of requests have no slash at either end, so such paths are not compared.
            prop_assume!(!path.ends_with('/'));
            let by_kernel = Resolver::Kernel.open(&root, path.as_bytes(), flags);
            let by_walk = Resolver::Walk.open(&root, path.as_bytes(), flags);
            prop_assert_eq!(outcome(by_walk), outcome(by_kernel), "{} {:?}", path, flags);
            Ok(())
        });
        result.unwrap();
    }

    #[test]
    fn links_are_followed_as_often_as_by_the_kernel() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("0"), "").unwrap();
        for number in 1..=41 {
            symlink(
                (number - 1).to_string(),
                home.path().join(number.to_string()),
            )
            .unwrap();
        }
        let root: OwnedFd = File::open(home.path()).unwrap().into();
        for number in [0, 1, 39, 40, 41] {
            let path = number.to_string();
            let [kernel, walk] = [Resolver::Kernel, Resolver::Walk]
                .map(|resolver| outcome(resolver.open(&root, path.as_bytes(), OFlags::RDONLY)));
            assert_eq!(walk, kernel, "{number}");
            assert_eq!(walk.is_ok(), number <= 40, "{number}");
        }
        assert_eq!(
            Resolver::Walk
                .open(&root, &[b'a'; 4096], OFlags::PATH)
                .unwrap_err(),
            Errno::NAMETOOLONG
        );
    }

    /// Another thread repeatedly exchanges a directory of the path for a symlink out of the root, and back.
    #[test]
    fn race_does_not_lead_out_of_the_root() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        fs::create_dir_all(root.join("way/on")).unwrap();
        fs::create_dir_all(home.path().join("outside/on")).unwrap();
        fs::write(root.join("way/on/file"), "inside").unwrap();
        fs::write(home.path().join("outside/on/file"), "OUTSIDE").unwrap();
        symlink("../outside", root.join("link")).unwrap();
        let opened: OwnedFd = File::open(&root).unwrap().into();
        let over = AtomicBool::new(false);
        let found: Vec<_> = thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    for (from, to) in [
                        ("way", "kept"),
                        ("link", "way"),
                        ("way", "link"),
                        ("kept", "way"),
                    ] {
                        fs::rename(root.join(from), root.join(to)).unwrap();
                    }
                }
            });
            let open = |_| {
                let file = Resolver::Walk.open(&opened, b"way/on/file", OFlags::RDONLY)?;
                io::read_to_string(File::from(file)).map_err(|_| Errno::IO)
            };
            let mut found: Vec<_> = (0..3_000).map(open).collect();
            // On a busy machine all attempts can fall into one pause of the other thread.
            while !found.contains(&Ok("inside".to_owned())) {
                thread::yield_now();
                found.push(open(0));
            }
            over.store(true, Ordering::Relaxed);
            found
        });
        for found in found {
            let is_right = match &found {
                Ok(text) => text == "inside",
                // NOTDIR: the directory became a symlink between the check and the open.
                Err(error) => matches!(*error, Errno::NOENT | Errno::NOTDIR | Errno::XDEV),
            };
            assert!(is_right, "{found:?}");
        }
    }
}
