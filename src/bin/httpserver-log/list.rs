//! `list`: one line per entry.

use crate::Verdict;
use crate::cli::List;
use crate::failure::Failure;
use crate::log_file::{Item, open_plain};
use crate::text::visible;
use httpserver::request_log::format::line::Kind;
use httpserver::request_log::read::EntryHead;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;

/// Lists the entries that the options let through.
pub(crate) fn run(options: &List, out: &mut impl Write) -> Result<Verdict, Failure> {
    let mut log = open_plain(&options.file)?;
    let wanted = options.name.as_deref().map(Wanted::new);
    let titles = !options.json && std::io::stdout().is_terminal();
    if titles {
        writeln!(
            out,
            "{}",
            columns(["number", "offset", "kind", "name", "length", "status"])
        )
        .map_err(Failure::output)?;
    }
    while let Some(item) = log.next_item()? {
        let line = match &item {
            Item::Whole(head) => Line::new(Some(head), head.offset, None),
            Item::Torn(head, fault) => Line::new(head.as_ref(), fault.entry, Some("torn")),
        };
        if wanted.as_ref().is_some_and(|wanted| !wanted.is(line.name))
            || (options.failed && !line.failed)
        {
            continue;
        }
        let result = if options.json {
            writeln!(out, "{}", line.to_json())
        } else {
            writeln!(out, "{line}")
        };
        result.map_err(Failure::output)?;
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
struct Line<'a> {
    number: Option<u64>,
    offset: u64,
    kind: &'a str,
    name: &'a str,
    length: Option<u64>,
    status: String,
    failed: bool,
}

impl<'a> Line<'a> {
    fn new(head: Option<&'a EntryHead>, offset: u64, torn: Option<&str>) -> Self {
        let number = head.map(|head| head.number);
        let (kind, name, length, status, failed) = match head.map(|head| &head.kind) {
            Some(Kind::Success {
                method,
                name,
                length,
            }) => (*method, &name[..], Some(*length), "ok".to_owned(), false),
            Some(Kind::Failure {
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
            kind,
            name,
            length,
            status,
            failed,
        }
    }

    fn to_json(&self) -> Value {
        let known = |text: &str, is_known: bool| {
            if is_known {
                Value::from(text)
            } else {
                Value::Null
            }
        };
        json!({
            "number": self.number,
            "offset": self.offset,
            "kind": known(self.kind, self.number.is_some()),
            "name": known(self.name, self.number.is_some()),
            "length": self.length,
            "status": self.status.parse::<u16>().map_or_else(|_| Value::from(&self.status[..]), Value::from),
            "failed": self.failed,
        })
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, offset, length) = (
            dash(self.number),
            self.offset.to_string(),
            dash(self.length),
        );
        formatter.write_str(&columns([
            &number,
            &offset,
            self.kind,
            self.name,
            &length,
            &self.status,
        ]))
    }
}

/// A line of 80 columns or less, if names are no longer than the classic dialect's 27 bytes.
fn columns([number, offset, kind, name, length, status]: [&str; 6]) -> String {
    format!("{number:>6} {offset:>12}  {kind:<7}  {name:<27} {length:>12}  {status}")
}

fn dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}
