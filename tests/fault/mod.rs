//! What a disk, a signal, a kill or a hostile peer does to the real server, and what it must not do.
//!
//! - `syscalls`, `syscalls_web`: each system call on the path of a request fails in turn (needs strace).
//! - `files`: files that shrink, grow or vanish while they are sent; the root and the log removed.
//! - `hanging`: a disk that does not answer (needs strace).
//! - `full`: full disks (needs the right to mount, in a namespace of its own).
//! - `killed`: `kill -9` in the middle of uploads.
//! - `peers`: clients that break every habit.

mod client;
mod files;
mod fresh;
mod full;
mod hanging;
mod killed;
mod peers;
mod server;
mod syscalls;
mod syscalls_web;

/// `length` bytes that tell which upload they belong to.
fn content(tag: u64, length: usize) -> Vec<u8> {
    let mut state = tag.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// The name of 27 characters that belongs to a number.
fn name(number: u64) -> String {
    format!("{number:027}")
}
