//! The examples of docs/log-format.md: the reader parses them, and the tool's output agrees with the page.
//!
//! A block `log` or `hex` is a log. A block `console` runs commands on the log before it, called `example.log`. The
//! block `rows` and the table of lengths are compared with what a writer writes.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use httpserver::access_log::{AccessLogFormat, Record};
use httpserver::entry_range::EntryRange;
use httpserver::request_log::format::hex::push_rows;
use httpserver::request_log::format::layout::{ROW, rows_len};

use crate::log::{Log, Workdir};

fn specification() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/log-format.md");
    fs::read_to_string(path).unwrap()
}

/// The language and the text of every fenced block, with the line in which it begins.
fn blocks(page: &str) -> Vec<(usize, &str, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|&line| line != "```")
                .flat_map(|line| [line, "\n"])
                .collect();
            blocks.push((number + 1, language, text));
        }
    }
    blocks
}

fn log_of(text: &str) -> Log {
    Log::default().raw(text.replace("␄\n", "").replace('␀', "\0").as_bytes())
}

fn bytes_of_hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|digits| u8::from_str_radix(digits, 16).unwrap())
        .collect()
}

#[test]
fn examples_are_read_as_the_page_says() {
    let page = specification();
    let mut log = Log::default();
    let mut unread = None;
    let mut commands = 0;
    for (line, language, text) in blocks(&page) {
        match language {
            "log" | "hex" => {
                assert_eq!(unread, None, "the example in this line is not read");
                unread = Some(line);
                log = if language == "log" {
                    log_of(&text)
                } else {
                    Log::default().raw(&bytes_of_hex(&text))
                };
            }
            "console" => {
                let workdir = Workdir::new(&Log::default());
                fs::write(workdir.path("example.log"), &log.0).unwrap();
                let mut printed = String::new();
                for command in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
                    let mut words = command.split(' ');
                    assert_eq!(words.next(), Some("httpserver-log"), "line {line}");
                    let run = workdir.run(words);
                    printed.extend(["$ ", command, "\n", run.stdout(), &run.stderr]);
                    commands += 1;
                }
                assert_eq!(printed, text, "the block in line {line}");
                unread = None;
            }
            "abnf" | "rows" | "combined" | "json" => {}
            other => panic!("line {line}: no test knows a block `{other}`"),
        }
    }
    assert_eq!(unread, None, "the example in this line is not read");
    assert!(commands > 10, "{commands}");
}

/// The rows of a long content around the offset from which on nine digits are needed.
#[test]
fn rows_have_the_width_that_the_page_says() {
    let page = specification();
    let (_, _, rows) = blocks(&page)
        .into_iter()
        .find(|(_, language, _)| *language == "rows")
        .unwrap();
    let (offset, _) = rows.split_once(' ').unwrap();
    let content: Vec<u8> = rows
        .lines()
        .flat_map(|row| bytes_of_hex(row.split_once(' ').unwrap().1))
        .collect();
    assert_eq!(content.len(), 3 * ROW + 3);
    let mut written = Vec::new();
    push_rows(&mut written, offset.parse().unwrap(), &content);
    assert_eq!(String::from_utf8(written).unwrap(), rows);
}

/// The text of the only block in this language.
fn block(language: &str) -> String {
    let page = specification();
    let mut found = blocks(&page)
        .into_iter()
        .filter(|(_, found, _)| *found == language);
    let (_, _, text) = found.next().unwrap();
    assert!(found.next().is_none(), "{language}");
    text
}

#[test]
fn access_log_has_the_lines_that_the_page_says() {
    let record = Record {
        time: UNIX_EPOCH + Duration::from_micros(1_795_780_800_123_456),
        connection: 7,
        request: 2,
        peer: SocketAddr::from(([192, 0, 2, 1], 40_000)).into(),
        proxy: None,
        client: IpAddr::from([192, 0, 2, 1]).into(),
        user: None,
        method: Some(b"GET"),
        target: Some(b"/a.txt"),
        version: Some(b"HTTP/1.1"),
        status: Some(200),
        bytes_in: 80,
        content_bytes_in: 0,
        bytes_out: 126,
        content_bytes_out: 6,
        duration: Duration::from_micros(345),
        tls: None,
        referer: Some(b"http://a.example/"),
        agent: Some(b"curl/8.0"),
        entry: Some(EntryRange {
            offset: 274,
            length: 50,
        }),
        error: None,
    };
    for (format, language) in [
        (AccessLogFormat::Combined, "combined"),
        (AccessLogFormat::Json, "json"),
    ] {
        let mut line = Vec::new();
        format.push(&mut line, None, &record);
        assert_eq!(String::from_utf8(line).unwrap(), block(language));
    }
}

#[test]
fn rows_have_the_length_that_the_page_says() {
    let page = specification();
    let (_, table) = page
        .split_once("| bytes of content | bytes of all rows |\n|---|---|\n")
        .unwrap();
    let rows: Vec<Vec<u64>> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().parse().unwrap()).collect()
        })
        .collect();
    assert!(rows.len() > 5);
    for row in rows {
        assert_eq!(rows_len(row[0]), row[1], "{} bytes", row[0]);
    }
}
