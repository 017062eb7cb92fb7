//! A written log can be read; a cut log is torn; an altered log is detected.

use super::*;
use crate::request_log::format::layout::{push_failure, push_header};
use crate::request_log::read::fault::{Fault, Nature};
use proptest::prelude::*;
use std::io;

/// The values of an entry for a writer.
#[derive(Debug, Clone)]
enum Entry {
    Success(&'static str, Vec<u8>, Vec<u8>),
    Failure(Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, u16),
}

fn written(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    match entry {
        Entry::Success(method, name, content) => {
            push_header(&mut out, method, name, content.len() as u64);
            push_rows(&mut out, 0, content);
        }
        Entry::Failure(method, name, version, status) => {
            push_failure(
                &mut out,
                method.as_deref(),
                name.as_deref(),
                version.as_deref(),
                *status,
            );
        }
    }
    out.extend_from_slice(SEPARATOR);
    out
}

/// Returns its bytes in reads of the given lengths.
struct Split<'a> {
    bytes: &'a [u8],
    lengths: &'a [usize],
    turn: usize,
}

impl Read for Split<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.turn % self.lengths.len()].min(out.len());
        self.turn += 1;
        self.bytes.read(&mut out[..length])
    }
}

/// Reads all complete entries with their content, and the faults.
fn read_all(input: impl Read) -> (Vec<(EntryHead, Vec<u8>)>, Vec<Fault>) {
    let mut reader = Reader::new(input);
    let mut entries = Vec::new();
    let mut faults = Vec::new();
    loop {
        let result = next_whole(&mut reader);
        match result {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => return (entries, faults),
            Err(ReadError::Fault(fault)) => faults.push(fault),
            Err(ReadError::Input(error)) => panic!("{error}"),
        }
    }
}

fn next_whole<R: Read>(reader: &mut Reader<R>) -> Result<Option<(EntryHead, Vec<u8>)>, ReadError> {
    let Some(head) = reader.next_entry()? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    while let Some(piece) = reader.content()? {
        content.extend_from_slice(piece);
    }
    Ok(Some((head, content)))
}

/// One entry of every shape, and a content of more than one row.
fn sample() -> Vec<Entry> {
    vec![
        Entry::Success("PUT", b"a b%".to_vec(), (0..23).collect()),
        Entry::Success("GET", b"".to_vec(), Vec::new()),
        Entry::Failure(Some(b"GET".to_vec()), Some(b"x\n".to_vec()), None, 400),
        Entry::Success("PUT", b"sub/empty".to_vec(), Vec::new()),
        Entry::Success("DELETE", b"a b%".to_vec(), Vec::new()),
        Entry::Success("PUT", b"c".to_vec(), b"x".repeat(40)),
    ]
}

fn concatenated(entries: &[Entry]) -> Vec<u8> {
    entries.iter().flat_map(written).collect()
}

fn check_equal(expected: &[Entry], found: &[(EntryHead, Vec<u8>)]) {
    assert_eq!(expected.len(), found.len());
    let mut offset = 0;
    for (number, (expected, (head, content))) in (1..).zip(expected.iter().zip(found)) {
        assert_eq!((head.number, head.offset), (number, offset));
        offset += written(expected).len() as u64;
        match (expected, &head.kind) {
            (
                Entry::Success(method, name, bytes),
                LoggedRequest::Success {
                    method: found_method,
                    name: text,
                    length,
                },
            ) => {
                assert_eq!(method, found_method);
                assert_eq!(name, &crate::request_log::format::layout::decode_name(text));
                assert_eq!(bytes, content);
                assert_eq!(bytes.len() as u64, *length);
            }
            (
                Entry::Failure(.., status),
                LoggedRequest::Failure {
                    status: found_status,
                    ..
                },
            ) => {
                assert_eq!(status, found_status);
                assert!(content.is_empty());
            }
            _ => panic!("{expected:?} was read as {head:?}"),
        }
    }
}

fn any_part() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..30))
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let name = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..30),
            "[A-Za-z0-9_-]{27}".prop_map(String::into_bytes)
        ]
        .prop_filter("a name `/` is written as the empty one", |name| {
            name != b"/"
        })
    };
    let lengths = prop_oneof![0_usize..100, Just(to_usize(PIECE)), 10_000_usize..50_000];
    prop_oneof![
        (name(), lengths, any::<u8>()).prop_map(|(name, length, step)| {
            let content = (0..length)
                .map(|at| at.wrapping_mul(usize::from(step)).to_le_bytes()[0])
                .collect();
            Entry::Success("PUT", name, content)
        }),
        (
            name(),
            prop::sample::select(vec!["GET", "HEAD", "DELETE", "OPTIONS"])
        )
            .prop_map(|(name, method)| Entry::Success(method, name, Vec::new())),
        (any_part(), any_part(), any_part(), 300_u16..600).prop_map(
            |(method, name, version, status)| Entry::Failure(method, name, version, status)
        ),
    ]
}

proptest! {
    #[test]
    fn written_log_is_read_however_the_input_is_split(
        entries in prop::collection::vec(any_entry(), 0..8),
        lengths in prop::collection::vec(1_usize..5_000, 1..20),
    ) {
        let log = concatenated(&entries);
        let (found, faults) = read_all(Split { bytes: &log, lengths: &lengths, turn: 0 });
        prop_assert_eq!(faults, vec![]);
        check_equal(&entries, &found);
    }

    #[test]
    fn any_cut_is_torn_and_never_corrupt(
        entries in prop::collection::vec(any_entry(), 1..5), cut in any::<prop::sample::Index>(),
    ) {
        let log = concatenated(&entries);
        check_cut(&entries, &log, cut.index(log.len()));
    }

    #[test]
    fn reading_of_any_bytes_ends(log in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&log[..]);
    }
}

/// A log cut at `cut` holds the entries before, and one torn entry if the cut is inside of one.
fn check_cut(entries: &[Entry], log: &[u8], cut: usize) {
    let (found, faults) = read_all(&log[..cut]);
    let mut whole = 0;
    let mut end = 0;
    while whole < entries.len() && end + written(&entries[whole]).len() <= cut {
        end += written(&entries[whole]).len();
        whole += 1;
    }
    check_equal(&entries[..whole], &found);
    assert_eq!(faults.len(), usize::from(end < cut), "{faults:?}");
    for fault in faults {
        assert_eq!(fault.nature, Nature::Torn, "{fault}");
        assert_eq!((fault.entry, fault.offset), (end as u64, cut as u64));
    }
}

#[test]
fn log_cut_at_any_byte_is_torn() {
    let log = concatenated(&sample());
    for cut in 0..=log.len() {
        check_cut(&sample(), &log, cut);
    }
}

/// An entry that is cut at any byte, before, after or between others, does not affect the others.
#[test]
fn space_never_written_is_torn_and_the_rest_is_read() {
    let entries = sample();
    for torn in 0..entries.len() {
        let before = concatenated(&entries[..torn]);
        let after = concatenated(&entries[torn + 1..]);
        let whole = written(&entries[torn]);
        for present in 0..whole.len() {
            let mut log = [&before[..], &whole[..present]].concat();
            log.resize(before.len() + whole.len(), 0);
            log.extend_from_slice(&after);
            let (found, faults) = read_all(&log[..]);
            let [fault] = &faults[..] else {
                panic!("{torn} {present}: {faults:?}")
            };
            assert_eq!(fault.nature, Nature::Torn, "{fault}");
            assert_eq!(fault.entry, before.len() as u64, "{fault}");
            assert_eq!(fault.offset, (before.len() + present) as u64, "{fault}");
            assert_eq!(found.len(), entries.len() - 1);
            let last = found.last().unwrap();
            assert!(torn == entries.len() - 1 || last.1 == b"x".repeat(40));
        }
    }
}

/// Each byte of the sample is replaced by each other byte. The change is detected, unless a log without checksums
/// cannot show it (see `reader`); then only that byte differs.
#[test]
fn any_altered_byte_is_noticed_or_free() {
    let entries = sample();
    let log = concatenated(&entries);
    let free = free_bytes(&log);
    let mut altered = log.clone();
    for at in 0..log.len() {
        for byte in 0..=255 {
            if byte == log[at] {
                continue;
            }
            altered[at] = byte;
            let (found, faults) = read_all(&altered[..]);
            if faults.is_empty() {
                assert!(
                    free[at],
                    "`{}` at {at} passes unnoticed",
                    byte.escape_ascii()
                );
                assert_eq!(found.len(), entries.len());
            } else if byte != 0 {
                assert_eq!(faults[0].nature, Nature::Corrupt, "{}", faults[0]);
            }
        }
        altered[at] = log[at];
    }
}

/// The bytes of a log that are names, parts, digits of statuses, or hex digits in rows.
fn free_bytes(log: &[u8]) -> Vec<bool> {
    let mut free = Vec::new();
    for line in log.split_inclusive(|&byte| byte == b'\n') {
        let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        for (index, word) in words.iter().enumerate() {
            let is_free = match words[0] {
                b"FAIL:" => (1..=3).contains(&index) || index == 6,
                row if row[0].is_ascii_digit() => index > 0,
                _ => index == 1,
            };
            free.extend(word.iter().map(|&byte| is_free && byte != b'\n'));
            free.extend((index + 1 < words.len()).then_some(false));
        }
    }
    free
}

#[test]
fn faults_have_their_cause_and_position() {
    let put = "PUT a length 21\n00000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n00000020 14\n========\n";
    let get = "GET a length 0\n========\n";
    let after = format!("{get}POST a length 0\n========\n");
    let nul = |text: &str| text.replace('~', "\0");
    for (log, expected) in [
        (
            "x".to_owned(),
            "corrupt entry at byte 0: expected a header line at byte 0, found `x`",
        ),
        (
            after,
            "corrupt entry at byte 24: expected a header line at byte 25, found `O`",
        ),
        (
            get.replace(" 0", " 1"),
            "corrupt entry at byte 0: expected length 0, and then a newline at byte 13, found `1`",
        ),
        (
            put.replace("21", "20"),
            "corrupt entry at byte 0: expected the separator `========` and a newline at byte 85, found `0`",
        ),
        (
            put.replace("21", "22"),
            "corrupt entry at byte 0: expected a space in row 00000020 at byte 96, found a newline",
        ),
        (
            put.replace("21", "19"),
            "corrupt entry at byte 0: expected a newline, the end of row 00000000 at byte 81, found a space",
        ),
        (
            put.replace("0f", "0F"),
            "corrupt entry at byte 0: expected a lower-case hex digit in row 00000000 at byte 71, found `F`",
        ),
        (
            put.replace("00000020", "00000021"),
            "corrupt entry at byte 0: expected row offset 00000020 at byte 92, found `1`",
        ),
        (
            put.replace("=\n", "=\r\n"),
            "corrupt entry at byte 0: expected the separator `========` and a newline at byte 105, found byte 0x0d",
        ),
        (
            "PUT a length 2".to_owned(),
            "torn entry at byte 0: expected `\\n` at byte 14, found the end of the file",
        ),
        (
            nul("GET a length 0\n==~~~~~~~"),
            "torn entry at byte 0: expected the separator `========` and a newline at byte 17, found NUL bytes up to the end of the file, byte 24",
        ),
        (
            nul("GET a~~~GET a length 0\n========\n"),
            "torn entry at byte 0: expected ` length ` at byte 5, found NUL bytes up to byte 8",
        ),
        (
            nul("~~~~"),
            "torn entry at byte 0: expected the first line of an entry at byte 0, found NUL bytes up to the end of the file, byte 4",
        ),
        (
            nul("GET a length 0\n==~~~GET a length 0\n========\n"),
            "corrupt entry at byte 0: expected a NUL byte, as the entry breaks off at byte 17 and would end at byte 24 at byte 20, found `G`",
        ),
    ] {
        let (_, faults) = read_all(log.as_bytes());
        assert_eq!(
            faults.first().map(ToString::to_string).as_deref(),
            Some(expected),
            "{log:?}"
        );
    }
}

#[test]
fn an_endless_line_is_corrupt_and_a_long_one_is_not() {
    let line = |length: usize| {
        format!(
            "PUT {} length 0\n========\n",
            "n".repeat(length - "PUT  length 0\n".len())
        )
    };
    assert_eq!(read_all(line(LINE_LIMIT).as_bytes()).1, vec![]);
    let (_, faults) = read_all(line(LINE_LIMIT + 1).as_bytes());
    assert_eq!(faults[0].nature, Nature::Corrupt);
    let endless = Read::chain(&b"GET "[..], io::repeat(b'a'));
    assert_eq!(read_all(endless).1[0].offset, LINE_LIMIT as u64 - 1);
}

#[test]
fn reading_goes_on_from_an_entry_on() {
    let log = concatenated(&sample());
    let (all, _) = read_all(&log[..]);
    for (head, content) in &all {
        let from = usize::try_from(head.offset).unwrap();
        let mut reader = Reader::resume(&log[from..], head.offset, head.number);
        assert_eq!(
            next_whole(&mut reader).unwrap().unwrap(),
            (head.clone(), content.clone())
        );
    }
}

#[test]
fn a_claimed_length_costs_no_memory() {
    let log = format!("PUT a length {}\n", u64::from(u32::MAX) * 1_000_000);
    let mut reader = Reader::new(log.as_bytes());
    reader.next_entry().unwrap();
    assert!(matches!(
        reader.content(),
        Err(ReadError::Fault(Fault {
            nature: Nature::Torn,
            ..
        }))
    ));
    assert!(reader.content.capacity() <= 2 * to_usize(PIECE));
}

#[test]
fn the_position_is_what_has_been_read() {
    let log = concatenated(&sample());
    let mut reader = Reader::new(&log[..]);
    while reader.next_entry().unwrap().is_some() {}
    assert_eq!(reader.position(), log.len() as u64);
}
