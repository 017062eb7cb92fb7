//! The parts of a full row that every way of filling it shares: its sizes, and its offset column as a counter.

use crate::request_log::format::layout::{MIN_OFFSET_DIGITS, ROW};

/// Bytes of a full row after the digits of its offset: 20 cells ` xx` and a newline.
pub(super) const CELLS: usize = 3 * ROW + 1;

/// A full row from the last eight digits of its offset to its newline.
pub(super) const TAIL: usize = MIN_OFFSET_DIGITS + CELLS;

/// The last eight digits of a row's offset as text, counted up from row to row.
pub(super) struct Counter {
    /// The digits as one big-endian number of eight ASCII bytes, so that the last digit is the lowest byte.
    ascii: u64,
}

impl Counter {
    /// `offset` is below 100,000,000 and a multiple of [`ROW`].
    pub(super) fn new(offset: u64) -> Self {
        let mut ascii = 0;
        let mut rest = offset;
        for place in 0..MIN_OFFSET_DIGITS {
            ascii |= (u64::from(b'0') + rest % 10) << (8 * place);
            rest /= 10;
        }
        Self { ascii }
    }

    pub(super) fn digits(&self) -> [u8; MIN_OFFSET_DIGITS] {
        self.ascii.to_be_bytes()
    }

    /// Adds [`ROW`]: 2 to the tens, and every fifth time a carry.
    #[inline]
    pub(super) fn advance(&mut self) {
        const PAST_NINE: u64 = b'9' as u64 + 1;
        self.ascii += (ROW as u64 / 10) << 8;
        let mut place = 8;
        while place < 64 && (self.ascii >> place) & 0xFF == PAST_NINE {
            self.ascii -= 10 << place;
            place += 8;
            self.ascii = self
                .ascii
                .wrapping_add(1_u64.checked_shl(place).unwrap_or(0));
        }
    }
}
