//! Opening what lies beneath the root.
//!
//! The kernel decides what does, in one call: openat2(2) with `RESOLVE_BENEATH`. Where that call is missing (valgrind,
//! some sandboxes, Linux before 5.6), a walk takes its place, which gives the same results with more calls: one name
//! after the other is opened in the directory before it, never through a symlink. What a symlink leads to is read and
//! walked in turn, and an absolute target leads out. For `..` the walk goes down again from the root, to the directory
//! before the last: all names by which it came are those of real directories, so a directory that is
//! moved meanwhile cannot make `..` lead elsewhere. It holds two descriptors, however long the path is.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, readlinkat};
use rustix::io::{Errno, retry_on_intr};

use crate::operations::operate;

/// How often the kernel is asked again if a directory was renamed while it walked the path (EAGAIN of openat2(2)).
const ATTEMPTS: usize = 4;

/// Symlinks on the way, as many as the kernel follows (`path_resolution(7)`).
const LINKS: usize = 40;

/// Names that a walk opens at most, those that it opens again among them.
const STEPS: usize = 100_000;

/// Bytes of a path, with the NUL that ends it.
const PATH_MAX: usize = 4096;

/// How paths are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolver {
    /// By openat2(2).
    Kernel,
    /// By a walk.
    Walk,
}

impl Resolver {
    /// What there is on this system, found out with an open directory.
    pub(super) fn detect(directory: &OwnedFd) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH;
        match retry_on_intr(|| openat2(directory, ".", flags, Mode::empty(), resolve)) {
            Ok(_) => Ok(Self::Kernel),
            // Some sandboxes forbid what they do not know.
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

    /// Opens what is at `path` below `root`.
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
    /// The directory that it is in; `None` is the root.
    here: Option<OwnedFd>,
    /// The names of the directories on the way to it.
    walked: Vec<Box<[u8]>>,
    /// The names that are left, the next one last.
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

    /// Puts a path before the names that are left.
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

    /// Goes to the directory above: from the root, by the names that led here.
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

    /// Goes on where the symlink `name` leads; `error` if it is none.
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

    /// Opens a name in the directory that the walk is in, but not what a symlink leads to.
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

    /// A root in which most ways lead somewhere, and out; beside it a directory with a file of its own.
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
            // Requests have no slash at either end, and what a slash at the end asks for is another question.
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

    /// A directory on the way is exchanged for a symlink that leads out, and back, all the time.
    #[test]
    fn a_race_leads_nowhere_else() {
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
            // On a busy machine all of these can fall into one pause of the other thread.
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
                // NOTDIR: the directory had become a symlink between the look at it and the open.
                Err(error) => matches!(*error, Errno::NOENT | Errno::NOTDIR | Errno::XDEV),
            };
            assert!(is_right, "{found:?}");
        }
    }
}
