//! An upload into the store and the log, for any dialect.
//!
//! 1. Content is staged as it arrives; an upload that arrives complete with its head is staged in one write.
//! 2. Space for its entry is reserved in the log: without it the upload is refused, and nothing has changed.
//! 3. The file is linked or renamed into place, and its entry gets its place in the log at the same instant.
//! 4. The rows of its entry are written, a portion at a time and outside every lock. Then the response can be sent.
//!
//! This module does not depend on HTTP: dialects map its errors to statuses.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::empty::Empty;
use super::error::UploadError;
use super::finishing::{Finishing, Remaining, receipt_of};
use super::judging::Judge;
use super::state::Files;
use crate::blocking::Blocking;
use crate::change_version::ChangeVersion;
use crate::request_log::write::Preallocated;
use crate::requester::{Answered, Requester};
use crate::seal::chain::Hash;
use crate::store::{
    CommitCondition, Committed, Staged, StoreError, StoreErrorKind, TargetProgress, WriteTarget,
};
use crate::time_slice::TimeSlice;

/// The number of restarts of an upload if a directory of its path is removed.
const ATTEMPTS: usize = 8;

/// The content length from which the space for an entry is preallocated in portions.
const LARGE: u64 = 256 * 1024;

/// An upload that is being received.
pub struct FileUpload {
    files: Arc<Files>,
    requester: Requester,
    /// The longest allowed content, in bytes.
    limit: u64,
    /// The hash of the content so far, if the log is sealed.
    hasher: Option<Sha256>,
    /// `None` until there is content to write.
    staged: Option<Staged>,
    /// The empty file that it has stored.
    own: Option<Committed>,
    /// After `staged`, since dropping it removes directories that were created for it and are empty.
    target: WriteTarget,
}

/// The result of a commit.
pub enum FileCommit {
    /// The upload has taken effect.
    Done(Finishing),
    /// Another server holds the lock of the name, and nothing has changed. The commit can be tried again.
    Locked(Box<FileUpload>),
}

impl Files {
    /// Begins an upload of at most `limit` bytes to `name` in the root; the staged file is created with the first
    /// content.
    ///
    /// # Errors
    /// If no file can be stored there.
    pub fn begin(
        self: &Arc<Self>,
        name: &[u8],
        limit: u64,
        requester: &Requester,
        _: Blocking<'_>,
    ) -> Result<FileUpload, UploadError> {
        let target = self.store.target(name)?;
        Judge::of(requester, name).require_put(target.existing())?;
        Ok(self.upload_to(target, limit, requester))
    }

    /// Begins an upload of at most `limit` bytes to `path`: creates missing directories, and a staged file, which shows
    /// that its directory is writable.
    ///
    /// `None` if creating the missing directories takes another turn, or if they are being removed. Then it must be called
    /// again.
    ///
    /// # Errors
    /// If no file can be stored there.
    pub fn begin_below(
        self: &Arc<Self>,
        path: &[u8],
        limit: u64,
        requester: &Requester,
        blocking: Blocking<'_>,
    ) -> Result<Option<FileUpload>, UploadError> {
        let slice = TimeSlice::begin();
        let mut attempt = 1;
        loop {
            match self.begin_once(path, limit, requester, blocking) {
                // The directory was removed meanwhile, for example together with another failed upload.
                Err(UploadError::Store(error))
                    if matches!(error.kind, StoreErrorKind::Vanished | StoreErrorKind::Stale)
                        && attempt < ATTEMPTS =>
                {
                    // Such a removal ends, so another turn finds the path free.
                    if slice.is_over() && self.store.removes_directories() {
                        return Ok(None);
                    }
                    attempt += 1;
                }
                begun => return begun,
            }
        }
    }

    fn begin_once(
        self: &Arc<Self>,
        path: &[u8],
        limit: u64,
        requester: &Requester,
        blocking: Blocking<'_>,
    ) -> Result<Option<FileUpload>, UploadError> {
        match self.store.target_below(path)? {
            TargetProgress::Ready(target) => {
                Judge::of(requester, path).require_put(target.existing())?;
                let mut upload = self.upload_to(target, limit, requester);
                upload.stage(blocking)?;
                Ok(Some(upload))
            }
            TargetProgress::Unfinished => Ok(None),
        }
    }

    fn upload_to(
        self: &Arc<Self>,
        target: WriteTarget,
        limit: u64,
        requester: &Requester,
    ) -> FileUpload {
        FileUpload {
            files: Arc::clone(self),
            requester: requester.clone(),
            limit,
            hasher: self.recorder.is_sealed().then(Sha256::new),
            staged: None,
            own: None,
            target,
        }
    }
}

impl FileUpload {
    /// Checks that its directory is writable.
    pub fn stage(&mut self, _: Blocking<'_>) -> Result<(), UploadError> {
        self.staged = Some(self.take_staged()?);
        Ok(())
    }

    /// Appends to it.
    pub fn write(&mut self, content: &[u8], _: Blocking<'_>) -> Result<(), UploadError> {
        let limit = self.limit;
        let staged = self.take_staged()?;
        let staged = self.staged.insert(staged);
        if staged.length() + content.len() as u64 > limit {
            let path = self.target.path().into();
            return Err(UploadError::TooLong { path, limit });
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(content);
        }
        staged
            .write(content)
            .map_err(|kind: StoreErrorKind| StoreError::new(self.target.path(), kind).into())
    }

    /// Whether these bytes make the upload so long that [`FileUpload::preallocate`] must be called before the commit.
    #[must_use]
    pub fn is_large_with(&self, last: &[u8]) -> bool {
        let length = self.staged.as_ref().map_or(0, Staged::length);
        length + last.len() as u64 > LARGE
    }

    /// Preallocates a portion of the log space for its entry.
    pub fn preallocate(&self, _: Blocking<'_>) -> Remaining {
        let length = self.staged.as_ref().map_or(0, Staged::length);
        let recorder = &self.files.recorder;
        match recorder.preallocate("PUT", self.target.path(), length) {
            Preallocated::Enough => Remaining::Done,
            Preallocated::MoreToDo => Remaining::More,
        }
    }

    /// The staged file, created if necessary.
    fn take_staged(&mut self) -> Result<Staged, UploadError> {
        match self.staged.take() {
            Some(staged) => Ok(staged),
            None => Ok(self.files.store.stage(&self.target)?),
        }
    }

    /// Appends the last bytes, and commits the upload. `status` returns the status of the response; `text` is a buffer
    /// for rows.
    ///
    /// # Errors
    /// After any error but `NotRecorded` and `Uncertain` of the store, the old file is unchanged.
    pub fn commit(
        mut self,
        last: &[u8],
        condition: &CommitCondition<'_>,
        status: &dyn Fn() -> u16,
        text: &mut Vec<u8>,
        blocking: Blocking<'_>,
    ) -> Result<FileCommit, UploadError> {
        if self.staged.is_none() {
            self.staged = Some(self.files.store.stage_for_an_instant(&self.target)?);
        }
        self.write(last, blocking)?;
        // Bound after `self`, and so dropped before it: see the field `target`.
        let mut staged = self.take_staged()?;
        let length = staged.length();
        let (recorder, path) = (&self.files.recorder, self.target.path());
        let reservation = recorder
            .reserve("PUT", path, length, &self.requester, blocking.worker())
            .map_err(|source| UploadError::LogFull {
                path: path.into(),
                source,
            })?;
        let hash = self.content_hash();
        let publish = |committed: &Committed, version: Option<&ChangeVersion>| {
            let entry = reservation.map(|reservation| {
                let (requester, status) = (&self.requester, status());
                let answered = Answered { requester, status };
                reservation.commit(&answered, hash.as_ref(), version)
            });
            (committed.clone(), entry)
        };
        let own = self.own.as_ref().and_then(|own| own.metadata().ok());
        let judge = Judge::of(&self.requester, path).owning(own);
        let store = &self.files.store;
        let done = judge.commit(condition, |condition| {
            store.try_commit(&mut staged, &self.target, condition, publish)
        });
        let (committed, entry) = match done {
            Ok(done) => done,
            Err(error) if error.is_locked() => {
                self.staged = Some(staged);
                return Ok(FileCommit::Locked(Box::new(self)));
            }
            Err(error) => return Err(error),
        };
        drop(staged);
        let mut finishing = Finishing {
            files: self.files,
            path: self.target.into_path(),
            committed,
            receipt: receipt_of(entry.as_ref()),
            entry,
        };
        if length == last.len() as u64 {
            finishing.write_at_once(last, text)?;
        }
        Ok(FileCommit::Done(finishing))
    }

    /// The hash of the content so far, if it is hashed. The commit that wants it may have to be repeated.
    fn content_hash(&self) -> Option<Hash> {
        let hasher = self.hasher.clone();
        hasher.map(|hasher| Hash(hasher.finalize().into()))
    }

    /// Stores an empty file without an entry, and starts over: for the one kind of upload with a response before its
    /// content.
    ///
    /// # Errors
    /// After any error the old file is unchanged.
    pub fn commit_empty(&mut self, blocking: Blocking<'_>) -> Result<Empty, UploadError> {
        let recorder = &self.files.recorder;
        let reservation = recorder.reserve(
            "PUT",
            self.target.path(),
            0,
            &self.requester,
            blocking.worker(),
        );
        let reservation = reservation.map_err(|source| UploadError::LogFull {
            path: self.target.path().into(),
            source,
        })?;
        let staged = self.take_staged()?;
        let store = &self.files.store;
        let judge = Judge::of(&self.requester, self.target.path());
        let committed = judge.commit(&CommitCondition::Always, |condition| {
            store.commit(staged, &self.target, condition, Committed::clone)
        })?;
        self.own = Some(committed.clone());
        Ok(Empty {
            files: Arc::clone(&self.files),
            target: self.target.clone(),
            requester: self.requester.clone(),
            committed,
            reservation,
        })
    }
}
