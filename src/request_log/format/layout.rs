//! The text of a log entry, and its length.
//!
//! This module has only arithmetic and text: it does not read, write or lock. The writer uses it to reserve space, and
//! the reader uses it to find the parts of an entry.
//!
//! ```text
//! PUT ABCDEFarqdeXYZxyzf012345-ab length 36
//! 00000000 65 68 6c 6c 6f 3b 20 68 65 6c 6c 6f 20 61 67 61 69 6e 3b 20
//! 00000020 61 6e 64 20 6f 6e 63 65 20 6d 6f 72 65 2e 0a 0a
//! ========
//! FAIL: GET abcd HTTP/1.1 --- response 400
//! ========
//! ```
//!
//! An entry is a header line, the rows of its content if it is a PUT (see [`super::hex`]), and [`SEPARATOR`]. Offsets
//! in the rows are decimal, with at least eight digits.

/// Content bytes in one full row.
pub const ROW: usize = 20;

/// The line that ends every entry.
pub const SEPARATOR: &[u8] = b"========\n";

/// Digits of the offset column while offsets are below 100,000,000.
pub const MIN_OFFSET_DIGITS: usize = 8;

/// The methods of successful requests; a header line has one of them.
pub const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "DELETE", "OPTIONS"];

/// The beginning of the line of a failed request.
pub const FAILURE: &[u8] = b"FAIL: ";

/// The text between a failed request and its status.
pub const RESPONSE: &[u8] = b" --- response ";

/// The text between a name and its length.
pub const LENGTH: &[u8] = b" length ";

/// Bytes of the longest header line, its newline included. Names come from request heads, which are far shorter. The
/// limit lets a reader detect an endless line in constant memory.
pub const LINE_LIMIT: usize = 64 * 1024;

/// The most bytes of a part of a failed request, as written: three parts fit a line. Longer parts are cut.
pub const PART_LIMIT: usize = 16 * 1024;

/// The largest result of this module, in bytes: no file is longer (`off_t` is signed, see lseek(2)). Larger sums
/// saturate here, and a header and a separator can be added without overflow.
pub const LARGEST: u64 = i64::MAX as u64;

/// Appends `raw` as visible text: a byte outside 0x21–0x7E is written `%XX`, so that no peer can end a line or a part
/// of it. Empty text is written `-`.
pub fn push_escaped(out: &mut Vec<u8>, raw: &[u8]) {
    if raw.is_empty() {
        out.push(b'-');
        return;
    }
    push_bytes(out, raw, is_visible);
}

/// Appends the name of a stored file in a reversible form: as [`push_escaped`], with `%` itself written as `%25`. An
/// empty name (the target `/`) is written `/`.
pub fn push_name(out: &mut Vec<u8>, name: &[u8]) {
    if name.is_empty() {
        out.push(b'/');
        return;
    }
    push_bytes(out, name, |byte| is_visible(byte) && byte != b'%');
}

/// The bytes of a name in a header line: the inverse of [`push_name`]. A `%` without a valid escape stands for itself;
/// a header line that was parsed has none.
#[must_use]
pub fn decode_name(text: &str) -> Vec<u8> {
    if text == "/" {
        return Vec::new();
    }
    percent_encoding::percent_decode_str(text).collect()
}

/// Appends the header line of a request that succeeded: `PUT name length 36`.
///
/// `name` is the file's path below the root, *decoded* and without a leading `/`; it is written with [`push_name`].
/// `length` is the number of content bytes in the entry: 0 for all methods but PUT. `method` is one of [`METHODS`].
pub fn push_header(out: &mut Vec<u8>, method: &str, name: &[u8], length: u64) {
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    push_name(out, name);
    out.extend_from_slice(LENGTH);
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.push(b'\n');
}

/// Appends the line of a request that failed: `FAIL: GET abcd HTTP/1.1 --- response 400`.
///
/// The parts are as the peer sent them, the name without its leading `/`. `None` is a part that could not be read; it
/// is written `-`. An empty name is written `/`. Parts beyond [`PART_LIMIT`] are cut. `status` has three digits.
pub fn push_failure(
    out: &mut Vec<u8>,
    method: Option<&[u8]>,
    name: Option<&[u8]>,
    version: Option<&[u8]>,
    status: u16,
) {
    let name = name.map(|name| if name.is_empty() { b"/" } else { name });
    out.extend_from_slice(FAILURE);
    push_part(out, method);
    out.push(b' ');
    push_part(out, name);
    out.push(b' ');
    push_part(out, version);
    out.extend_from_slice(RESPONSE);
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b'\n');
}

/// Bytes of all rows of a content of `length` bytes, without header and separator.
///
/// Exact up to [`LARGEST`], which also represents all larger sums. The cost does not depend on the length.
#[must_use]
pub fn rows_len(length: u64) -> u64 {
    let row = ROW as u64;
    let mut total = 3 * u128::from(length);
    let mut digits = MIN_OFFSET_DIGITS;
    let mut band_start = 0;
    // Each band of offsets has one width. All its bounds are multiples of ROW, so a row lies in one band.
    while band_start < length {
        let band_end = 10_u64
            .checked_pow(digits_exponent(digits))
            .unwrap_or(u64::MAX);
        let rows = (length.min(band_end) - band_start).div_ceil(row);
        total += u128::from(rows) * (digits as u128 + 1);
        band_start = band_end;
        digits += 1;
    }
    u64::try_from(total).unwrap_or(LARGEST).min(LARGEST)
}

/// Bytes of all rows before the row at content offset `offset`, a multiple of [`ROW`]: the distance from the end of the
/// header line to that row.
#[must_use]
pub fn row_position(offset: u64) -> u64 {
    rows_len(offset)
}

/// Digits of the offset column in the row that begins at content offset `offset`.
#[must_use]
pub fn offset_digits(offset: u64) -> usize {
    let digits = offset.checked_ilog10().map_or(1, |log| log as usize + 1);
    digits.max(MIN_OFFSET_DIGITS)
}

/// Whether `byte` is written unescaped in a name or a part.
#[must_use]
pub fn is_visible(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E)
}

fn digits_exponent(digits: usize) -> u32 {
    u32::try_from(digits).unwrap_or(u32::MAX)
}

fn push_part(out: &mut Vec<u8>, part: Option<&[u8]>) {
    let start = out.len();
    let part = part.unwrap_or_default();
    push_escaped(out, &part[..part.len().min(PART_LIMIT)]);
    if out.len() - start > PART_LIMIT {
        // Cut before an escape, not inside it.
        let end = start + PART_LIMIT;
        let escape = out[end - 2..end].iter().position(|&byte| byte == b'%');
        out.truncate(escape.map_or(end, |at| end - 2 + at));
    }
}

fn push_bytes(out: &mut Vec<u8>, raw: &[u8], stands_for_itself: impl Fn(u8) -> bool) {
    out.reserve(raw.len());
    // Most texts have nothing to escape. This loop reads every byte, so the compiler makes vector instructions of it.
    if raw
        .iter()
        .fold(true, |all, &byte| all & stands_for_itself(byte))
    {
        out.extend_from_slice(raw);
        return;
    }
    for &byte in raw {
        if stands_for_itself(byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(percent_encoding::percent_encode_byte(byte).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hex::push_rows;
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn header_lines_have_method_name_and_length() {
        for (method, name, length, expected) in [
            (
                "PUT",
                &b"ABCDEFarqdeXYZxyzf012345-ab"[..],
                36,
                "PUT ABCDEFarqdeXYZxyzf012345-ab length 36\n",
            ),
            (
                "GET",
                b"ABCDEFarqdeXYZxyzf012345-ab",
                0,
                "GET ABCDEFarqdeXYZxyzf012345-ab length 0\n",
            ),
            ("GET", b"", 0, "GET / length 0\n"),
            (
                "DELETE",
                b"sub/dir/a b.txt",
                0,
                "DELETE sub/dir/a%20b.txt length 0\n",
            ),
            ("PUT", b"100%", 1, "PUT 100%25 length 1\n"),
            ("PUT", b"a\nb", 1, "PUT a%0Ab length 1\n"),
            (
                "PUT",
                b"\xc3\xa9",
                u64::MAX,
                "PUT %C3%A9 length 18446744073709551615\n",
            ),
        ] {
            assert_eq!(text(|out| push_header(out, method, name, length)), expected);
        }
    }

    #[test]
    fn failure_lines_have_the_request_line_and_status() {
        type Part = Option<&'static [u8]>;
        /// The parts of a request line as received, the status, and the line of the log.
        struct Row {
            method: Part,
            name: Part,
            version: Part,
            status: u16,
            line: &'static str,
        }
        let table = [
            Row {
                method: Some(b"GET"),
                name: Some(b"abcd"),
                version: Some(b"HTTP/1.1"),
                status: 400,
                line: "FAIL: GET abcd HTTP/1.1 --- response 400\n",
            },
            Row {
                method: None,
                name: None,
                version: None,
                status: 408,
                line: "FAIL: - - - --- response 408\n",
            },
            Row {
                method: Some(b"PUT"),
                name: Some(b""),
                version: Some(b"HTTP/1.0"),
                status: 400,
                line: "FAIL: PUT / HTTP/1.0 --- response 400\n",
            },
            Row {
                method: Some(b""),
                name: Some(b"a"),
                version: Some(b""),
                status: 500,
                line: "FAIL: - a - --- response 500\n",
            },
            Row {
                method: Some(b"G\nT"),
                name: Some(b"a\r\n========"),
                version: Some(b"\0"),
                status: 400,
                line: "FAIL: G%0AT a%0D%0A======== %00 --- response 400\n",
            },
            Row {
                method: Some(b"!~"),
                name: Some(b" \x7f%20"),
                version: Some(b"\xff"),
                status: 404,
                line: "FAIL: !~ %20%7F%20 %FF --- response 404\n",
            },
        ];
        for row in table {
            let line = text(|out| {
                push_failure(out, row.method, row.name, row.version, row.status);
            });
            assert_eq!(line, row.line);
        }
    }

    #[test]
    fn long_parts_are_cut_so_that_a_line_fits() {
        for raw in [b'a', b'\n', b'%', 0xFF] {
            for length in [
                PART_LIMIT / 3,
                PART_LIMIT / 3 + 1,
                PART_LIMIT,
                PART_LIMIT + 1,
                10 * PART_LIMIT,
            ] {
                let part = vec![raw; length];
                let part = Some(part.as_slice());
                let line = text(|out| push_failure(out, part, part, part, 431));
                assert!(line.len() <= LINE_LIMIT);
                if !is_visible(raw) {
                    assert!(line[FAILURE.len()..].starts_with('%'));
                    let first = line[FAILURE.len()..].split(' ').next().unwrap();
                    assert_eq!(first.len() % 3, 0, "an escape was cut in two");
                }
            }
        }
    }

    #[test]
    fn rows_of_each_length_are_written() {
        const SMALL: u64 = 100_000_000 / 20 * 9 + 300_000_000;
        const MEDIUM: u64 = SMALL + 900_000_000 / 20 * 10 + 2_700_000_000;
        for (length, expected) in [
            (0, 0),
            (1, 12),
            (19, 8 + 57 + 1),
            (20, 69),
            (21, 69 + 12),
            (40, 138),
            (99_999_999, SMALL - 3),
            (100_000_000, SMALL),
            (100_000_001, SMALL + 9 + 3 + 1),
            (1_000_000_000, MEDIUM),
            (1_000_000_020, MEDIUM + 10 + 60 + 1),
        ] {
            assert_eq!(rows_len(length), expected, "{length} bytes");
        }
    }

    #[test]
    fn absurd_lengths_stay_at_the_largest_number() {
        for length in [LARGEST, u64::MAX - 1, u64::MAX] {
            assert_eq!(rows_len(length), LARGEST);
        }
        let half = LARGEST / 4;
        assert!(rows_len(half) < LARGEST);
        assert!(rows_len(half) < rows_len(half + 1));
    }

    #[test]
    fn offset_column_widens_with_the_length() {
        for (offset, digits) in [
            (0, 8),
            (99_999_980, 8),
            (100_000_000, 9),
            (999_999_980, 9),
            (1_000_000_000, 10),
            (u64::MAX, 20),
        ] {
            assert_eq!(offset_digits(offset), digits, "{offset}");
        }
    }

    proptest! {
        #[test]
        fn rows_have_computed_length(row in 0..u64::MAX / 40, content in prop::collection::vec(any::<u8>(), 0..200)) {
            let start = row % 2_000_000_000_000 * ROW as u64;
            let mut out = Vec::new();
            push_rows(&mut out, start, &content);
            prop_assert_eq!(out.len() as u64, rows_len(start + content.len() as u64) - row_position(start));
        }

        #[test]
        fn rows_have_the_computed_length_where_widths_change(
            exponent in 8_u32..17, before in 0_u64..8, content in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let start = 10_u64.pow(exponent) - before * ROW as u64;
            let mut out = Vec::new();
            push_rows(&mut out, start, &content);
            prop_assert_eq!(out.len() as u64, rows_len(start + content.len() as u64) - row_position(start));
        }

        #[test]
        fn names_are_read_back(name in prop::collection::vec(any::<u8>(), 0..60)) {
            let text = text(|out| push_name(out, &name));
            let expected = if name == b"/" { Vec::new() } else { name };
            prop_assert_eq!(decode_name(&text), expected);
        }

        #[test]
        fn no_bytes_of_a_peer_make_a_second_line(
            parts in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..40)), 3),
        ) {
            let mut out = Vec::new();
            push_failure(&mut out, parts[0].as_deref(), parts[1].as_deref(), parts[2].as_deref(), 400);
            let line = String::from_utf8(out).unwrap();
            prop_assert_eq!(line.lines().count(), 1);
            prop_assert_eq!(line.matches(' ').count(), 6);
        }
    }
}
