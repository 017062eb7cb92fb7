//! Secrets: random bytes, and files that only their owner can read.

use crate::failure::Failure;
use crate::text;
use rustix::rand::{GetRandomFlags, getrandom};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Random bytes from the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    // getrandom(2) returns this few bytes in one call.
    getrandom(&mut bytes[..], GetRandomFlags::empty())
        .map_err(|error| Failure::file("getrandom")(error.into()))?;
    Ok(bytes)
}

/// Writes a new file.
pub(crate) fn write_new(path: &Path, content: &str) -> Result<(), Failure> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = made.map_err(|error| match error.kind() {
        // The key of a seal or of checkpoints would be lost.
        io::ErrorKind::AlreadyExists => Failure::KeyExists {
            path: text::path(path),
        },
        _ => Failure::file(path)(error),
    })?;
    file.write_all(content.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(Failure::file(path))
}
