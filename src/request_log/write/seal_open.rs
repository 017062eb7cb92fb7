//! Opens a sealed log: a new one, the old one continued, or the next one after a rotation.
//!
//! Log and seal are always opened, renamed and continued together.

use std::sync::Arc;

use super::error::LogError;
use super::keep::{KeepOutcome, keep};
use super::location::Location;
use super::open::{Mode, cannot_open};
use super::seal_pair::{Pair, length, name_of, seal_failed, seal_of};
use super::sealer::Sealer;
use super::space::LogFile;
use crate::seal::state::SealState;

impl Sealer {
    /// Opens the log at this location with its seal.
    ///
    /// # Errors
    /// See [`LogError`].
    pub(super) fn start(
        &self,
        location: &Location,
        mode: Mode,
        state: Option<SealState>,
    ) -> Result<Arc<LogFile>, LogError> {
        let seal_location = seal_of(location);
        let pair = Pair::open(location, &seal_location)?;
        let failed = |error| cannot_open(location, error);
        let found = pair.log.metadata().map_err(failed)?;
        if mode == Mode::Append || found.len() == 0 {
            return self.resume(pair, location, state);
        }
        let changed = found.modified().map_err(failed)?;
        let is_sealed = length(&pair.seal).map_err(seal_failed(&seal_location))? > 0;
        let both = [location, &seal_location];
        let kept = if is_sealed { &both[..] } else { &both[..1] };
        if keep(kept, changed)? == KeepOutcome::Mounted {
            return self.resume(pair, location, state);
        }
        let name = name_of(location);
        let chain_end = self.finish(pair.seal, &seal_location, state, &name)?;
        let file = self.new_file(Pair::open(location, &seal_location)?, location)?;
        file.begin_seal(chain_end, &name)
            .map_err(seal_failed(&seal_location))?;
        self.write_key();
        Ok(file)
    }

    /// Switches to the files that are at this location now, once both names have moved.
    ///
    /// # Errors
    /// See [`LogError`]; the old files then stay in use.
    pub(super) fn rotate(
        &self,
        location: &Location,
        current: &Arc<LogFile>,
    ) -> Result<Rotation, LogError> {
        let seal_location = seal_of(location);
        let is_seal = |identity| seal_location.is_file(identity);
        match (
            location.is_file(current.identity()),
            current.seal_identity().is_some_and(is_seal),
        ) {
            (true, true) => return Ok(Rotation::Unmoved),
            (true, false) => return Ok(Rotation::Half("the seal")),
            (false, true) => return Ok(Rotation::Half("the log")),
            (false, false) => {}
        }
        let pair = Pair::open(location, &seal_location)?;
        if length(&pair.seal).map_err(seal_failed(&seal_location))? > 0 {
            return Err(LogError::Seal {
                path: seal_location.path().to_path_buf(),
                reason: "it is the seal of another log".to_owned(),
            });
        }
        let file = self.new_file(pair, location)?;
        let succeeded = current.succeed(&file, &name_of(location));
        succeeded.map_err(|source| LogError::Space {
            path: location.path().to_path_buf(),
            source,
        })?;
        self.write_key();
        Ok(Rotation::Moved(file))
    }
}

/// The result of a rotation.
pub(super) enum Rotation {
    /// Neither file was renamed.
    Unmoved,
    /// Only this file was renamed.
    Half(&'static str),
    /// Both were renamed, and the log continues here.
    Moved(Arc<LogFile>),
}
