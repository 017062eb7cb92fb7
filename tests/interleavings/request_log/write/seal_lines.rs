//! The lines of a seal; a model has none.

use super::space_file::Area;
use crate::seal::line_group::LineGroup;
use crate::seal::time::Moment;

pub(super) struct SealLines {
    pub(super) area: Area,
    none: Never,
}

/// A type without values.
pub(super) enum Never {}

impl SealLines {
    pub(super) fn made(&self) -> u64 {
        match self.none {}
    }

    pub(super) fn read_clock(&mut self) -> Moment {
        match self.none {}
    }

    pub(super) fn push_entry(&mut self, _: Moment, _: u64, _: u64, _: &[u8]) {
        match self.none {}
    }

    pub(super) fn push_other(&mut self, _: impl FnOnce(&mut Vec<u8>, Moment)) {
        match self.none {}
    }

    pub(super) fn take(&mut self, _: &mut LineGroup, _: u64) -> u64 {
        match self.none {}
    }
}

pub(super) fn most(_: usize) -> u64 {
    0
}
