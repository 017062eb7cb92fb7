//! The sealer of a server's logs: it creates log files with seals, and has the key. `seal_open` opens the files, and
//! `seal_resume` continues old ones.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::LogError;
use super::location::Location;
use super::recover::recover;
use super::seal_file::{ChainEnd, SealFile};
use super::seal_key::KeyKeeper;
use super::seal_lines::SealLines;
use super::seal_pair::Pair;
use super::space::{LogFile, RESERVED_FOR_LINES};
use super::space_file::{Area, SpaceFile};
use crate::seal::clock::Clock;
use crate::seal::state::{SealState, Tip};
use crate::server_id::ServerId;

/// The settings of sealing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sealing {
    /// The state of the sealing key, if there is one.
    pub key_state: Option<PathBuf>,
    /// The name of the server, if it has one.
    pub server: Option<ServerId>,
}

/// The position at which a log and its seal are continued.
pub(super) struct Continued {
    pub(super) log_end: u64,
    pub(super) seal_end: u64,
    pub(super) chain_end: ChainEnd,
    /// The number of the last entry.
    pub(super) last_entry: u64,
    pub(super) clock: Clock,
}

/// The sealer of a server's logs.
pub(super) struct Sealer {
    keeper: Option<Arc<KeyKeeper>>,
    server: Option<ServerId>,
}

impl Sealer {
    /// Reads the key, if there is one.
    ///
    /// # Errors
    /// `State` if it cannot be used.
    pub(super) fn open(sealing: &Sealing) -> Result<(Self, Option<SealState>), LogError> {
        let opened = sealing
            .key_state
            .as_deref()
            .map(KeyKeeper::open)
            .transpose()?;
        let (keeper, state) = opened.unzip();
        let keeper = keeper.map(Arc::new);
        let server = sealing.server.clone();
        Ok((Self { keeper, server }, state))
    }

    /// The name of the server, if it has one.
    pub(super) fn server(&self) -> Option<&str> {
        self.server.as_ref().map(ServerId::as_str)
    }

    /// The keeper of the key.
    pub(super) fn keeper(&self) -> Option<&KeyKeeper> {
        self.keeper.as_deref()
    }

    /// Writes the state of the key to the disk.
    pub(super) fn write_key(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.write();
        }
    }

    /// A log with a seal that is not begun yet.
    pub(super) fn new_file(
        &self,
        pair: Pair,
        location: &Location,
    ) -> Result<Arc<LogFile>, LogError> {
        let continued = Continued {
            log_end: recover(&pair.log, location)?,
            seal_end: 0,
            chain_end: ChainEnd {
                tip: Tip::none(0),
                key: None,
            },
            last_entry: 0,
            clock: Clock::default(),
        };
        self.log_file(pair, location, continued)
    }

    /// A log and its seal that continue from here.
    pub(super) fn log_file(
        &self,
        pair: Pair,
        location: &Location,
        continued: Continued,
    ) -> Result<Arc<LogFile>, LogError> {
        let failed = |source| LogError::Space {
            path: location.path().to_path_buf(),
            source,
        };
        let Continued {
            log_end,
            seal_end,
            chain_end,
            last_entry,
            clock,
        } = continued;
        let seal = self
            .seal_file(pair.seal, seal_end, chain_end)
            .map_err(failed)?;
        let area = Area::new(seal_end, RESERVED_FOR_LINES);
        let lines = SealLines::new(area, last_entry, clock);
        let file = LogFile::new(pair.log, log_end, Some((seal, lines)));
        file.map(Arc::new).map_err(failed)
    }

    /// A seal that continues after byte `end`.
    ///
    /// # Errors
    /// From fstat(2).
    pub(super) fn seal_file(
        &self,
        file: File,
        end: u64,
        chain_end: ChainEnd,
    ) -> io::Result<SealFile> {
        let file = Arc::new(SpaceFile::new(file)?);
        let (keeper, server) = (self.keeper.clone(), self.server.clone());
        Ok(SealFile::new(file, end, chain_end, keeper, server))
    }
}
