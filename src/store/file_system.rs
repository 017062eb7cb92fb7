//! Properties of a file system by its type (statfs(2)). `unnamed` tries the others.

use std::os::fd::OwnedFd;

use rustix::fs::{FsWord, fstatfs};

const TMPFS: FsWord = 0x0102_1994;
/// Every file system in user space.
pub(super) const FUSE: FsWord = 0x6573_5546;
pub(super) const NFS: FsWord = 0x6969;
pub(super) const CIFS: FsWord = 0xFF53_4D42;
/// The SMB client of Linux since SMB 2.
pub(super) const SMB2: FsWord = 0xFE53_4D42;
/// 9P.
pub(super) const V9FS: FsWord = 0x0102_1997;

/// Whether the storage of a file system of this type is another process or machine, so that it can be lost.
pub(super) fn is_remote(type_: FsWord) -> bool {
    const CEPH: FsWord = 0x00C3_6400;
    const AFS: FsWord = 0x5346_414F;
    const LUSTRE: FsWord = 0x0BD0_0BD0;
    matches!(type_, FUSE | NFS | CIFS | SMB2 | V9FS | CEPH | AFS | LUSTRE)
}

/// Whether all servers see the locks on a directory of this file system. Over a network or FUSE, such locks are local
/// to the kernel of the mount.
pub(super) fn has_common_locks(directory: &OwnedFd) -> bool {
    const EXT4: FsWord = 0xEF53;
    const BTRFS: FsWord = 0x9123_683E;
    const XFS: FsWord = 0x5846_5342;
    const F2FS: FsWord = 0xF2F5_2010;
    const ZFS: FsWord = 0x2FC1_2FC1;
    const VFAT: FsWord = 0x4D44;
    const OVERLAYFS: FsWord = 0x794C_7630;
    matches!(
        kind(directory),
        Some(EXT4 | BTRFS | XFS | TMPFS | F2FS | ZFS | VFAT | OVERLAYFS)
    )
}

/// Whether its files are in memory.
pub(super) fn is_tmpfs(directory: &OwnedFd) -> bool {
    kind(directory) == Some(TMPFS)
}

fn kind(directory: &OwnedFd) -> Option<FsWord> {
    fstatfs(directory).ok().map(|found| found.f_type)
}
