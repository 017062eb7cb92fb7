//! The permission to block: to open, read, write, rename or list files, or to wait for a disk.
//!
//! Every function that blocks takes a [`Blocking`] as an argument, so the compiler shows that its caller has one. A
//! worker gives it to the session whose turn is a blocking one. A session without it learns that it needs one by
//! [`WouldBlock`], which [`Permission::require`] makes; so does one that needs another after this. This module blocks nothing and waits for nothing itself.

use std::marker::PhantomData;

use thiserror::Error;

/// Proof that the caller is allowed to block.
#[derive(Debug, Clone, Copy)]
pub struct Blocking<'t> {
    worker: Option<usize>,
    turn: PhantomData<&'t ()>,
}

/// A [`Blocking`], or the knowledge that there is none.
#[derive(Debug, Clone, Copy)]
pub struct Permission<'t>(Option<Blocking<'t>>);

/// The entries that must be committed before responses are sent, and whether that may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingCommit {
    /// Nothing.
    Nothing,
    /// Entries that are most likely committed without waiting for a disk.
    Quick,
    /// Entries with a commit that waits for a disk.
    MayBlock,
}

/// The operation cannot be done now and must be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WouldBlock {
    /// Not without a [`Blocking`], or without another after this one.
    #[error("it would block")]
    NeedsTurn,
    /// Not before another server has unlocked something.
    #[error("another server holds a lock")]
    Locked,
}

impl Blocking<'_> {
    /// For what no worker commits: at the start, at the end, after the commit of a turn, in benchmarks and tests. What is
    /// done with it is done when it returns.
    #[must_use]
    pub fn outside_turn() -> Self {
        Self {
            worker: None,
            turn: PhantomData,
        }
    }

    /// For as long as this worker is in a blocking section.
    pub(crate) fn of_worker(worker: usize) -> Self {
        Self {
            worker: Some(worker),
            turn: PhantomData,
        }
    }

    /// The rest of what is to be done takes another turn.
    #[must_use]
    pub fn in_another_turn(self) -> WouldBlock {
        WouldBlock::NeedsTurn
    }

    /// The rest of what is to be done takes a lock that another server holds.
    #[must_use]
    pub fn once_unlocked(self) -> WouldBlock {
        WouldBlock::Locked
    }

    /// The worker that commits what is pending.
    #[must_use]
    pub fn worker(self) -> Option<usize> {
        self.worker
    }
}

impl<'t> Permission<'t> {
    /// None.
    pub(crate) const NONE: Self = Self(None);

    /// The proof.
    ///
    /// # Errors
    /// If there is none.
    pub fn require(self) -> Result<Blocking<'t>, WouldBlock> {
        self.0.ok_or(WouldBlock::NeedsTurn)
    }
}

impl<'t> From<Blocking<'t>> for Permission<'t> {
    fn from(blocking: Blocking<'t>) -> Self {
        Self(Some(blocking))
    }
}
