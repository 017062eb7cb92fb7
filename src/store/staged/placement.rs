//! Gives a staged file its name: a free one, or that of a file, which it replaces.

use rustix::fs::renameat;
use rustix::io::Errno;

use super::{Staged, StagedName, StagingLock};
use crate::operations::operate_once;
use crate::store::error::StoreErrorKind;
use crate::store::metadata::Metadata;
use crate::store::staging::StagingName;
use crate::store::sys::rename_new;
use crate::store::unnamed::LinkWay;

impl Staged {
    /// Gives it a free name.
    ///
    /// # Errors
    /// `ConditionFailed` if something has the name.
    pub(in crate::store) fn create(
        &mut self,
        name: &[u8],
        staging_name: impl Fn() -> StagingName,
    ) -> Result<(), StoreErrorKind> {
        match self.name {
            StagedName::None(link) => match link.link(&self.file, &self.directory, name) {
                Err(Errno::EXIST) => return Err(StoreErrorKind::ConditionFailed),
                linked => linked.map_err(StoreErrorKind::in_placement)?,
            },
            StagedName::Staging(staging, StagingLock::Held) => {
                rename_new(&self.directory, staging.as_bytes(), name)?;
            }
            StagedName::Staging(staging, StagingLock::Omitted) => {
                match rename_new(&self.directory, staging.as_bytes(), name) {
                    Err(StoreErrorKind::Vanished) => {
                        self.make_again(&staging_name)?;
                        return self.create(name, staging_name);
                    }
                    renamed => renamed?,
                }
            }
            StagedName::Final => {}
        }
        self.name = StagedName::Final;
        Ok(())
    }

    /// Gives it this name, and replaces any file that has it; `found` had the name at the last check.
    pub(in crate::store) fn put(
        &mut self,
        name: &[u8],
        found: Option<&Metadata>,
        staging_name: impl Fn() -> StagingName,
    ) -> Result<(), StoreErrorKind> {
        if let (StagedName::None(_), None) = (self.name, found) {
            match self.create(name, &staging_name) {
                Err(StoreErrorKind::ConditionFailed) => {}
                created => return created,
            }
        }
        self.replace(name, staging_name)
    }

    fn replace(
        &mut self,
        name: &[u8],
        staging_name: impl Fn() -> StagingName,
    ) -> Result<(), StoreErrorKind> {
        let (staging, lock) = match self.name {
            StagedName::None(link) => (self.link_to_any(link, &staging_name)?, StagingLock::Held),
            StagedName::Staging(staging, lock) => (staging, lock),
            StagedName::Final => return Ok(()),
        };
        let from = staging.as_bytes();
        match operate_once(|| renameat(&self.directory, from, &self.directory, name)) {
            Err(Errno::NOENT) if lock == StagingLock::Omitted => {
                self.make_again(&staging_name)?;
                return self.replace(name, staging_name);
            }
            renamed => renamed.map_err(StoreErrorKind::in_placement)?,
        }
        self.name = StagedName::Final;
        Ok(())
    }

    /// Gives it a staging name that is free.
    fn link_to_any(
        &mut self,
        link: LinkWay,
        staging_name: impl Fn() -> StagingName,
    ) -> Result<StagingName, StoreErrorKind> {
        loop {
            let staging = staging_name();
            match link.link(&self.file, &self.directory, staging.as_bytes()) {
                Err(Errno::EXIST) => {}
                linked => {
                    linked.map_err(StoreErrorKind::in_directory)?;
                    self.name = StagedName::Staging(staging, StagingLock::Held);
                    return Ok(staging);
                }
            }
        }
    }
}
