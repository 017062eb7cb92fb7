//! Parsing of the first line of an entry.
//!
//! This is the exact inverse of [`super::layout::push_header`] and [`super::layout::push_failure`]: it accepts the
//! lines that they write and no others. It distinguishes a line that ends too early from a wrong one, since an
//! interrupted write causes the first and never the second.

use super::layout::{FAILURE, LARGEST, LENGTH, METHODS, RESPONSE, is_visible, rows_len};

/// The statuses of failed requests: redirections (RFC 9110 §15.4) and errors (§15.5, §15.6).
const STATUSES: std::ops::RangeInclusive<u16> = 300..=599;

/// A parsed first line. Names and parts are as in the log: escaped, and thus ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggedRequest {
    /// A request that succeeded.
    Success {
        /// One of [`METHODS`].
        method: &'static str,
        /// The name; [`super::layout::decode_name`] returns its bytes.
        name: String,
        /// Bytes of content in the entry; 0 for everything but a PUT.
        length: u64,
    },
    /// A request that failed.
    Failure {
        /// The method as received, or `-`.
        method: String,
        /// The target as received without its leading `/`, or `-`.
        name: String,
        /// The version as received, or `-`.
        version: String,
        /// The status of the response.
        status: u16,
    },
}

impl LoggedRequest {
    /// Parses a first line without its newline, as in a seal. `None` if it is invalid.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        parse(format!("{line}\n").as_bytes()).ok()
    }
}

/// Why bytes are not a first line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// The bytes are the beginning of a first line; this would follow.
    Unfinished {
        /// The part that would follow.
        expected: String,
    },
    /// No first line begins with these bytes.
    Wrong {
        /// Index of the first wrong byte.
        at: usize,
        /// The expected part at that index.
        expected: String,
    },
}

/// Parses a first line, including its newline, at the start of `text`.
pub(crate) fn parse(text: &[u8]) -> Result<LoggedRequest, LineError> {
    let mut cursor = Cursor { text, at: 0 };
    if cursor.skip(FAILURE) {
        return failure(&mut cursor);
    }
    for method in METHODS {
        if cursor.skip(method.as_bytes()) {
            return success(&mut cursor, method);
        }
    }
    let at = beginnings()
        .map(|beginning| common_prefix(beginning, text))
        .max()
        .unwrap_or(0);
    cursor.at = at;
    Err(cursor.not("a header line"))
}

/// Bytes that [`may_begin_log`] needs, or fewer at the end of a file.
pub const BEGINNING: usize = 8;

/// Whether a file with the first bytes `head` can be a log: they begin a first line, or are the NUL bytes of an entry
/// that was reserved and never written. `head` has [`BEGINNING`] bytes, or the whole file.
#[must_use]
pub fn may_begin_log(head: &[u8]) -> bool {
    head.first() == Some(&0)
        || beginnings().any(|known| {
            let (beginning, rest) = head.split_at(head.len().min(known.len()));
            known.starts_with(beginning)
                && (rest.is_empty() || rest[0] == b' ' || known.ends_with(b" "))
        })
}

/// The beginnings of first lines.
fn beginnings() -> impl Iterator<Item = &'static [u8]> {
    let methods = METHODS.iter().map(|method| method.as_bytes());
    methods.chain([FAILURE])
}

/// Index of the first byte in which two texts differ, or the length of the shorter one.
pub(crate) fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    one.iter()
        .zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

fn success(cursor: &mut Cursor<'_>, method: &'static str) -> Result<LoggedRequest, LineError> {
    cursor.literal(b" ")?;
    let name = cursor.name()?;
    cursor.literal(LENGTH)?;
    let length = cursor.length(method == "PUT")?;
    cursor.literal(b"\n")?;
    Ok(LoggedRequest::Success {
        method,
        name,
        length,
    })
}

fn failure(cursor: &mut Cursor<'_>) -> Result<LoggedRequest, LineError> {
    let method = cursor.token("a method")?;
    cursor.literal(b" ")?;
    let name = cursor.token("a target")?;
    cursor.literal(b" ")?;
    let version = cursor.token("a version")?;
    cursor.literal(RESPONSE)?;
    let status = cursor.status()?;
    cursor.literal(b"\n")?;
    Ok(LoggedRequest::Failure {
        method,
        name,
        version,
        status,
    })
}

/// A position in a line; every step returns its expectation on failure.
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &[u8] {
        &self.text[self.at..]
    }

    fn not(&self, expected: &str) -> LineError {
        let expected = expected.to_owned();
        if self.rest().is_empty() {
            LineError::Unfinished { expected }
        } else {
            LineError::Wrong {
                at: self.at,
                expected,
            }
        }
    }

    fn skip(&mut self, literal: &[u8]) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), LineError> {
        if self.skip(literal) {
            return Ok(());
        }
        self.at += common_prefix(self.rest(), literal);
        Err(self.not(&format!("`{}`", literal.escape_ascii())))
    }

    /// Visible bytes, at least one.
    fn token(&mut self, expected: &str) -> Result<String, LineError> {
        let length = self
            .rest()
            .iter()
            .take_while(|&&byte| is_visible(byte))
            .count();
        if length == 0 {
            return Err(self.not(expected));
        }
        let token = self.rest()[..length]
            .iter()
            .copied()
            .map(char::from)
            .collect();
        self.at += length;
        Ok(token)
    }

    /// A token in which `%` begins an escape of a byte that must be escaped.
    fn name(&mut self) -> Result<String, LineError> {
        let start = self.at;
        let name = self.token("a name")?;
        let end = self.at;
        let mut from = start;
        while let Some(percent) = memchr::memchr(b'%', &self.text[from..end]) {
            self.at = from + percent;
            self.escape()?;
            from = self.at;
        }
        self.at = end;
        Ok(name)
    }

    fn escape(&mut self) -> Result<(), LineError> {
        const EXPECTED: &str = "`%` and two upper-case hex digits of a byte that must be escaped";
        let percent = self.at;
        let mut byte = 0;
        for _ in 0..2 {
            self.at += 1;
            let digit = match self.rest().first() {
                Some(digit @ b'0'..=b'9') => digit - b'0',
                Some(digit @ b'A'..=b'F') => digit - b'A' + 10,
                _ => return Err(self.not(EXPECTED)),
            };
            byte = byte << 4 | digit;
        }
        if is_visible(byte) && byte != b'%' {
            self.at = percent;
            return Err(self.not(EXPECTED));
        }
        self.at += 1;
        Ok(())
    }

    /// A decimal number without leading zeros: 0, or a length that fits a file if the entry has content.
    fn length(&mut self, has_content: bool) -> Result<u64, LineError> {
        let start = self.at;
        let mut length = 0_u64;
        while let Some(&digit @ b'0'..=b'9') = self.rest().first() {
            let leading_zero = self.at > start && length == 0;
            let next = length
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
            match next.filter(|&next| rows_len(next) < LARGEST && !leading_zero) {
                Some(next) if has_content || next == 0 => length = next,
                _ if has_content => return Err(self.not("a length in bytes, and then a newline")),
                _ => return Err(self.not("length 0, and then a newline")),
            }
            self.at += 1;
        }
        if self.at == start {
            Err(self.not("a length"))
        } else {
            Ok(length)
        }
    }

    fn status(&mut self) -> Result<u16, LineError> {
        let mut status = 0;
        for place in [100, 10, 1] {
            let digit = match self.rest().first() {
                Some(digit @ b'0'..=b'9') => u16::from(digit - b'0'),
                _ => return Err(self.not("a status of three digits")),
            };
            status += place * digit;
            if !STATUSES.contains(&status) {
                return Err(self.not("a status from 300 to 599"));
            }
            self.at += 1;
        }
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn success(method: &'static str, name: &str, length: u64) -> LoggedRequest {
        LoggedRequest::Success {
            method,
            name: name.to_owned(),
            length,
        }
    }

    fn failure(method: &str, name: &str, version: &str, status: u16) -> LoggedRequest {
        let [method, name, version] = [method, name, version].map(str::to_owned);
        LoggedRequest::Failure {
            method,
            name,
            version,
            status,
        }
    }

    #[test]
    fn lines_are_parsed() {
        for (line, expected) in [
            ("PUT a length 36\n", success("PUT", "a", 36)),
            ("GET / length 0\n", success("GET", "/", 0)),
            (
                "DELETE sub/a%20%25%0A length 0\n",
                success("DELETE", "sub/a%20%25%0A", 0),
            ),
            ("PUT length length 0\n", success("PUT", "length", 0)),
            (
                "FAIL: GET abcd HTTP/1.1 --- response 400\n",
                failure("GET", "abcd", "HTTP/1.1", 400),
            ),
            (
                "FAIL: - - - --- response 408\n",
                failure("-", "-", "-", 408),
            ),
            (
                "FAIL: --- response --- --- response 599\n",
                failure("---", "response", "---", 599),
            ),
            (
                "FAIL: GET a%zz%41% x --- response 300\n",
                failure("GET", "a%zz%41%", "x", 300),
            ),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(expected), "{line:?}");
        }
    }

    #[test]
    fn wrong_lines_are_refused_with_the_position() {
        for (line, expected) in [
            ("\n", 0),
            ("get a length 0\n", 0),
            ("POST a length 0\n", 1),
            ("GETS a length 0\n", 3),
            ("GET  length 0\n", 4),
            ("GET a  length 0\n", 6),
            ("GET a b length 0\n", 6),
            ("GET a\u{7f} length 0\n", 5),
            ("GET a%2 length 0\n", 7),
            ("GET a%2f length 0\n", 7),
            ("GET a%41 length 0\n", 5),
            ("GET a%20%21 length 0\n", 8),
            ("GET a length \n", 13),
            ("GET a length 1\n", 13),
            ("GET a length 00\n", 14),
            ("PUT a length 01\n", 14),
            ("PUT a length -1\n", 13),
            ("PUT a length 1 \n", 14),
            ("PUT a length 1\r\n", 14),
            ("PUT a length 9000000000000000000\n", 31),
            ("PUT a length 99999999999999999999\n", 31),
            ("FAIL: GET a --- response 400\n", 16),
            ("FAIL: GET a b c --- response 400\n", 14),
            ("FAIL: GET a b --- response 40\n", 29),
            ("FAIL: GET a b --- response 4000\n", 30),
            ("FAIL: GET a b --- response 200\n", 27),
            ("FAIL: GET a b --- response 600\n", 27),
        ] {
            let found = parse(line.as_bytes());
            let Err(LineError::Wrong { at, .. }) = found else {
                panic!("{line:?}: {found:?}")
            };
            assert_eq!(at, expected, "{line:?}");
        }
    }

    #[test]
    fn beginnings_of_a_log_are_recognised() {
        for head in [
            "",
            "G",
            "GET",
            "GET ",
            "GET / le",
            "PUT \u{7f}",
            "OPTIONS ",
            "FAIL",
            "FAIL: - ",
            "\0",
            "\0GET",
        ] {
            assert!(may_begin_log(head.as_bytes()), "{head:?}");
        }
        for head in [
            "\n",
            " GET ",
            "get / le",
            "GETS / l",
            "GET\0",
            "OPTIONSX",
            "FAILED: ",
            "\x1f\u{8b}",
            "\u{7f}ELF",
        ] {
            assert!(!may_begin_log(head.as_bytes()), "{head:?}");
        }
    }

    #[test]
    fn every_beginning_is_unfinished() {
        for line in [
            "DELETE sub/a%20%25%0A length 0\n",
            "PUT a length 3600\n",
            "FAIL: GET a%20 HTTP/1.1 --- response 404\n",
        ] {
            for length in 0..line.len() {
                let found = parse(&line.as_bytes()[..length]);
                assert!(
                    matches!(found, Err(LineError::Unfinished { .. })),
                    "{:?}: {found:?}",
                    &line[..length]
                );
            }
        }
    }
}
