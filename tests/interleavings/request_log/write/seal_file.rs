//! The file of a seal; a model has none.

use std::io;

use super::seal_lines::Never;
use super::space_file::SpaceFile;
use crate::seal::line_group::LineGroup;
use crate::seal::time::Moment;

pub(super) struct SealFile(Never);

pub(super) struct End;

pub(super) struct ChainEnd;

pub(super) struct FirstLine<'n> {
    pub(super) start: u64,
    pub(super) time: Moment,
    pub(super) name: &'n str,
}

impl SealFile {
    pub(super) fn file(&self) -> &SpaceFile {
        match self.0 {}
    }

    pub(super) fn flush(&self, _: u64, _: impl Fn(&mut LineGroup, u64) -> u64) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn lock_end(&self) -> End {
        match self.0 {}
    }

    pub(super) fn finish(
        &self,
        _: impl Fn(&mut LineGroup, u64) -> u64,
    ) -> (ChainEnd, io::Result<()>) {
        match self.0 {}
    }

    pub(super) fn begin(&self, _: End, _: ChainEnd, _: FirstLine<'_>) -> io::Result<()> {
        match self.0 {}
    }
}
