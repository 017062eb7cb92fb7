//! The resources that the process may use: processors and memory, by its affinity and by its control groups
//! (cgroups(7)), as they are at the start.
//!
//! In a container, a program that counts processors sees those of the whole machine. This room does not know what the
//! numbers are used for.

mod control_groups;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use rustix::system::sysinfo;
use rustix::thread::sched_getaffinity;

use self::control_groups::{GroupLimits, Quota};

/// The resources that the process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Processors at a time. A part of one counts as one.
    pub processors: NonZeroUsize,
    /// Bytes of memory: those of the control group, or of the machine.
    pub memory: u64,
    quota: Option<Quota>,
    is_memory_limited: bool,
}

impl Resources {
    /// Finds out what the process may use. What cannot be found out counts as unlimited.
    #[must_use]
    pub fn find() -> Self {
        let machine = sysinfo();
        let memory = machine.totalram.saturating_mul(u64::from(machine.mem_unit));
        Self::within(&GroupLimits::read(Path::new("/")), affinity(), memory)
    }

    /// The same with this number of processors, if it is given.
    #[must_use]
    pub fn with_processors(self, processors: Option<NonZeroUsize>) -> Self {
        let Some(processors) = processors else {
            return self;
        };
        Self {
            processors,
            quota: None,
            ..self
        }
    }

    /// The part of these processors and this memory that the process may use.
    fn within(limits: &GroupLimits, processors: NonZeroUsize, memory: u64) -> Self {
        let quota = limits.quota.filter(|quota| quota.processors() < processors);
        let limit = limits.memory.filter(|&limit| limit < memory);
        Self {
            processors: quota.map_or(processors, Quota::processors),
            memory: limit.unwrap_or(memory),
            quota,
            is_memory_limited: limit.is_some(),
        }
    }
}

/// The processors that the calling thread may run on.
fn affinity() -> NonZeroUsize {
    let by_affinity = sched_getaffinity(None).ok();
    let by_affinity = by_affinity.and_then(|set| NonZeroUsize::new(set.count().try_into().ok()?));
    // There may be more than such a set has room for.
    by_affinity
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}

impl fmt::Display for Resources {
    /// `2 processors (quota 1.50), 512 MiB of memory (limit of the control group)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.processors.get() == 1 { "" } else { "s" };
        write!(f, "{} processor{plural}", self.processors)?;
        if let Some(quota) = self.quota {
            write!(f, " (quota {quota})")?;
        }
        write!(f, ", {} MiB of memory", self.memory >> 20)?;
        if self.is_memory_limited {
            f.write_str(" (limit of the control group)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_of_machine_and_control_group_counts() {
        let quota = |time, period| Some(Quota { time, period });
        for (limits, processors, line) in [
            (
                GroupLimits::default(),
                8,
                "8 processors, 4096 MiB of memory",
            ),
            (
                GroupLimits {
                    quota: quota(150, 100),
                    memory: Some(64 << 20),
                },
                2,
                "2 processors (quota 1.50), 64 MiB of memory (limit of the control group)",
            ),
            (
                GroupLimits {
                    quota: quota(1, 100),
                    memory: Some(1 << 40),
                },
                1,
                "1 processor (quota 0.01), 4096 MiB of memory",
            ),
            (
                GroupLimits {
                    quota: quota(900, 100),
                    memory: None,
                },
                8,
                "8 processors, 4096 MiB of memory",
            ),
        ] {
            let eight = NonZeroUsize::new(8).unwrap();
            let found = Resources::within(&limits, eight, 4 << 30);
            assert_eq!(found.processors.get(), processors, "{line}");
            assert_eq!(found.to_string(), line);
        }
    }

    #[test]
    fn given_number_of_processors_replaces_quota_and_affinity() {
        let limits = GroupLimits {
            quota: Some(Quota {
                time: 150,
                period: 100,
            }),
            memory: Some(64 << 20),
        };
        let eight = NonZeroUsize::new(8).unwrap();
        let found = Resources::within(&limits, eight, 4 << 30);
        assert_eq!(found.with_processors(None), found);
        assert_eq!(
            found.with_processors(Some(eight)).to_string(),
            "8 processors, 64 MiB of memory (limit of the control group)"
        );
    }

    #[test]
    fn this_machine_has_processors_and_memory() {
        let found = Resources::find();
        assert!(found.memory > 0);
        assert!(found.processors <= affinity());
    }
}
