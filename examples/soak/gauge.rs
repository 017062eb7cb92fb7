//! The resources of a process at a moment, from proc(5).

use std::fmt;
use std::fs;
use std::io;

/// The resources of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) descriptors: usize,
    pub(crate) threads: u64,
    /// Bytes of memory.
    pub(crate) resident: u64,
}

impl Sample {
    /// The header of the lines of samples.
    pub(crate) const HEADING: &str = "descriptors threads resident KiB";

    /// Looks at a process.
    pub(crate) fn take(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let number = |field: &str| {
            status
                .lines()
                .find_map(|line| {
                    line.strip_prefix(field)?
                        .split_whitespace()
                        .next()?
                        .parse()
                        .ok()
                })
                .ok_or_else(|| io::Error::other(format!("no {field} in /proc/{pid}/status")))
        };
        Ok(Self {
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
            threads: number("Threads:")?,
            resident: number("VmRSS:")? * 1024,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kibibytes = self.resident / 1024;
        write!(
            f,
            "{:>11} {:>7} {kibibytes:>12}",
            self.descriptors, self.threads
        )
    }
}
