//! The rows of a PUT's entry: content as hexadecimal text, 20 bytes a row, and back.
//!
//! ```text
//! 00000020 61 6e 64 20 6f 6e 63 65 20 6d 6f 72 65 2e 0a 0a
//! ```
//!
//! An upload's rows are 3.45 times its size, so this is the hottest loop of a server that logs. It is pure: bytes in,
//! bytes out. The caller writes the rows to the file.
//!
//! It is fast for four reasons. A row's width is constant over long runs of rows, so a run is split into fixed-size
//! arrays, and no store has a bounds check. The offset column is incremented instead of formatted. The text buffer is
//! reused without clearing. Full rows are filled by vector instructions where the processor has them (`avx2`), else
//! from a table (`table`).

#[cfg(target_arch = "x86_64")]
mod avx2;
mod row;
mod table;

use self::row::{Counter, TAIL};
use super::layout::{MIN_OFFSET_DIGITS, ROW, offset_digits, row_position, rows_len};

/// Content offsets in which only the last eight digits of the offset column change.
const RUN: u64 = 100_000_000;

/// Rows for which the buffer grows at a time. Safe code must clear new memory. With this few rows, the memory is still
/// in the first-level cache when it is filled, so clearing costs little.
const BATCH: u64 = 200;

/// The longest prefix of the offset column before its last eight digits: twelve digits for a `u64`. It is copied as a
/// block of this constant size; the row then overwrites the surplus.
const LEADING: usize = 16;

/// The value of each lower-case hex digit, and 0 for every other byte.
static DIGIT: [u8; 256] = {
    let mut digits = [0; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// Appends the rows of `content`, which begins at offset `start` (a multiple of [`ROW`]) of an entry's content.
///
/// The last row is short if the length of `content` is not a multiple of [`ROW`], so only the last piece of a content
/// may have such a length. Appends `rows_len(start + content.len()) - row_position(start)` bytes.
pub fn push_rows(out: &mut Vec<u8>, start: u64, content: &[u8]) {
    let len =
        rows_len(start.saturating_add(content.len() as u64)).saturating_sub(row_position(start));
    out.reserve(usize::try_from(len).unwrap_or(0));
    overwrite_rows(out, out.len(), start, content);
}

/// As [`push_rows`], but overwrites `out` from index `at` on, and extends it if necessary. Returns the index after the
/// rows.
///
/// It is for a reused buffer: overwritten bytes need not be cleared.
pub fn overwrite_rows(out: &mut Vec<u8>, at: usize, start: u64, content: &[u8]) -> usize {
    let (mut at, mut start, mut content) = (at, start, content);
    while !content.is_empty() {
        let run = (RUN - start % RUN).min(BATCH * ROW as u64);
        let run = usize::try_from(run)
            .unwrap_or(usize::MAX)
            .min(content.len());
        let (now, later) = content.split_at(run);
        at = overwrite_run(out, at, start, now);
        start = start.saturating_add(now.len() as u64);
        content = later;
    }
    at
}

/// Decodes the rows at the beginning of `text`, and appends `length` bytes of content from content offset `start` (a
/// multiple of [`ROW`]) on.
///
/// It reads only the hex digits; an invalid or missing digit counts as `0`, and nothing else is checked. To check rows,
/// write the content again with [`push_rows`] and compare: every content has exactly one text.
pub fn read_rows(out: &mut Vec<u8>, start: u64, length: usize, text: &[u8]) {
    out.reserve(length);
    let mut text = text;
    let mut offset = start;
    let mut left = length;
    while left > 0 {
        let cells = left.min(ROW);
        let digits = offset_digits(offset);
        let row = text.get(digits..).unwrap_or_default();
        if let Some(row) = row.first_chunk::<{ 3 * ROW }>()
            && cells == ROW
        {
            let mut bytes = [0; ROW];
            for (byte, cell) in bytes.iter_mut().zip(row.as_chunks::<3>().0) {
                *byte = DIGIT[usize::from(cell[1])] << 4 | DIGIT[usize::from(cell[2])];
            }
            out.extend_from_slice(&bytes);
        } else {
            let digit = |at: usize| row.get(at).map_or(0, |&digit| DIGIT[usize::from(digit)]);
            out.extend((0..cells).map(|cell| digit(3 * cell + 1) << 4 | digit(3 * cell + 2)));
        }
        text = text.get(digits + 3 * cells + 1..).unwrap_or_default();
        offset = offset.saturating_add(ROW as u64);
        left -= cells;
    }
}

/// [`overwrite_rows`] for content with offsets that differ only in their last eight digits.
fn overwrite_run(out: &mut Vec<u8>, at: usize, start: u64, content: &[u8]) -> usize {
    let mut leading = [0; LEADING];
    let mut digits = itoa::Buffer::new();
    let high = start / RUN;
    let high = if high == 0 { "" } else { digits.format(high) };
    leading[..high.len()].copy_from_slice(high.as_bytes());

    let (full, rest) = content.as_chunks::<ROW>();
    let row_len = high.len() + TAIL;
    let rest_len = if rest.is_empty() {
        0
    } else {
        row_len - 3 * (ROW - rest.len())
    };
    let end = at + full.len() * row_len + rest_len;
    if out.len() < end {
        out.resize(end, 0);
    }
    let (rows, last) = out[at..end].split_at_mut(full.len() * row_len);
    let counter = Counter::new(start % RUN);
    let counter = if high.is_empty() {
        fill_tails(rows.as_chunks_mut().0.iter_mut(), counter, full)
    } else {
        let tails = rows.chunks_exact_mut(row_len).filter_map(|row| {
            row[..LEADING].copy_from_slice(&leading);
            row[row_len - TAIL..].first_chunk_mut()
        });
        fill_tails(tails, counter, full)
    };
    if !rest.is_empty() {
        fill_last(last, high, counter.digits(), rest);
    }
    end
}

/// Writes a row that is not full.
fn fill_last(row: &mut [u8], high: &str, digits: [u8; MIN_OFFSET_DIGITS], bytes: &[u8]) {
    let (offset, cells) = row.split_at_mut(high.len() + MIN_OFFSET_DIGITS);
    offset[..high.len()].copy_from_slice(high.as_bytes());
    offset[high.len()..].copy_from_slice(&digits);
    for (cell, &byte) in cells.chunks_exact_mut(3).zip(bytes) {
        cell.copy_from_slice(&table::cell(byte));
    }
    if let Some(end) = cells.last_mut() {
        *end = b'\n';
    }
}

/// Writes full rows from the last eight digits of their offsets on; returns the offset that follows.
fn fill_tails<'t>(
    tails: impl Iterator<Item = &'t mut [u8; TAIL]>,
    counter: Counter,
    content: &[[u8; ROW]],
) -> Counter {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detect() {
        return avx2.fill_tails(tails, counter, content);
    }
    table::fill_tails(tails, counter, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write;

    fn rows(start: u64, content: &[u8]) -> String {
        let mut out = Vec::new();
        push_rows(&mut out, start, content);
        String::from_utf8(out).unwrap()
    }

    /// The rows by definition, without optimisation.
    fn plain_rows(start: u64, content: &[u8]) -> String {
        let mut out = String::new();
        for (offset, row) in (start..).step_by(ROW).zip(content.chunks(ROW)) {
            write!(out, "{offset:08}").unwrap();
            for byte in row {
                write!(out, " {byte:02x}").unwrap();
            }
            out.push('\n');
        }
        out
    }

    /// The bytes 0, 1, 2 …
    fn counting(length: u8) -> Vec<u8> {
        (0..length).collect()
    }

    #[test]
    fn empty_content_has_no_row() {
        assert_eq!(rows(0, &[]), "");
    }

    #[test]
    fn row_of_1_byte_is_this_very_line() {
        assert_eq!(rows(0, &[0xAF]), "00000000 af\n");
    }

    #[test]
    fn row_of_19_bytes_is_this_very_line() {
        assert_eq!(
            rows(0, &counting(19)),
            "00000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12\n"
        );
    }

    #[test]
    fn row_of_20_bytes_is_this_very_line() {
        assert_eq!(
            rows(0, &counting(20)),
            "00000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n"
        );
    }

    #[test]
    fn byte_21_begins_a_second_row() {
        assert_eq!(
            rows(0, &counting(21)),
            "00000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n\
             00000020 14\n"
        );
    }

    #[test]
    fn rows_of_40_bytes_are_these_very_lines() {
        assert_eq!(
            rows(0, &counting(40)),
            "00000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n\
             00000020 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27\n"
        );
    }

    #[test]
    fn rows_of_the_readme_are_written() {
        assert_eq!(
            rows(0, b"ehllo; hello again; and once more.\n\n"),
            "00000000 65 68 6c 6c 6f 3b 20 68 65 6c 6c 6f 20 61 67 61 69 6e 3b 20\n\
             00000020 61 6e 64 20 6f 6e 63 65 20 6d 6f 72 65 2e 0a 0a\n"
        );
    }

    #[test]
    fn offset_of_nine_digits_is_written_whole() {
        assert_eq!(
            rows(99_999_980, &counting(21)),
            "99999980 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n\
             100000000 14\n"
        );
    }

    #[test]
    fn offset_of_ten_digits_is_written_whole() {
        assert_eq!(
            rows(999_999_980, &counting(40)),
            "999999980 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n\
             1000000000 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27\n"
        );
    }

    #[test]
    fn every_byte_has_its_cell() {
        // In full rows, the last bytes too.
        let all: Vec<u8> = (0..=255).chain(0..4).collect();
        assert_eq!(rows(0, &all), plain_rows(0, &all));
    }

    #[test]
    fn offsets_count_on() {
        let content = vec![7; 250_007];
        assert_eq!(rows(0, &content), plain_rows(0, &content));
        let before = 99_900_000;
        assert_eq!(rows(before, &content), plain_rows(before, &content));
        let far = 12_345_678_899_999_980;
        assert_eq!(rows(far, &content), plain_rows(far, &content));
        let last = u64::MAX / 20 * 20 - 40;
        assert_eq!(rows(last, &content[..35]), plain_rows(last, &content[..35]));
    }

    #[test]
    fn rows_before_stay() {
        let mut out = b"head\n".to_vec();
        push_rows(&mut out, 0, b"a");
        push_rows(&mut out, 20, b"b");
        assert_eq!(out, b"head\n00000000 61\n00000020 62\n");
    }

    #[test]
    fn overwritten_part_ends_at_its_length() {
        let mut out = b"head\n".to_vec();
        out.resize(1_000, b'?');
        let end = overwrite_rows(&mut out, 5, 0, &counting(21));
        assert_eq!(
            out[..end],
            [b"head\n", rows(0, &counting(21)).as_bytes()].concat()
        );
        assert_eq!(out[end..], vec![b'?'; 1_000 - end]);
        let end = overwrite_rows(&mut out, 990, 0, &counting(21));
        assert_eq!(out.len(), end);
        assert_eq!(out[990..], *rows(0, &counting(21)).as_bytes());
    }

    #[test]
    fn every_implementation_makes_the_same_rows() {
        let content: Vec<[u8; ROW]> = counting(255).as_chunks().0.to_vec();
        let mut by_table = vec![[b'?'; TAIL]; content.len()];
        let after = table::fill_tails(by_table.iter_mut(), Counter::new(99_999_680), &content);
        let mut here = vec![[b'!'; TAIL]; content.len()];
        let after_here = fill_tails(here.iter_mut(), Counter::new(99_999_680), &content);
        assert_eq!(here, by_table);
        assert_eq!(after_here.digits(), after.digits());
        assert_eq!(
            by_table[0],
            *b"99999680 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n"
        );
    }

    proptest! {
        #[test]
        fn rows_match_their_definition(
            row in 0_u64..500_000_000_000, content in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            prop_assert_eq!(rows(row * 20, &content), plain_rows(row * 20, &content));
        }

        #[test]
        fn rows_are_read_back(
            row in 0_u64..500_000_000_000, content in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let text = rows(row * 20, &content);
            let mut read = Vec::new();
            read_rows(&mut read, row * 20, content.len(), text.as_bytes());
            prop_assert_eq!(read, content);
        }

        #[test]
        fn rows_are_read_back_where_widths_change(
            exponent in 8_u32..17, before in 0_u64..8, content in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let start = 10_u64.pow(exponent) - before * 20;
            let mut read = Vec::new();
            read_rows(&mut read, start, content.len(), rows(start, &content).as_bytes());
            prop_assert_eq!(read, content);
        }

        #[test]
        fn any_text_is_read_as_the_length_that_was_asked_for(
            text in prop::collection::vec(any::<u8>(), 0..300), length in 0_usize..100,
        ) {
            let mut read = Vec::new();
            read_rows(&mut read, 0, length, &text);
            prop_assert_eq!(read.len(), length);
        }

        #[test]
        fn pieces_make_the_whole(content in prop::collection::vec(any::<u8>(), 0..900), piece in 1_usize..20) {
            let mut out = Vec::new();
            let mut start = 99_999_800;
            for piece in content.chunks(piece * ROW) {
                push_rows(&mut out, start, piece);
                start += piece.len() as u64;
            }
            prop_assert_eq!(String::from_utf8(out).unwrap(), plain_rows(99_999_800, &content));
        }
    }
}
