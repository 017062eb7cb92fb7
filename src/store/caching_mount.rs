//! Mounts with a cache of their own, which may show old content after another machine has changed a file.
//!
//! This module finds such a mount, and names the mount options to check: a program can seldom read them. It changes nothing
//! in the store.

use std::fmt;
use std::fs;

use rustix::fs::FsWord;

use super::file_system::{CIFS, FUSE, NFS, SMB2, V9FS};
use super::state::Store;

/// The mounts of this process, one a line (`proc_pid_mountinfo(5)`).
const MOUNTS: &str = "/proc/self/mountinfo";

/// A mount of the root that may show old content for a while after another machine has changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachingMount {
    /// Its type as in the table of mounts: `fuse.glusterfs`, `nfs4`.
    file_system: String,
    advice: Advice,
}

/// The options to check, by file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advice {
    Gluster,
    Fuse,
    Nfs,
    Smb,
    Plan9,
}

impl Store {
    /// The mount of the root, if it may show old content for a while after another machine has changed a file. This depends
    /// on mount options, which a program cannot read on all file systems.
    #[must_use]
    pub fn caching_mount(&self) -> Option<CachingMount> {
        let root = self.root.get();
        let mounts = fs::read_to_string(MOUNTS).unwrap_or_default();
        CachingMount::of(root.file_system, type_of_mount(&mounts, root.mount))
    }
}

impl CachingMount {
    /// The mount of a file system of this type, as statfs(2) has it, with this name in the table of mounts.
    ///
    /// Ceph, GFS2, Lustre and OCFS2 keep the caches of their clients coherent, and are left out.
    fn of(type_: FsWord, name: Option<&str>) -> Option<Self> {
        let (advice, usual_name) = match type_ {
            FUSE if name == Some("fuse.glusterfs") => (Advice::Gluster, "fuse.glusterfs"),
            FUSE => (Advice::Fuse, "fuse"),
            NFS => (Advice::Nfs, "nfs"),
            CIFS | SMB2 => (Advice::Smb, "cifs"),
            V9FS => (Advice::Plan9, "9p"),
            _ => return None,
        };
        Some(Self {
            file_system: name.unwrap_or(usual_name).to_owned(),
            advice,
        })
    }
}

impl fmt::Display for CachingMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let check = match self.advice {
            Advice::Gluster => {
                "check that it is mounted with attribute-timeout=0, entry-timeout=0, negative-timeout=0 and \
                 fopen-keep-cache=off, and that performance.stat-prefetch is off for the volume"
            }
            Advice::Fuse => {
                "check that it is mounted with attr_timeout=0, entry_timeout=0 and negative_timeout=0, and without \
                 kernel_cache, if it has these options"
            }
            Advice::Nfs => "check that it is mounted with actimeo=0 and lookupcache=none",
            Advice::Smb => "check that it is mounted with actimeo=0 and cache=none",
            Advice::Plan9 => "check that it is mounted with cache=none",
        };
        let file_system = self.file_system.escape_debug();
        write!(
            f,
            "{file_system}, which may show for a while what others have changed since: {check}"
        )
    }
}

/// The type of the mount with this number in a table of mounts: the field after the hyphen.
fn type_of_mount(mounts: &str, number: u64) -> Option<&str> {
    let number = number.to_string();
    let mut lines = mounts.lines();
    let line = lines.find(|line| line.split(' ').next() == Some(&number))?;
    line.split_once(" - ")?.1.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_that_may_be_stale_are_named_with_what_to_check() {
        let mounts = "21 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
                      31 21 0:44 / /srv/a\\040b rw shared:9 master:1 - fuse.glusterfs host:v rw,user_id=0\n\
                      1 21 0:45 / /srv/n rw - nfs4 host:/n rw,vers=4.2\n";
        for (type_, number, expected) in [
            (
                FUSE,
                31,
                Some(("fuse.glusterfs", "performance.stat-prefetch is off")),
            ),
            (FUSE, 99, Some(("fuse", "attr_timeout=0"))),
            (NFS, 1, Some(("nfs4", "lookupcache=none"))),
            (NFS, 99, Some(("nfs", "actimeo=0"))),
            (SMB2, 99, Some(("cifs", "cache=none"))),
            (V9FS, 99, Some(("9p", "cache=none"))),
            // ext4
            (0xEF53, 21, None),
            // tmpfs
            (0x0102_1994, 21, None),
        ] {
            let found = CachingMount::of(type_, type_of_mount(mounts, number));
            assert_eq!(found.is_some(), expected.is_some(), "{type_:x}");
            if let (Some(mount), Some((name, option))) = (found, expected) {
                let text = mount.to_string();
                assert!(text.starts_with(&format!("{name}, ")), "{text}");
                assert!(text.contains(option), "{text}");
            }
        }
    }
}
