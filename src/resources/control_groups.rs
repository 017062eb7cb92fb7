//! The limits of the control groups that the process is in, of version 1 and 2 (cgroups(7)): processor time and memory.
//!
//! A group is bound by those above it, too, as far as they can be seen. All paths are below a directory, which is `/`
//! but for tests.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The limits in force; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct GroupLimits {
    pub(super) quota: Option<Quota>,
    /// Bytes.
    pub(super) memory: Option<u64>,
}

/// So much processor time in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    pub(super) time: u64,
    /// Not 0.
    pub(super) period: u64,
}

/// A file system of control groups.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// The group that its top directory is.
    group: PathBuf,
    at: PathBuf,
    /// Those of version 1; version 2 has all in one.
    controllers: Option<Vec<String>>,
}

impl Quota {
    /// The processors that this time keeps busy; a part of one counts as one.
    pub(super) fn processors(self) -> NonZeroUsize {
        let processors = usize::try_from(self.time.div_ceil(self.period));
        NonZeroUsize::new(processors.unwrap_or(usize::MAX)).unwrap_or(NonZeroUsize::MIN)
    }

    /// The one with less time.
    fn or_less(self, other: Option<Self>) -> Self {
        let product = |one: Self, two: Self| u128::from(one.time) * u128::from(two.period);
        match other {
            Some(other) if product(other, self) < product(self, other) => other,
            _ => self,
        }
    }
}

impl fmt::Display for Quota {
    /// In processors, with two decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = u128::from(self.time) * 100 / u128::from(self.period);
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

impl GroupLimits {
    /// Reads what holds for this process.
    pub(super) fn read(top: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(top.join(path)).unwrap_or_default();
        let mountinfo = fs::read(top.join("proc/self/mountinfo")).unwrap_or_default();
        let mounts: Vec<_> = mountinfo
            .split(|&byte| byte == b'\n')
            .filter_map(mount)
            .collect();
        let mut limits = Self::default();
        for line in text("proc/self/cgroup").lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else {
                continue;
            };
            for mount in mounts.iter().filter(|mount| mount.has(controllers)) {
                for directory in mount.directories(Path::new(group)) {
                    limits.add(&top.join(directory.strip_prefix("/").unwrap_or(&directory)));
                }
            }
        }
        limits
    }

    /// Adds those of one group.
    fn add(&mut self, directory: &Path) {
        let text = |name: &str| fs::read_to_string(directory.join(name)).ok();
        let quota = text("cpu.max").and_then(|text| cpu_max(&text)).or_else(|| {
            let time = text("cpu.cfs_quota_us")?.trim().parse().ok()?;
            let period = text("cpu.cfs_period_us")?.trim().parse().ok()?;
            (period > 0).then_some(Quota { time, period })
        });
        if let Some(quota) = quota {
            self.quota = Some(quota.or_less(self.quota));
        }
        // From memory.high on the kernel slows the process down.
        for name in ["memory.max", "memory.high", "memory.limit_in_bytes"] {
            let limit = text(name).and_then(|text| text.trim().parse::<u64>().ok());
            if let Some(limit) = limit {
                self.memory = Some(self.memory.map_or(limit, |before| before.min(limit)));
            }
        }
    }
}

impl Mount {
    /// Whether it has the groups of a line of `/proc/self/cgroup` with these controllers.
    fn has(&self, controllers: &str) -> bool {
        match &self.controllers {
            None => controllers.is_empty(),
            Some(own) => controllers
                .split(',')
                .any(|one| own.iter().any(|own| own == one)),
        }
    }

    /// The directory of a group, and those above it.
    fn directories(&self, group: &Path) -> Vec<PathBuf> {
        // A group outside of what is mounted here may have any name: then the top is what can be seen of it.
        let below = group.strip_prefix(&self.group).unwrap_or(Path::new(""));
        let is_plain = below
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        let below = if is_plain { below } else { Path::new("") };
        below.ancestors().map(|part| self.at.join(part)).collect()
    }
}

/// A line of `/proc/self/mountinfo` (see `proc_pid_mountinfo(5)`); `None` if it is of another file system.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let group = path(fields.nth(3)?);
    let at = path(fields.next()?);
    let mut rest = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = rest.next()?;
    let options = rest.nth(1)?;
    let controllers = match kind {
        b"cgroup2" => None,
        b"cgroup" => {
            let options = String::from_utf8_lossy(options);
            Some(options.split(',').map(str::to_owned).collect())
        }
        _ => return None,
    };
    Some(Mount {
        group,
        at,
        controllers,
    })
}

/// A path in which space, tab, newline and backslash are in octal.
fn path(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    OsString::from_vec(bytes).into()
}

/// The content of `cpu.max`: `150000 100000`, or `max 100000`.
fn cpu_max(text: &str) -> Option<Quota> {
    let mut words = text.split_whitespace();
    let time = words.next()?.parse().ok()?;
    let period = words.next()?.parse().ok().filter(|&period| period > 0)?;
    Some(Quota { time, period })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits of a system with these files.
    fn limits(files: &[(&str, &str)]) -> GroupLimits {
        let top = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = top.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        GroupLimits::read(top.path())
    }

    /// The same as text: the quota in processors, and bytes of memory.
    fn said(files: &[(&str, &str)]) -> String {
        let found = limits(files);
        let quota = found
            .quota
            .map_or("none".to_owned(), |quota| quota.to_string());
        let memory = found
            .memory
            .map_or("none".to_owned(), |memory| memory.to_string());
        format!("{quota} {memory}")
    }

    const V2: (&str, &str) = (
        "proc/self/mountinfo",
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
    );

    #[test]
    fn limits_of_version_2_are_those_of_the_group_and_of_all_above_it() {
        let group = ("proc/self/cgroup", "0::/a.slice/b.service\n");
        let own = "sys/fs/cgroup/a.slice/b.service";
        let cpu = &format!("{own}/cpu.max");
        let memory = &format!("{own}/memory.max");
        let high = &format!("{own}/memory.high");
        let above = "sys/fs/cgroup/a.slice/cpu.max";
        for (files, expected) in [
            (&[][..], "none none"),
            (&[(&**cpu, "max 100000\n"), (memory, "max\n")], "none none"),
            (
                &[(cpu, "150000 100000\n"), (memory, "67108864\n")],
                "1.50 67108864",
            ),
            (
                &[(cpu, "150000 100000\n"), (above, "50000 100000\n")],
                "0.50 none",
            ),
            (
                &[(cpu, "50000 100000\n"), (above, "100000 50000\n")],
                "0.50 none",
            ),
            (&[(above, "300000 100000\n")], "3.00 none"),
            (&[(memory, "200\n"), (high, "100\n")], "none 100"),
            (&[(memory, "100\n"), (high, "max\n")], "none 100"),
            // Nonsense is no limit.
            (&[(cpu, "1 0\n"), (memory, "-5\n")], "none none"),
            (&[(cpu, ""), (memory, "")], "none none"),
        ] {
            let files = [&[V2, group], files].concat();
            assert_eq!(said(&files), expected, "{files:?}");
        }
    }

    #[test]
    fn limits_of_version_1_are_in_the_directories_of_their_controllers() {
        let mounts = (
            "proc/self/mountinfo",
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
             32 31 0:29 /docker/x /sys/fs/cgroup/cpu,cpuacct rw master:2 shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
             35 31 0:32 / /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        );
        let groups = (
            "proc/self/cgroup",
            "4:memory:/a/b\n3:cpu,cpuacct:/docker/x/y\n1:name=systemd:/\n0::/\n",
        );
        let quota = "sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_quota_us";
        let period = "sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_period_us";
        let above = "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us";
        let above_period = "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us";
        let memory = "sys/fs/cgroup/mem ory/a/b/memory.limit_in_bytes";
        let memory_above = "sys/fs/cgroup/mem ory/memory.limit_in_bytes";
        for (files, expected) in [
            (&[][..], "none none"),
            (&[(quota, "-1\n"), (period, "100000\n")], "none none"),
            (&[(quota, "250000\n"), (period, "100000\n")], "2.50 none"),
            (&[(quota, "250000\n")], "none none"),
            (
                &[
                    (quota, "-1\n"),
                    (period, "100000\n"),
                    (above, "100000\n"),
                    (above_period, "100000\n"),
                ],
                "1.00 none",
            ),
            (&[(memory, "67108864\n")], "none 67108864"),
            (
                &[(memory, "9223372036854771712\n"), (memory_above, "1000\n")],
                "none 1000",
            ),
        ] {
            let files = [&[mounts, groups], files].concat();
            assert_eq!(said(&files), expected, "{files:?}");
        }
    }

    #[test]
    fn group_outside_of_what_is_mounted_is_seen_from_the_top() {
        let top = ("sys/fs/cgroup/cpu.max", "100000 100000\n");
        for group in ["0::/../elsewhere\n", "0::/\n", "0::/absent/group\n"] {
            assert_eq!(said(&[V2, ("proc/self/cgroup", group), top]), "1.00 none");
        }
        let inner = (
            "proc/self/mountinfo",
            "30 22 0:26 /inner /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        );
        assert_eq!(
            said(&[inner, ("proc/self/cgroup", "0::/outer\n"), top]),
            "1.00 none"
        );
    }

    #[test]
    fn unreadable_value_is_not_a_limit() {
        assert_eq!(limits(&[]), GroupLimits::default());
        for text in [
            "",
            "\n",
            "x",
            "1:2",
            "0::",
            "30 22 - cgroup2",
            "- - - - - -",
        ] {
            let files = [("proc/self/mountinfo", text), ("proc/self/cgroup", text)];
            assert_eq!(limits(&files), GroupLimits::default(), "{text:?}");
        }
    }

    #[test]
    fn a_part_of_a_processor_counts_as_one() {
        for (time, period, expected) in [
            (1, 100_000, 1),
            (100_000, 100_000, 1),
            (100_001, 100_000, 2),
            (0, 1, 1),
            (u64::MAX, 1, usize::MAX),
        ] {
            let quota = Quota { time, period };
            assert_eq!(quota.processors().get(), expected, "{quota:?}");
        }
    }
}
