//! The end and the beginning of a log and its seal: at a rotation, a start, a continuation.
//!
//! At a rotation a log gets a successor. Reservations without an offset move to the successor.

use std::io;
use std::sync::Arc;

use super::seal_file::{ChainEnd, FirstLine, SealFile};
use super::seal_lines::SealLines;
use super::space::{LogFile, Space};
use super::space_file::ReservationClass;
use crate::seal::text::push_next;
use crate::seal::time::Moment;

impl LogFile {
    /// Ends this log: its reservations and all new entries move to `successor`, which is new. If it is sealed, its seal
    /// records that the log continues in a file called `name`, and the seal of the successor begins there.
    ///
    /// # Errors
    /// If the successor has no space for the reservations: then nothing has changed.
    pub(super) fn succeed(&self, successor: &Arc<Self>, name: &str) -> io::Result<()> {
        // No thread writes to the new seal before it is begun.
        let unbegun = successor.seal.as_ref().map(SealFile::lock_end);
        let first_line = loop {
            let promised = self.lock().reserved();
            let take = |space: &mut Space| space.add_reserved(promised);
            successor.take_space(ReservationClass::Upload, promised, take)?;
            let mut space = self.lock();
            let reserved = space.reserved();
            let mut next = successor.lock();
            next.subtract_reserved(promised);
            if reserved.log <= promised.log && reserved.seal <= promised.seal {
                next.add_reserved(reserved);
                // Now, since other threads place entries in the successor as soon as they can see it.
                let first_line = first_line(&mut next, name);
                drop(next);
                space.subtract_reserved(reserved);
                space.successor = Some(Arc::clone(successor));
                if let Some(lines) = &mut space.lines {
                    lines.push_other(|text, time| push_next(text, time, name));
                }
                break first_line;
            }
        };
        if let (Some(seal), Some(next), Some(end)) = (&self.seal, &successor.seal, unbegun) {
            let (chain_end, finished) = seal.finish(|group, end| self.take_lines(group, end));
            let begun = next.begin(end, chain_end, first_line);
            if let Err(error) = finished.and(begun) {
                log::error!("lines of the seal are not written: {error}");
            }
        }
        Ok(())
    }

    /// Begins the seal of a new log after the end of another chain.
    ///
    /// # Errors
    /// From pwrite(2).
    pub(super) fn begin_seal(&self, chain_end: ChainEnd, name: &str) -> io::Result<()> {
        match &self.seal {
            Some(seal) => {
                let first_line = first_line(&mut self.lock(), name);
                seal.begin(seal.lock_end(), chain_end, first_line)
            }
            None => Ok(()),
        }
    }

    /// Adds lines to a continued seal and writes them; `push` makes them one by one.
    ///
    /// # Errors
    /// From pwrite(2).
    pub(super) fn push_lines<L>(
        &self,
        lines: impl IntoIterator<Item = L>,
        push: impl Fn(&mut Vec<u8>, Moment, L),
    ) -> io::Result<()> {
        if let Some(made) = &mut self.lock().lines {
            for line in lines {
                made.push_other(|text, time| push(text, time, line));
            }
        }
        let made = self.lock().lines_made();
        self.flush_lines(made)
    }
}

/// The values of the seal's first line for a log with this space.
fn first_line<'n>(space: &mut Space, name: &'n str) -> FirstLine<'n> {
    let time = space.lines.as_mut().map(SealLines::read_clock);
    FirstLine {
        start: space.log.end,
        time: time.unwrap_or_default(),
        name,
    }
}
