//! The state of a sealing key on disk. It is at most a second behind the seal.
//!
//! A thread of its own replaces the file, so that no worker waits for it. The old key is overwritten before its file is
//! removed; a file system may still keep a copy elsewhere on the disk.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, fsync, openat, renameat};

use super::error::LogError;
use super::location::Location;
use super::space_file::SpaceFile;
use crate::seal::state::SealState;
use crate::sync::lock;

/// The time by which the state may be behind the seal.
const BEHIND: Duration = Duration::from_secs(1);

/// The most bytes that are read of a state file; a state is far shorter.
const MOST: u64 = 4 * 1024;

/// See the module's description.
pub(super) struct KeyKeeper {
    shared: Arc<KeyFile>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct KeyFile {
    /// The path as the user typed it.
    path: PathBuf,
    location: Location,
    /// Guards the newest state.
    latest: Mutex<Latest>,
    changed: Condvar,
    /// Held while the file is replaced; the file that is there now.
    current: Mutex<File>,
}

struct Latest {
    state: SealState,
    /// The file that is synced before the state: a state is never ahead of its seal.
    seal: Option<Arc<SpaceFile>>,
    is_written: bool,
    is_stopping: bool,
    has_failed: bool,
}

impl KeyKeeper {
    /// Reads the state at `path`, and keeps it up to date from [`KeyKeeper::start`] on.
    ///
    /// # Errors
    /// `State` if there is none, or it cannot be replaced.
    pub(super) fn open(path: &Path) -> Result<(Self, SealState), LogError> {
        let failed = |source: io::Error| LogError::State {
            path: path.to_path_buf(),
            reason: source.to_string(),
        };
        let location = Location::resolve(path)?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(location.directory(), location.name(), flags, Mode::empty());
        let file = File::from(file.map_err(|error| failed(error.into()))?);
        let mut text = String::new();
        let read = (&file).take(MOST).read_to_string(&mut text);
        read.map_err(failed)?;
        let state = SealState::parse(&text).map_err(|error| LogError::State {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        let shared = Arc::new(KeyFile {
            path: path.to_path_buf(),
            location,
            latest: Mutex::new(Latest {
                state: state.clone(),
                seal: None,
                is_written: true,
                is_stopping: false,
                has_failed: false,
            }),
            changed: Condvar::new(),
            current: Mutex::new(file),
        });
        let thread = Mutex::new(None);
        Ok((Self { shared, thread }, state))
    }

    /// Starts the thread, once.
    ///
    /// # Errors
    /// From `pthread_create(3)`.
    pub(super) fn start(&self) -> io::Result<()> {
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let builder = thread::Builder::new().name("seal-key".to_owned());
            *thread = Some(builder.spawn(move || shared.follow())?);
        }
        Ok(())
    }

    /// The path of the state.
    pub(super) fn location(&self) -> &Location {
        &self.shared.location
    }

    /// Reports the newest state of the seal in this file.
    pub(super) fn note(&self, state: SealState, seal: &Arc<SpaceFile>) {
        let mut latest = lock(&self.shared.latest);
        latest.state = state;
        if latest
            .seal
            .as_ref()
            .is_none_or(|known| !Arc::ptr_eq(known, seal))
        {
            latest.seal = Some(Arc::clone(seal));
        }
        if std::mem::replace(&mut latest.is_written, false) {
            self.shared.changed.notify_one();
        }
    }

    /// Returns when the newest state is on stable storage, or cannot be written.
    pub(super) fn write(&self) {
        self.shared.write_latest();
    }
}

impl Drop for KeyKeeper {
    fn drop(&mut self) {
        lock(&self.shared.latest).is_stopping = true;
        self.shared.changed.notify_one();
        if let Some(thread) = lock(&self.thread).take() {
            // If the thread panicked, it has reported why.
            let _ = thread.join();
        } else {
            self.shared.write_latest();
        }
    }
}

impl KeyFile {
    fn follow(&self) {
        let mut latest = lock(&self.latest);
        loop {
            while latest.is_written && !latest.is_stopping {
                latest = self
                    .changed
                    .wait(latest)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let is_stopping = latest.is_stopping;
            drop(latest);
            self.write_latest();
            if is_stopping {
                return;
            }
            latest = lock(&self.latest);
            let pause = self
                .changed
                .wait_timeout_while(latest, BEHIND, |latest| !latest.is_stopping);
            (latest, _) = pause.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn write_latest(&self) {
        let mut current = lock(&self.current);
        let mut latest = lock(&self.latest);
        if std::mem::replace(&mut latest.is_written, true) {
            return;
        }
        let (state, seal) = (latest.state.clone(), latest.seal.clone());
        drop(latest);
        let written = seal
            .map_or(Ok(()), |seal| seal.sync())
            .and_then(|()| self.replace(&mut current, &state));
        let mut latest = lock(&self.latest);
        match written {
            Ok(()) => latest.has_failed = false,
            Err(error) => {
                latest.is_written = false;
                if !std::mem::replace(&mut latest.has_failed, true) {
                    log::error!(
                        "{}: the key of the seal is not replaced from here on: {error}",
                        self.path.display()
                    );
                }
            }
        }
    }

    fn replace(&self, current: &mut File, state: &SealState) -> io::Result<()> {
        let directory = self.location.directory();
        let new_name = self.location.name_with("new");
        let flags = OFlags::WRONLY
            | OFlags::CREATE
            | OFlags::TRUNC
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let new = openat(
            directory,
            new_name.as_slice(),
            flags,
            Mode::RUSR | Mode::WUSR,
        )?;
        let mut new = File::from(new);
        new.write_all(state.to_text().as_bytes())?;
        new.sync_all()?;
        renameat(
            directory,
            new_name.as_slice(),
            directory,
            self.location.name(),
        )?;
        sync_directory(directory)?;
        let old = std::mem::replace(current, new);
        // Overwrites the old key, after the new file is durable.
        let length = usize::try_from(old.metadata()?.len()).unwrap_or_default();
        old.write_all_at(&vec![0; length.min(4096)], 0)?;
        old.sync_data()
    }
}

fn sync_directory(directory: impl AsFd) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(directory, ".", flags, Mode::empty())?;
    Ok(fsync(&directory)?)
}
