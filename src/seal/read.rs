//! Reads a seal line by line, and checks the chain.
//!
//! A line with a wrong chain value is returned and marked. The next line is compared with that value as written, so one
//! altered line is one fault, and later lines can still be read. A time that refers to an altered line is marked, too.

use std::io::{self, Read};

use super::chain::{BASE64, Hash};
use super::line::{EntryLine, LINE_LIMIT, LineContent, NotALine, Torn};
use super::time::Moment;
use crate::input_window::InputWindow;

/// Bytes of the window: a few of the longest lines, so that reads are large.
const WINDOW: usize = 4 * LINE_LIMIT;

/// Reads the lines of a seal from a [`Read`]; it buffers by itself.
///
/// ```
/// use httpserver::seal::chain::Hash;
/// use httpserver::seal::line::LineContent;
/// use httpserver::seal::text::push_chain;
/// use httpserver::seal::read::SealReader;
///
/// let text = "begin 1 0000000000000001 1 0 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA \
///     2026-11-27T12:00:00.000000Z log.txt web-1";
/// let mut seal = text.as_bytes().to_vec();
/// push_chain(&mut seal, &Hash::ZERO.chained(text.as_bytes()));
/// let mut reader = SealReader::new(&seal[..]);
/// let first = reader.next_line()?.ok_or("no line")?;
/// assert!(first.is_chained && matches!(first.line, LineContent::Begin(begin) if begin.name == "log.txt"));
/// assert!(reader.next_line()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SealReader<R> {
    window: InputWindow<R>,
    lines: u64,
    chain: Hash,
    /// The last time of a line.
    time: Moment,
    /// Whether the next line can refer to it: there was no fault since it was written as a whole.
    is_time_certain: bool,
}

/// A line of a seal.
#[derive(Debug, Clone, Copy)]
pub struct SealLine<'l> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// Its values.
    pub line: LineContent<'l>,
    /// The chain value in the line.
    pub chain: Hash,
    /// The chain value before it.
    pub before: Hash,
    /// Whether its chain value follows from the line and the chain value before.
    pub is_chained: bool,
    /// Whether the time in it does not depend on a line that is altered or missing.
    pub is_time_certain: bool,
}

/// Why reading a seal stopped.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A line is invalid. The next call continues after it.
    #[error("line {number} is not one of a seal: {reason}")]
    NotALine {
        /// Its number in the file, from 1.
        number: u64,
        /// Why it is invalid.
        reason: NotALine,
    },
    /// The last line is incomplete, as after a kill of the server.
    #[error("line {number} is torn: the file ends in it")]
    Torn {
        /// Its number in the file, from 1.
        number: u64,
    },
    /// The input failed.
    #[error("reading failed: {0}")]
    Input(#[from] io::Error),
}

impl<R: Read> SealReader<R> {
    /// Reads a seal from its start.
    pub fn new(input: R) -> Self {
        Self {
            window: InputWindow::new(input, WINDOW, 0),
            lines: 0,
            chain: Hash::ZERO,
            time: Moment::default(),
            is_time_certain: false,
        }
    }

    /// The offset of the next line, in bytes.
    pub fn position(&self) -> u64 {
        self.window.position()
    }

    /// The number of lines read.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The chain value of the line that was read last.
    pub fn chain(&self) -> Hash {
        self.chain
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn next_line(&mut self) -> Result<Option<SealLine<'_>>, SealError> {
        let number = self.lines + 1;
        let not_a_line = |reason| SealError::NotALine { number, reason };
        let Some(length) = self.fill_line()? else {
            return if self.window.unread().is_empty() {
                Ok(None)
            } else {
                Err(SealError::Torn { number })
            };
        };
        let text = &self.window.take(length + 1)[..length];
        self.lines = number;
        let was_certain = std::mem::take(&mut self.is_time_certain);
        let parts = text.len().checked_sub(BASE64 + 1);
        let parts = parts.map(|at| text.split_at(at));
        let (text, chain) = parts
            .and_then(|(text, chain)| Some((text, Hash::parse_base64(chain.strip_prefix(b" ")?)?)))
            .ok_or_else(|| not_a_line(NotALine::NO_CHAIN))?;
        let text = str::from_utf8(text).map_err(|_| not_a_line(NotALine::NOT_ASCII))?;
        let before = self.chain;
        self.chain = chain;
        let line = LineContent::parse(text, self.time).map_err(not_a_line)?;
        let before = match line {
            LineContent::Begin(begin) if number == 1 => begin.previous,
            _ => before,
        };
        let is_chained = before.chained(text.as_bytes()) == chain;
        let time = time_of(&line);
        self.time = time.map_or(self.time, |(time, _)| time);
        let is_time_certain = was_certain || time.is_some_and(|(_, is_whole)| is_whole);
        self.is_time_certain = is_time_certain && is_chained;
        Ok(Some(SealLine {
            number,
            line,
            chain,
            before,
            is_chained,
            is_time_certain,
        }))
    }

    /// Reads a line, and returns its length without its line feed; `None` if the input ends before the line feed.
    fn fill_line(&mut self) -> io::Result<Option<usize>> {
        let find = |bytes: &[u8]| memchr::memchr(b'\n', bytes);
        let found = self.window.find(LINE_LIMIT, find)?;
        // The rest of a line that is too long counts as another invalid line.
        let is_too_long = self.window.unread().len() >= LINE_LIMIT;
        Ok(found.or(is_too_long.then_some(LINE_LIMIT - 1)))
    }
}

/// The time of a line, if it has one, and whether it is written as a whole.
fn time_of(line: &LineContent<'_>) -> Option<(Moment, bool)> {
    match line {
        LineContent::Begin(begin) => Some((begin.time, true)),
        LineContent::Entry(EntryLine { time, .. }) => Some((time.moment, time.is_whole)),
        LineContent::Torn(Torn { time, .. })
        | LineContent::Clock { time, .. }
        | LineContent::Next { time, .. } => Some((*time, true)),
        LineContent::Mac { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::text::{push_chain, push_mac, push_next};
    use crate::seal::time::Moment;

    /// A seal of some lines.
    fn seal(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut chain = Hash::ZERO;
        for line in lines {
            chain = chain.chained(line.as_bytes());
            out.extend_from_slice(line.as_bytes());
            push_chain(&mut out, &chain);
        }
        out
    }

    fn lines() -> Vec<String> {
        (0..5)
            .map(|epoch| {
                let mut line = Vec::new();
                push_mac(&mut line, epoch, &Hash::of(&[1]));
                String::from_utf8(line).unwrap()
            })
            .collect()
    }

    /// The epochs of a seal of `mac` lines, and whether each is chained; or the error.
    fn read(seal: &[u8]) -> Vec<Result<(u64, bool), String>> {
        let mut reader = SealReader::new(seal);
        let mut all = Vec::new();
        loop {
            match reader.next_line() {
                Ok(None) => return all,
                Ok(Some(line)) => match line.line {
                    LineContent::Mac { epoch, .. } => all.push(Ok((epoch, line.is_chained))),
                    other => panic!("{other:?}"),
                },
                Err(error @ SealError::NotALine { .. }) => all.push(Err(error.to_string())),
                Err(error) => {
                    all.push(Err(error.to_string()));
                    return all;
                }
            }
        }
    }

    #[test]
    fn whole_seal_is_chained() {
        let lines = lines();
        let texts: Vec<_> = lines.iter().map(String::as_str).collect();
        let all: Vec<_> = (0..5).map(|epoch| Ok((epoch, true))).collect();
        assert_eq!(read(&seal(&texts)), all);
        assert_eq!(read(b""), []);
    }

    #[test]
    fn one_altered_line_is_one_fault() {
        let lines = lines();
        let texts: Vec<_> = lines.iter().map(String::as_str).collect();
        let seal = String::from_utf8(seal(&texts)).unwrap();
        let rows: Vec<_> = seal.lines().collect();
        let altered = seal.replacen("mac 1 ", "mac 8 ", 1);
        assert_eq!(
            read(altered.as_bytes()),
            [
                Ok((0, true)),
                Ok((8, false)),
                Ok((2, true)),
                Ok((3, true)),
                Ok((4, true))
            ]
        );
        let removed = [rows[0], rows[2], rows[3], ""].join("\n");
        assert_eq!(
            read(removed.as_bytes()),
            [Ok((0, true)), Ok((2, false)), Ok((3, true))]
        );
        let broken = [rows[0], "what is this", rows[1], ""].join("\n");
        assert_eq!(
            read(broken.as_bytes()),
            [
                Ok((0, true)),
                Err("line 2 is not one of a seal: it does not end with a chain value".to_owned()),
                Ok((1, true))
            ]
        );
    }

    #[test]
    fn last_line_may_be_torn_at_each_byte() {
        let lines = lines();
        let whole = seal(&[&lines[0]]).len();
        let both = seal(&[&lines[0], &lines[1]]);
        for end in whole + 1..both.len() {
            let read = read(&both[..end]);
            let torn = Err("line 2 is torn: the file ends in it".to_owned());
            assert_eq!(read, [Ok((0, true)), torn], "{end}");
        }
    }

    #[test]
    fn endless_line_is_invalid() {
        let mut endless = vec![b'x'; 3 * LINE_LIMIT];
        endless.push(b'\n');
        let read = read(&endless);
        assert!(
            read.len() == 4 && read.iter().all(Result::is_err),
            "{read:?}"
        );
    }

    #[test]
    fn chain_of_a_file_begins_with_what_it_continues() {
        let previous = Hash::of(b"the file before");
        let word = previous.to_base64();
        let begin =
            format!("begin 1 0000000000000001 2 9 0 {word} 2026-11-27T12:00:00.000000Z log.txt -");
        let chain = previous.chained(begin.as_bytes());
        let mut text = begin.clone().into_bytes();
        push_chain(&mut text, &chain);
        let mut next = Vec::new();
        push_next(&mut next, Moment::default(), "log.txt");
        text.extend_from_slice(&next);
        push_chain(&mut text, &chain.chained(&next));
        let mut reader = SealReader::new(&text[..]);
        assert!(reader.next_line().unwrap().unwrap().is_chained);
        assert!(reader.next_line().unwrap().unwrap().is_chained);
        assert!(reader.next_line().unwrap().is_none());
        assert_eq!((reader.position(), reader.lines()), (text.len() as u64, 2));
        assert_eq!(reader.chain(), chain.chained(&next));
    }

    #[test]
    fn time_that_refers_to_an_altered_line_is_not_certain() {
        let at = |time: &str| format!("1 0 24 {time} a 200 GET / length 0");
        let texts = [
            "2026-11-27T12:00:00.000000Z",
            ".000001",
            "=",
            ".000002",
            "2026-11-27T12:00:01.000000Z",
            "=",
        ]
        .map(at);
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let certain = |seal: &[u8]| {
            let mut reader = SealReader::new(seal);
            let mut all = Vec::new();
            while let Some(line) = reader.next_line().transpose() {
                all.push(line.is_ok_and(|line| line.is_time_certain));
            }
            all
        };
        let seal = String::from_utf8(seal(&texts)).unwrap();
        assert_eq!(certain(seal.as_bytes()), [true; 6]);
        let altered = seal.replacen(".000001", ".000009", 1);
        let expected = [true, true, false, false, true, true];
        assert_eq!(certain(altered.as_bytes()), expected);
        let removed: String = seal.split_inclusive('\n').skip(1).collect();
        assert_eq!(
            certain(removed.as_bytes()),
            [false, false, false, true, true]
        );
        let broken = seal.replacen(" .000001", "", 1);
        let expected = [true, false, false, false, true, true];
        assert_eq!(certain(broken.as_bytes()), expected);
    }
}
