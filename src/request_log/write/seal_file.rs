//! The file of a seal: lines get their chain values and are written, many at a time.
//!
//! A thread that needs its line in the file also writes all lines before it; waiting threads then find their lines
//! written. With a key, each such group ends with an authentication code, and the key is replaced by its hash.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::seal_key::KeyKeeper;
use super::space_file::SpaceFile;
use crate::operations;
use crate::seal::key::Key;
use crate::seal::line::Begin;
use crate::seal::line_group::LineGroup;
use crate::seal::state::{SealState, Tip};
use crate::seal::text::{push_begin, push_mac};
use crate::seal::time::Moment;
use crate::server_id::ServerId;
use crate::sync::lock;

/// Bytes that are kept for the next lines.
const KEPT: usize = 256 * 1024;

/// See the module's description.
pub(super) struct SealFile {
    file: Arc<SpaceFile>,
    /// The number of lines in the file, in the same count as the lines that are made.
    written: AtomicU64,
    /// Guards the chain and the write: one thread at a time writes lines to the file.
    end: Mutex<End>,
    keeper: Option<Arc<KeyKeeper>>,
    /// The name of the server, if it has one.
    server: Option<ServerId>,
}

/// The end of a chain, and the key for the next code.
#[derive(Debug, Clone)]
pub(super) struct ChainEnd {
    pub(super) tip: Tip,
    pub(super) key: Option<Key>,
}

/// The values of a seal's first line.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstLine<'n> {
    /// The offset of the first sealed entry, in bytes.
    pub(super) start: u64,
    pub(super) time: Moment,
    pub(super) name: &'n str,
}

/// The end of the chain, and the lines that are not written yet.
pub(super) struct End {
    /// The offset of the next line.
    at: u64,
    tip: Tip,
    key: Option<Key>,
    /// Lines that are not in the file.
    group: LineGroup,
    /// The number of lines up to the last one of the group.
    made: u64,
}

impl SealFile {
    /// A seal with a last line that ends at `at` and has the last value of this chain.
    pub(super) fn new(
        file: Arc<SpaceFile>,
        at: u64,
        chain_end: ChainEnd,
        keeper: Option<Arc<KeyKeeper>>,
        server: Option<ServerId>,
    ) -> Self {
        let ChainEnd { tip, key } = chain_end;
        Self {
            file,
            written: AtomicU64::new(0),
            end: Mutex::new(End {
                at,
                tip,
                key,
                group: LineGroup::default(),
                made: 0,
            }),
            keeper,
            server,
        }
    }

    pub(super) fn file(&self) -> &SpaceFile {
        &self.file
    }

    /// Prevents all threads from writing to it.
    pub(super) fn lock_end(&self) -> MutexGuard<'_, End> {
        lock(&self.end)
    }

    /// Writes the first line, which continues the chain of another file.
    ///
    /// # Errors
    /// From pwrite(2). The next call of [`SealFile::flush`] tries again.
    pub(super) fn begin(
        &self,
        mut end: MutexGuard<'_, End>,
        chain_end: ChainEnd,
        beginning: FirstLine<'_>,
    ) -> io::Result<()> {
        let ChainEnd { tip, key } = chain_end;
        let FirstLine { start, time, name } = beginning;
        let begin = Begin {
            identity: tip.identity,
            file: tip.file + 1,
            lines: tip.lines,
            start,
            previous: tip.chain,
            time,
            name,
            server: self.server.as_ref().map(ServerId::as_str),
        };
        end.group.push(|text| push_begin(text, &begin));
        end.tip = Tip {
            file: begin.file,
            ..tip
        };
        end.key = key;
        end.chain_up();
        self.write(&mut end)
    }

    /// Returns when this many lines are in the file. `take` moves the new lines to the end of the group, and returns
    /// the number of lines so far. Its second argument is the end of the file with all lines taken before.
    ///
    /// # Errors
    /// From pwrite(2). The next call tries again.
    pub(super) fn flush(
        &self,
        made: u64,
        take: impl FnOnce(&mut LineGroup, u64) -> u64,
    ) -> io::Result<()> {
        if self.written.load(Ordering::Acquire) >= made {
            return Ok(());
        }
        let mut end = lock(&self.end);
        if self.written.load(Ordering::Acquire) >= made {
            return Ok(());
        }
        end.take(take);
        self.write(&mut end)
    }

    /// Writes the last lines, and returns the chain for the next file.
    pub(super) fn finish(
        &self,
        take: impl FnOnce(&mut LineGroup, u64) -> u64,
    ) -> (ChainEnd, io::Result<()>) {
        let mut end = lock(&self.end);
        end.take(take);
        let written = self.write(&mut end);
        let chain_end = ChainEnd {
            tip: end.tip,
            key: end.key.take(),
        };
        (chain_end, written)
    }

    fn write(&self, end: &mut End) -> io::Result<()> {
        operations::add();
        let text = end.group.text();
        self.file.file().write_all_at(text, end.at)?;
        end.at += text.len() as u64;
        end.group.clear(KEPT);
        self.written.store(end.made, Ordering::Release);
        if let (Some(keeper), Some(key)) = (&self.keeper, &end.key) {
            let state = SealState {
                key: key.clone(),
                tip: end.tip,
            };
            keeper.note(state, &self.file);
        }
        Ok(())
    }

    /// Returns when all lines written before are on stable storage.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Drop for SealFile {
    /// Frees unused preallocated space.
    fn drop(&mut self) {
        self.file.cut(lock(&self.end).at);
    }
}

impl End {
    fn take(&mut self, take: impl FnOnce(&mut LineGroup, u64) -> u64) {
        let at = self.at + self.group.text().len() as u64;
        self.made = take(&mut self.group, at);
        self.chain_up();
    }

    /// Puts the lines into the chain, and adds the authentication code of the group.
    fn chain_up(&mut self) {
        if self.group.is_chained() {
            return;
        }
        self.group.chain(&mut self.tip);
        if let Some(key) = &mut self.key {
            let code = key.authenticate(&self.tip.chain);
            self.group.push(|text| push_mac(text, key.epoch(), &code));
            self.group.chain(&mut self.tip);
            key.step();
        }
    }
}
