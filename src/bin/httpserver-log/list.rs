//! `list`: one line per entry.

use crate::cli::ListArguments;
use crate::failure::Failure;
use crate::log_reader::LogItem;
use crate::source::LogSource;
use crate::text::{readable, visible};
use crate::verdict::Verdict;
use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::EntryHead;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;

/// Bytes of the shortest entry: `GET / length 0`, a separator, and two newlines.
const SHORTEST_ENTRY: u64 = 24;

/// Lists the entries that the options select.
pub(crate) fn run(options: &ListArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let source = LogSource::open(&options.file)?;
    let mut log = source.read(&ProgressBar::hidden())?;
    let wanted = options.name.as_deref().map(Wanted::new);
    let columns = Columns::for_log(source.length());
    if !options.json && io::stdout().is_terminal() {
        let titles = ["number", "offset", "bytes", "status", "method", "name"];
        columns.print(titles, out).map_err(Failure::output)?;
    }
    while let Some(item) = log.next_item()? {
        let line = match &item {
            LogItem::Whole(head) => ListedEntry::new(Some(head), head.offset, None),
            LogItem::Torn(head, fault) => {
                ListedEntry::new(head.as_ref(), fault.entry, Some("torn"))
            }
        };
        if wanted.as_ref().is_some_and(|wanted| !wanted.is(line.name))
            || (options.failed && !line.failed)
        {
            continue;
        }
        let printed = if options.json {
            writeln!(out, "{}", line.to_json(options.decoded))
        } else {
            line.print(&columns, options.decoded, out)
        };
        printed.map_err(Failure::output)?;
    }
    Ok(Verdict::Sound)
}

/// A name that was asked for: as the log would write it, or as it was typed.
struct Wanted {
    typed: String,
    escaped: String,
}

impl Wanted {
    fn new(name: &OsStr) -> Self {
        Self {
            typed: name.to_string_lossy().into_owned(),
            escaped: visible(name.as_bytes()),
        }
    }

    fn is(&self, name: &str) -> bool {
        name == self.typed || name == self.escaped
    }
}

/// What is shown of an entry; `-` is what it does not have.
struct ListedEntry<'a> {
    number: Option<u64>,
    offset: u64,
    method: &'a str,
    name: &'a str,
    length: Option<u64>,
    status: String,
    failed: bool,
}

impl<'a> ListedEntry<'a> {
    fn new(head: Option<&'a EntryHead>, offset: u64, torn: Option<&str>) -> Self {
        let number = head.map(|head| head.number);
        let (method, name, length, status, failed) = match head.map(|head| &head.kind) {
            Some(LoggedRequest::Success {
                method,
                name,
                length,
            }) => (*method, &name[..], Some(*length), "ok".to_owned(), false),
            Some(LoggedRequest::Failure {
                method,
                name,
                status,
                ..
            }) => (&method[..], &name[..], None, status.to_string(), true),
            None => ("-", "-", None, "-".to_owned(), false),
        };
        let status = torn.map_or(status, str::to_owned);
        Self {
            number,
            offset,
            method,
            name,
            length,
            status,
            failed,
        }
    }

    fn print(&self, columns: &Columns, decoded: bool, out: &mut impl Write) -> io::Result<()> {
        let name = if decoded {
            Cow::Owned(readable(self.name))
        } else {
            Cow::Borrowed(self.name)
        };
        let cells = [
            &dash(self.number),
            &self.offset.to_string(),
            &dash(self.length),
            &self.status,
            self.method,
            &name,
        ];
        columns.print(cells, out)
    }

    fn to_json(&self, decoded: bool) -> Value {
        let known = |text: &str| self.number.map(|_| text.to_owned());
        let mut line = json!({
            "number": self.number,
            "offset": self.offset,
            "method": known(self.method),
            "name": known(self.name),
            "length": self.length,
            "status": self.status.parse::<u16>().map_or_else(|_| Value::from(&self.status[..]), Value::from),
            "failed": self.failed,
        });
        if decoded {
            // What is not UTF-8 has no text.
            line["decoded"] = known(self.name)
                .and_then(|name| String::from_utf8(decode_name(&name)).ok())
                .into();
        }
        line
    }
}

/// Widths of the columns before the method. The name is last, so that it can have any length.
struct Columns {
    number: usize,
    /// Of offsets, and of lengths, which are smaller.
    bytes: usize,
}

impl Columns {
    /// Wide enough for a log of so many bytes, or, if that is not known, for a terabyte. A log of less than that and
    /// the classic dialect's names fill 80 columns at most.
    fn for_log(length: Option<u64>) -> Self {
        let length = length.unwrap_or(1_000_000_000_000);
        let digits = |number: u64| number.to_string().len();
        Self {
            number: digits(length / SHORTEST_ENTRY).max(6),
            bytes: digits(length).max(12),
        }
    }

    fn print(
        &self,
        [number, offset, bytes, status, method, name]: [&str; 6],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (first, wide) = (self.number, self.bytes);
        writeln!(
            out,
            "{number:>first$} {offset:>wide$} {bytes:>wide$}  {status:<6}  {method:<7}  {name}"
        )
    }
}

fn dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}
