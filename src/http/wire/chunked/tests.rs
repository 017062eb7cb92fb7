//! Chunked bodies: each whole, byte by byte, and split in two at every byte.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// The content, and the end: complete, `more`, or a status code. Content before an error is kept.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    content: Vec<u8>,
    verdict: String,
    /// Bytes after the end, which belong to the next request.
    after: usize,
}

/// Decodes `pieces` one after the other, as if each were one read from a socket.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = ChunkedDecoder::default();
    let mut found = Decoded {
        content: Vec::new(),
        verdict: "more".to_owned(),
        after: 0,
    };
    for piece in pieces {
        let mut used = 0;
        loop {
            match decoder.step(&piece[used..]) {
                Ok((len, Chunk::Data(range))) => {
                    assert!(!range.is_empty() && range.end == len, "{range:?} of {len}");
                    found.content.extend_from_slice(&piece[used..][range]);
                    used += len;
                }
                Ok((len, Chunk::NeedMore)) => {
                    assert_eq!(used + len, piece.len());
                    assert!(!decoder.is_finished());
                    break;
                }
                Ok((len, Chunk::End)) => {
                    assert!(decoder.is_finished());
                    found.after += piece.len() - used - len;
                    found.verdict = "end".to_owned();
                    break;
                }
                Err(refusal) => {
                    found.verdict = refusal.status.code().to_string();
                    return found;
                }
            }
        }
    }
    found
}

fn check(section: &str, raw: &[u8], content: &[u8], verdict: &str) {
    let whole = decode([raw]);
    let shown = raw[..raw.len().min(200)].escape_ascii();
    assert_eq!(
        whole.content.escape_ascii().to_string(),
        content.escape_ascii().to_string(),
        "{section}: {shown}"
    );
    assert_eq!(whole.verdict, verdict, "{section}: {shown}");
    assert_eq!(
        decode(raw.chunks(1)),
        whole,
        "{section}: byte by byte: {shown}"
    );
    for split in 0..=raw.len() {
        assert_eq!(
            decode([&raw[..split], &raw[split..]]),
            whole,
            "{section}: split at {split}: {shown}"
        );
    }
}

/// A body.
struct Row {
    /// The RFC and the section.
    section: &'static str,
    raw: &'static [u8],
    /// The result.
    content: &'static [u8],
    /// As in [`Decoded`].
    verdict: &'static str,
}

/// A body that is complete.
const fn whole(section: &'static str, raw: &'static [u8], content: &'static [u8]) -> Row {
    Row {
        section,
        raw,
        content,
        verdict: "end",
    }
}

/// The beginning of a body.
const fn begun(section: &'static str, raw: &'static [u8], content: &'static [u8]) -> Row {
    Row {
        verdict: "more",
        ..whole(section, raw, content)
    }
}

/// A body that breaks the rules, with the content before that.
const fn bad(section: &'static str, raw: &'static [u8], content: &'static [u8]) -> Row {
    Row {
        verdict: "400",
        ..whole(section, raw, content)
    }
}

const BODIES: &[Row] = &[
    whole("9112 §7.1", b"0\r\n\r\n", b""),
    whole("9112 §7.1", b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    whole("9112 §7.1", b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", b"hello!"),
    whole("9112 §7.1", b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    whole("9112 §7.1", b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    whole(
        "9112 §7.1",
        b"10\r\n0123456789abcdef\r\n0\r\n\r\n",
        b"0123456789abcdef",
    ),
    whole("9112 §7.1", b"0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    whole(
        "9112 §7.1",
        b"0000000000000001\r\na\r\n0000000000000000\r\n\r\n",
        b"a",
    ),
    whole("9112 §7.1", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    whole("9112 §7.1", b"3\r\n\0\xff\n\r\n0\r\n\r\n", b"\0\xff\n"),
    whole("9112 §7.1", b"0\r\n\r\nGET / HTTP/1.1\r\n", b""),
    whole("9112 §7.1", b"1\r\na\r\n0\r\n\r\n0\r\n\r\n", b"a"),
    // Cut short.
    begun("9112 §8", b"", b""),
    begun("9112 §8", b"5", b""),
    begun("9112 §8", b"5\r", b""),
    begun("9112 §8", b"5\r\n", b""),
    begun("9112 §8", b"5\r\nhel", b"hel"),
    begun("9112 §8", b"5\r\nhello", b"hello"),
    begun("9112 §8", b"5\r\nhello\r", b"hello"),
    begun("9112 §8", b"5\r\nhello\r\n", b"hello"),
    begun("9112 §8", b"5\r\nhello\r\n0\r\n", b"hello"),
    begun("9112 §8", b"5\r\nhello\r\n0\r\n\r", b"hello"),
    begun("9112 §8", b"ffffffffffffffff\r\na", b"a"),
    // Sizes.
    bad("9112 §7.1", b"00000000000000001\r\na\r\n", b""),
    bad("9112 §7.1", b"10000000000000000\r\na", b""),
    bad("9112 §7.1", b"00000000000000000\r\n\r\n", b""),
    bad("9112 §7.1", b"\r\n", b""),
    bad("9112 §7.1", b" 5\r\nhello\r\n", b""),
    bad("9112 §7.1", b"\t5\r\nhello\r\n", b""),
    bad("9112 §7.1", b"5 \r\nhello\r\n", b""),
    bad("9112 §7.1", b"5 5\r\nhello\r\n", b""),
    bad("9112 §7.1", b"+5\r\nhello\r\n", b""),
    bad("9112 §7.1", b"-5\r\nhello\r\n", b""),
    bad("9112 §7.1", b"0x5\r\nhello\r\n", b""),
    bad("9112 §7.1", b"5h\r\nhello\r\n", b""),
    bad("9112 §7.1", b"g\r\nhello\r\n", b""),
    bad("9112 §7.1", b"1_0\r\nhello\r\n", b""),
    bad("9112 §7.1", b"5\0\r\nhello\r\n", b""),
    bad("9112 §7.1", b"5,5\r\nhello\r\n", b""),
    bad("9112 §7.1", b"\xef\xbc\x95\r\nhello\r\n", b""),
    bad("9112 §7.1", b";a\r\nhello\r\n", b""),
    // Line ends.
    bad("9112 §7.1", b"5\nhello\r\n0\r\n\r\n", b""),
    bad("9112 §7.1", b"5\rhello\r\n0\r\n\r\n", b""),
    bad("9112 §7.1", b"5\r\r\nhello\r\n0\r\n\r\n", b""),
    bad("9112 §7.1", b"5\n\r\nhello\r\n", b""),
    bad("9112 §7.1", b"5\r\nhello\n0\r\n\r\n", b"hello"),
    bad("9112 §7.1", b"5\r\nhello0\r\n\r\n", b"hello"),
    bad("9112 §7.1", b"5\r\nhello!\r\n0\r\n\r\n", b"hello"),
    bad("9112 §7.1", b"5\r\nhello\r0\r\n\r\n", b"hello"),
    bad("9112 §7.1", b"5\r\nhello\r\n\r\n0\r\n\r\n", b"hello"),
    bad("9112 §7.1", b"1\rXa\r\n0\r\n\r\n", b""),
    bad("9112 §7.1", b"1\r\naX\n0\r\n\r\n", b"a"),
    bad("9112 §7.1", b"1\r\na\rX0\r\n\r\n", b"a"),
    bad("9112 §7.1", b"0\rX\r\n", b""),
    bad("9112 §7.1", b"0\n\n", b""),
    bad("9112 §7.1", b"0\r\n\n", b""),
    bad("9112 §7.1", b"0\r\n\rX", b""),
    // Extensions.
    whole("9112 §7.1.1", b"5;a\r\nhello\r\n0;b\r\n\r\n", b"hello"),
    whole(
        "9112 §7.1.1",
        b"5;a=b;c=\"d e\"\r\nhello\r\n0\r\n\r\n",
        b"hello",
    ),
    whole("9112 §7.1.1", b"5 ;\ta = b\r\nhello\r\n0\r\n\r\n", b"hello"),
    whole("9112 §7.1.1", b"5\t \t;a\r\nhello\r\n0\r\n\r\n", b"hello"),
    whole(
        "9112 §7.1.1",
        b"5;a=\"\xc3\xa9\"\r\nhello\r\n0\r\n\r\n",
        b"hello",
    ),
    bad("9112 §7.1.1", b"5;a\nhello\r\n0\r\n\r\n", b""),
    bad("9112 §7.1.1", b"5;a\rhello\r\n0\r\n\r\n", b""),
    bad("9112 §7.1.1", b"5;a\r\r\nhello\r\n0\r\n\r\n", b""),
    bad("9112 §7.1.1", b"5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", b""),
    bad("9112 §7.1.1", b"5;a\0\r\nhello\r\n", b""),
    bad("9112 §7.1.1", b"5;\x7f\r\nhello\r\n", b""),
    bad("9112 §7.1.1", b"5;\x0b\r\nhello\r\n", b""),
    bad("9112 §7.1.1", b"5 a\r\nhello\r\n", b""),
    bad("9112 §7.1.1", b"5 \n;a\r\nhello\r\n", b""),
    // Trailers.
    whole("9112 §7.1.2", b"1\r\na\r\n0\r\nA: b\r\n\r\n", b"a"),
    whole("9112 §7.1.2", b"0\r\nA:\r\nB: c\td\xff\r\n\r\nGET", b""),
    whole("9112 §7.1.2", b"0\r\nContent-Length: 5\r\n\r\n", b""),
    begun("9112 §7.1.2", b"0\r\nA: b\r\n", b""),
    bad("9112 §7.1.2", b"0\r\nA : b\r\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\n: b\r\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\nA\r\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\nA: b\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\nA: b\n\n", b""),
    bad("9112 §7.1.2", b"0\r\nA: b\rC\r\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\nA: \0\r\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\nA: b\r\n c\r\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\n A: b\r\n\r\n", b""),
    bad("9112 §7.1.2", b"0\r\nGET / HTTP/1.1\r\n\r\n", b""),
];

#[test]
fn bodies_are_decoded_or_refused() {
    for row in BODIES {
        check(row.section, row.raw, row.content, row.verdict);
    }
}

/// The bytes between the size of a chunk and its CRLF, and whether the grammar derives them (RFC 9112 §7.1.1, RFC 9110
/// §5.6.4).
const EXTENSIONS: &[(&[u8], bool)] = &[
    (b"", true),
    (b";a", true),
    (b";a;b;c", true),
    (b";a=b", true),
    (b";!#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~", true),
    (b" ;a", true),
    (b"\t; \ta \t= \tb \t; \tc", true),
    (b"; a=\"\"", true),
    (b";a=\"b c;d=e\"", true),
    (b";a=\"\\\"\"", true),
    (b";a=\"\\\\\"", true),
    (b";a=\"\\ \\\t\\\xff\"", true),
    (b";a=\"\t\xc3\xa9\"", true),
    (b";a=\"b\";c", true),
    (b";a=\"b\" ;c=d", true),
    (b";0=1", true),
    // White space belongs before a `;`, around a `=`, and nowhere else.
    (b" ", false),
    (b"\t", false),
    (b";a ", false),
    (b";a=b ", false),
    (b";a=\"b\" ", false),
    (b" a", false),
    (b";a b", false),
    (b";a=b c", false),
    (b";a=\"b\" c", false),
    // A name is a token, and so is a value without quotes.
    (b";", false),
    (b"; ", false),
    (b";;a", false),
    (b";a;", false),
    (b";a; ", false),
    (b";=", false),
    (b";=a", false),
    (b";a=", false),
    (b";a= ", false),
    (b";a=;b", false),
    (b";a==b", false),
    (b";a=b=c", false),
    (b";\"a\"", false),
    (b";a=b\"c\"", false),
    (b";a=\"b\"c", false),
    (b";a=\"b\"\"c\"", false),
    (b";a=\"b\"=c", false),
    (b";a/b", false),
    (b";a=b/c", false),
    (b";a,b", false),
    (b";a:b", false),
    (b";a=(b)", false),
    (b";a=\xc3\xa9", false),
    (b";\xc3\xa9", false),
    (b"=a", false),
    (b",a", false),
    // A quoted string ends, and holds no control byte but HTAB.
    (b";a=\"", false),
    (b";a=\"b", false),
    (b";a=\"b\\", false),
    (b";a=\"b\\\"", false),
    (b";a=\"\0\"", false),
    (b";a=\"\\\0\"", false),
    (b";a=\"\x7f\"", false),
    (b";a=\"\\\x7f\"", false),
    (b";a='b c'", false),
    (b";a\\b", false),
    (b";a\0", false),
    (b";\x0b", false),
];

#[test]
fn extensions_are_skipped_or_refused() {
    for (extensions, is_derived) in EXTENSIONS {
        let raw = [b"5", *extensions, b"\r\nhello\r\n0\r\n\r\n"].concat();
        let (content, verdict) = match is_derived {
            true => (&b"hello"[..], "end"),
            false => (&b""[..], "400"),
        };
        check("9112 §7.1.1", &raw, content, verdict);
        // The last chunk has them, too.
        let raw = [b"0", *extensions, b"\r\n\r\n"].concat();
        check("9112 §7.1.1", &raw, b"", verdict);
    }
}

#[test]
fn bytes_behind_the_end_are_left() {
    let found = decode([&b"1\r\na\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1"[..]]);
    assert_eq!(found.after, "GET / HTTP/1.1".len());
}

#[test]
fn extensions_are_limited() {
    // The `;` counts, and so does the white space before it.
    let extension = |len: usize| format!("1 ;{}\r\na\r\n", "x".repeat(len - 2));
    let end = "0\r\n\r\n";
    let half = MAX_CHUNK_EXTENSIONS_LEN / 2;
    for (raw, verdict) in [
        (
            format!("{}{end}", extension(MAX_CHUNK_EXTENSIONS_LEN)),
            "end",
        ),
        (
            format!("{}{end}", extension(MAX_CHUNK_EXTENSIONS_LEN + 1)),
            "400",
        ),
        (
            format!("{}{}{end}", extension(half), extension(half)),
            "end",
        ),
        (
            format!("{}{}{end}", extension(half), extension(half + 1)),
            "400",
        ),
        (format!("1{}", " ".repeat(MAX_CHUNK_EXTENSIONS_LEN)), "more"),
        (
            format!("1{}", " ".repeat(MAX_CHUNK_EXTENSIONS_LEN + 1)),
            "400",
        ),
    ] {
        assert_eq!(
            decode([raw.as_bytes()]).verdict,
            verdict,
            "{} bytes",
            raw.len()
        );
        assert_eq!(decode(raw.as_bytes().chunks(7)), decode([raw.as_bytes()]));
    }
}

#[test]
fn trailers_are_limited() {
    let long = |len: usize| format!("0\r\nA:{}\r\n\r\n", "b".repeat(len - "A:\r\n".len()));
    let many = |fields: usize| format!("0\r\n{}\r\n", "A:\r\n".repeat(fields));
    for (raw, verdict) in [
        (long(MAX_FIELDS_LEN), "end"),
        (long(MAX_FIELDS_LEN + 1), "431"),
        (many(MAX_FIELDS), "end"),
        (many(MAX_FIELDS + 1), "431"),
    ] {
        assert_eq!(
            decode([raw.as_bytes()]).verdict,
            verdict,
            "{} bytes",
            raw.len()
        );
        assert_eq!(decode(raw.as_bytes().chunks(7)), decode([raw.as_bytes()]));
    }
}

#[test]
fn decoder_is_small() {
    assert!(
        size_of::<ChunkedDecoder>() < 64,
        "{}",
        size_of::<ChunkedDecoder>()
    );
}

/// Bytes that come close to chunked bodies: pieces of them, in any order.
fn near_bodies() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"0",
        b"1",
        b"3",
        b"f",
        b"\r\n",
        b"\r",
        b"\n",
        b";",
        b";a",
        b"=",
        b"\"",
        b"\\",
        b" ",
        b"abc",
        b"a",
        b"A: b\r\n",
        b"1\r\na\r\n",
        b"3\r\nabc\r\n",
        b"0\r\n",
        b"\0",
        b"\xff",
    ];
    vec(proptest::sample::select(pieces), 0..16).prop_map(|pieces| pieces.concat())
}

fn split_at<'a>(raw: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(raw.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(raw.len());
    let mut start = 0;
    let pieces = ends
        .iter()
        .map(|&end| &raw[std::mem::replace(&mut start, end)..end]);
    pieces.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_do_not_change_the_verdict(
        raw in prop_oneof![near_bodies(), vec(any::<u8>(), 0..100)],
        cuts in vec(any::<Index>(), 0..6),
    ) {
        prop_assert_eq!(decode(split_at(&raw, &cuts)), decode([&raw[..]]));
    }

    #[test]
    fn encoded_content_is_decoded(
        chunks in vec(vec(any::<u8>(), 1..40), 0..6),
        extension in "([ \t]?;[ \t]?[a-z]{1,5}([ \t]?=[ \t]?([0-9]|\"([a \t;=]|\\\\[!-~])*\"))?){0,3}",
        cuts in vec(any::<Index>(), 0..6),
        after in vec(any::<u8>(), 0..10),
    ) {
        let mut raw = Vec::new();
        for chunk in &chunks {
            raw.extend_from_slice(format!("{:X}{extension}\r\n", chunk.len()).as_bytes());
            raw.extend_from_slice(chunk);
            raw.extend_from_slice(b"\r\n");
        }
        raw.extend_from_slice(b"0\r\n\r\n");
        raw.extend_from_slice(&after);
        let found = decode(split_at(&raw, &cuts));
        prop_assert_eq!(found.content, chunks.concat());
        prop_assert_eq!(found.verdict, "end");
        prop_assert_eq!(found.after, after.len());
    }
}
