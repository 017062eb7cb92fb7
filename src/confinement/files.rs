//! Files only where they are needed: Landlock (landlock(7)).
//!
//! A rule is for the directory or file that a path leads to at this moment, and for all that is below it. A directory
//! that is removed and made again is another one, of which the kernel knows no rule; so a caller that wants it to be
//! found names the directory that holds it.

use std::path::PathBuf;

use landlock::Access as _;
use landlock::{
    ABI, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

/// The newest version of Landlock whose restrictions are asked for.
const NEWEST: ABI = ABI::V6;

/// The first version that knows TCP.
const FIRST_WITH_NETWORK: i32 = 4;

/// The permitted operations at a path and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Files and directories are read.
    Read,
    /// Files and directories are read, written, made, renamed and removed.
    Write,
    /// Regular files are read, written, made, renamed in their directory, and removed.
    Append,
    /// Files are removed.
    Remove,
}

/// A path, and what may be done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// A directory or a file. One that does not exist is passed over.
    pub path: PathBuf,
    /// The permitted operations.
    pub access: FileAccess,
}

/// The restrictions by Landlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restricted {
    /// The kernel has no Landlock or the first version of it, or it is turned off.
    None,
    /// Files.
    Files { abi: i32 },
    /// Files and TCP.
    FilesAndNetwork { abi: i32 },
}

impl FileAccess {
    fn rights(self) -> BitFlags<AccessFs> {
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let append = read
            | AccessFs::WriteFile
            | AccessFs::Truncate
            | AccessFs::MakeReg
            | AccessFs::RemoveFile;
        match self {
            Self::Read => read,
            Self::Append => append,
            Self::Write => append | AccessFs::MakeDir | AccessFs::RemoveDir | AccessFs::Refer,
            Self::Remove => AccessFs::RemoveFile.into(),
        }
    }
}

/// Leaves the calling thread these files, and no way to connect by TCP or to bind a port.
pub(super) fn restrict(allowed: &[Allowed]) -> Result<Restricted, RulesetError> {
    let network = AccessNet::BindTcp | AccessNet::ConnectTcp;
    let mut rules = Ruleset::default()
        // Without it the kernel moves no file to another directory, which uploads need.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(network)?
        .scope(Scope::Signal)?
        .create()?;
    for Allowed { path, access } in allowed {
        let rule = PathFd::new(path).map(|fd| PathBeneath::new(fd, access.rights()));
        // Pipes and sockets have no rules and need none.
        let added = rule.map_err(|error| error.to_string()).and_then(|rule| {
            (&mut rules)
                .add_rule(rule)
                .map(drop)
                .map_err(|error| error.to_string())
        });
        if let Err(error) = added {
            log::debug!("no rule for {}: {error}", path.display());
        }
    }
    let status = rules.restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced,
            LandlockStatus::Available { effective_abi, .. },
        ) => {
            let abi = effective_abi as i32;
            if abi < FIRST_WITH_NETWORK {
                Restricted::Files { abi }
            } else {
                Restricted::FilesAndNetwork { abi }
            }
        }
        _ => Restricted::None,
    })
}
