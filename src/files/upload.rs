//! An upload on its way into the store and the log, for any dialect.
//!
//! 1. Content is staged as it comes; an upload that came whole with its head is staged in one write.
//! 2. Space for its entry is secured in the log: without it the upload is refused, and nothing has happened.
//! 3. It is put in place, and takes its place in the log in the same instant.
//! 4. The rows of its entry are written, a portion at a time and outside every lock; then it can be answered.
//!
//! It knows no HTTP: dialects give its errors a status.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::empty::Empty;
use super::error::UploadError;
use super::finishing::{Finishing, Remaining, receipt_of};
use super::judging::Judge;
use super::state::Files;
use crate::blocking::Blocking;
use crate::request_log::write::Preallocated;
use crate::requester::{Answered, Requester};
use crate::seal::chain::Hash;
use crate::store::{
    CommitCondition, Committed, Staged, StoreError, StoreErrorKind, TargetProgress, WriteTarget,
};

/// How often an upload starts over because a directory on its way was removed.
const ATTEMPTS: usize = 8;

/// Bytes of content from which on the space for an entry is preallocated in portions.
const LARGE: u64 = 1024 * 1024;

/// An upload that is being received.
pub struct FileUpload {
    files: Arc<Files>,
    requester: Requester,
    /// How long it may be.
    limit: u64,
    /// Of the content so far, if the log is sealed.
    hasher: Option<Sha256>,
    /// `None` until there is content to write.
    staged: Option<Staged>,
    /// The empty file that it has put in place.
    own: Option<Committed>,
    /// After `staged`, since directories that were made for it are removed with it when they are empty.
    target: WriteTarget,
}

/// What came of a commit.
pub enum FileCommit {
    /// The upload has taken effect.
    Done(Finishing),
    /// Nothing has: another server holds the lock of the name. The upload can be committed again.
    Locked(Box<FileUpload>),
}

impl Files {
    /// Begins an upload of no more than `limit` bytes to `name` in the root; nothing is staged before there is content.
    ///
    /// # Errors
    /// If no file can be put there.
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

    /// Begins an upload of no more than `limit` bytes to `path`: directories that are missing on the way are made, and
    /// the upload is staged, so that it is known whether its directory takes it.
    ///
    /// `None`: so many are missing that making them takes another turn. To be called again.
    ///
    /// # Errors
    /// If no file can be put there.
    pub fn begin_below(
        self: &Arc<Self>,
        path: &[u8],
        limit: u64,
        requester: &Requester,
        blocking: Blocking<'_>,
    ) -> Result<Option<FileUpload>, UploadError> {
        let mut attempt = 1;
        loop {
            match self.begin_once(path, limit, requester, blocking) {
                // The directory was removed meanwhile, for example with another upload that was given up.
                Err(UploadError::Store(error))
                    if error.kind == StoreErrorKind::Vanished && attempt < ATTEMPTS =>
                {
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
    /// Makes sure that its directory takes it.
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

    /// Whether so much comes with these bytes that [`FileUpload::preallocate`] is to be called before the commit.
    #[must_use]
    pub fn is_large_with(&self, last: &[u8]) -> bool {
        let length = self.staged.as_ref().map_or(0, Staged::length);
        length + last.len() as u64 > LARGE
    }

    /// Preallocates a portion of the log's space that its entry needs.
    pub fn preallocate(&self, _: Blocking<'_>) -> Remaining {
        let length = self.staged.as_ref().map_or(0, Staged::length);
        let recorder = &self.files.recorder;
        match recorder.preallocate("PUT", self.target.path(), length) {
            Preallocated::Enough => Remaining::Done,
            Preallocated::MoreToDo => Remaining::More,
        }
    }

    /// What is staged so far, if only an empty file.
    fn take_staged(&mut self) -> Result<Staged, UploadError> {
        match self.staged.take() {
            Some(staged) => Ok(staged),
            None => Ok(self.files.store.stage(&self.target)?),
        }
    }

    /// Appends the last bytes, and puts it in place. `status` says with which status it is answered, once it is in place;
    /// `text` is room for rows.
    ///
    /// # Errors
    /// With any but `NotRecorded` the old file is untouched.
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
        // A clone, since it may not take effect now.
        let hash = self.hasher.clone();
        let hash = hash.map(|hasher| Hash(hasher.finalize().into()));
        let publish = |committed: &Committed| {
            let entry = reservation.map(|reservation| {
                let answered = Answered {
                    requester: &self.requester,
                    status: status(),
                };
                reservation.commit(&answered, hash.as_ref())
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

    /// Puts an empty file in place, unrecorded, and starts over: the one upload whose answer comes before its content.
    ///
    /// # Errors
    /// With any the old file is untouched.
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
