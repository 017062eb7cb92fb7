//! The real server with disk failures, signals, kills and hostile peers.
//!
//! - `syscalls`, `syscalls_web`: each system call on the path of a request fails in turn (needs strace); `failing` has
//!   the types of their tables.
//! - `handshake`: the same for a TLS handshake. `carrier` sends the requests of a table with or without TLS.
//! - `files`: files that shrink, grow or vanish while they are sent; removal of the root and the log.
//! - `hanging`: a hanging disk (needs strace).
//! - `full`: full disks (needs the right to mount, in a namespace of its own).
//! - `killed`: `kill -9` in the middle of uploads.
//! - `mounts`: the process behind the file system of the root is killed (needs FUSE).
//! - `peers`: clients that behave in unusual ways.
//! - `root`: the directory that is served is removed, and made again.

mod carrier;
mod failing;
mod files;
mod fresh;
mod full;
#[cfg(feature = "tls")]
mod handshake;
mod hanging;
mod killed;
mod mounts;
mod peers;
mod root;
mod syscalls;
mod syscalls_web;
