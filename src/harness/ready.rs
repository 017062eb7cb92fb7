//! The report of readiness, and the descriptor for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::time::SystemTime;

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::Serialize;

use super::state_file::{json_line, stamp};

/// The report of readiness.
#[derive(Debug, Serialize)]
pub(super) struct Ready<'r> {
    pid: u32,
    /// As in the lines `listening on …`.
    addresses: &'r [String],
    started: String,
    version: &'static str,
}

impl<'r> Ready<'r> {
    pub(super) fn new(addresses: &'r [String], started: SystemTime) -> Self {
        Self {
            pid: std::process::id(),
            addresses,
            started: stamp(started),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    pub(super) fn line(&self) -> Vec<u8> {
        json_line(self)
    }
}

/// An inherited descriptor. It is closed after the line is written, so that its reader gets the end of file.
#[derive(Debug)]
pub(super) struct ReadyDescriptor {
    number: u32,
    /// The same pipe or file, opened once more.
    opened: File,
}

impl ReadyDescriptor {
    /// Takes it over.
    ///
    /// # Errors
    /// `NotFound` if it is not open; EBADF if it is open for reading only; ENXIO if it is a socket.
    pub(super) fn take(number: u32) -> io::Result<Self> {
        // Opening the file again could permit writing although the descriptor does not.
        if !is_open_for_writing(number)? {
            return Err(Errno::BADF.into());
        }
        let path = format!("/proc/self/fd/{number}");
        // A file that is not at its beginning keeps its contents.
        let opened = OpenOptions::new().append(true).open(path)?;
        Ok(Self { number, opened })
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Writes the line, and closes the descriptor.
    pub(super) fn write(mut self, line: &[u8]) -> io::Result<()> {
        let written = self.opened.write_all(line);
        drop(self.opened);
        let number = i32::try_from(self.number).map_err(io::Error::other)?;
        nix::unistd::close(number)?;
        written
    }
}

/// Whether the descriptor is open for writing, by its flags in `/proc/self/fdinfo` (proc(5)).
fn is_open_for_writing(number: u32) -> io::Result<bool> {
    let information = fs::read_to_string(format!("/proc/self/fdinfo/{number}"))?;
    let flags = information
        .lines()
        .find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    let flags = OFlags::from_bits_retain(flags.unwrap_or_default());
    Ok(flags.intersects(OFlags::WRONLY | OFlags::RDWR))
}
