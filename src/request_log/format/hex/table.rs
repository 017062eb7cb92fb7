//! Full rows from a table of cells, on any processor.
//!
//! Two content bytes take two loads from small tables and one store of eight bytes; the next store overwrites the
//! surplus.

use super::row::{Counter, TAIL};
use crate::request_log::format::layout::{MIN_OFFSET_DIGITS, ROW};

/// For each byte its cell ` xx` as the first of two that are stored together, lowest byte first.
static FIRST: [u64; 256] = cells(0);

/// For each byte its cell as the second of two, and a newline, which stays only behind the last cell of a row.
static SECOND: [u64; 256] = cells(24);

const fn cells(shift: u32) -> [u64; 256] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let after = if shift == 0 { 0 } else { b'\n' };
    let mut cells = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let cell = [b' ', DIGITS[byte >> 4], DIGITS[byte & 0x0F], after];
        cells[byte] = (u32::from_le_bytes(cell) as u64) << shift;
        byte += 1;
    }
    cells
}

/// The cell ` xx` of a byte.
pub(super) fn cell(byte: u8) -> [u8; 3] {
    let [blank, upper, lower, ..] = FIRST[usize::from(byte)].to_le_bytes();
    [blank, upper, lower]
}

/// As [`super::fill_tails`].
pub(super) fn fill_tails<'t>(
    tails: impl Iterator<Item = &'t mut [u8; TAIL]>,
    mut counter: Counter,
    content: &[[u8; ROW]],
) -> Counter {
    for (tail, bytes) in tails.zip(content) {
        fill_tail(tail, counter.digits(), bytes);
        counter.advance();
    }
    counter
}

/// Writes a full row from the last eight digits of its offset on.
#[inline]
fn fill_tail(tail: &mut [u8; TAIL], digits: [u8; MIN_OFFSET_DIGITS], bytes: &[u8; ROW]) {
    tail[..MIN_OFFSET_DIGITS].copy_from_slice(&digits);
    let mut at = MIN_OFFSET_DIGITS;
    for &four in bytes.as_chunks().0 {
        // One load and shifts are cheaper than four loads.
        let four = u32::from_le_bytes(four);
        for pair in [four, four >> 16] {
            let [first, second, ..] = pair.to_le_bytes();
            let cells = FIRST[usize::from(first)] | SECOND[usize::from(second)];
            // Eight bytes, although the last cell has only seven.
            let len = (TAIL - at).min(8);
            tail[at..at + len].copy_from_slice(&cells.to_le_bytes()[..len]);
            at += 6;
        }
    }
}
