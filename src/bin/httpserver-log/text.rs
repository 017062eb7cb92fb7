//! Text formatting that several subcommands share.

use httpserver::request_log::format::layout::{decode_name, push_name};
use httpserver::seal::time::Moment;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

/// `1 entry`, `2 entries`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A number, or `-`.
pub(crate) fn dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// A moment without its fraction of a second.
pub(crate) fn seconds(moment: Moment) -> String {
    let moment = moment.to_string();
    match moment.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => moment,
    }
}

/// The parts of a peer in a seal: `192.0.2.1:80`, `[2001:db8::1]:80`, `192.0.2.1` or `unix`. An IPv4-mapped address is
/// written as IPv4.
pub(crate) fn address_and_port(peer: &str) -> (String, Option<u16>) {
    if let Ok(address) = peer.parse::<SocketAddr>() {
        let ip = address.ip().to_canonical();
        return (ip.to_string(), Some(address.port()));
    }
    (peer.to_owned(), None)
}

/// A typed path, on one line.
pub(crate) fn path(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}

/// Text with its control characters escaped.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    line
}

/// The bytes of a name as the log writes them: visible, on one line.
pub(crate) fn visible(name: &[u8]) -> String {
    let mut text = Vec::new();
    push_name(&mut text, name);
    text.into_iter().map(char::from).collect()
}

/// A name of the log as text: `%XX` is decoded and UTF-8 is shown. Control and invisible characters are escaped: `\n`,
/// `\x1b`, `\u{202e}`; so are bytes that are not UTF-8, `\xff`, and the backslash, `\\`.
pub(crate) fn readable(name: &str) -> String {
    let bytes = decode_name(name);
    if bytes.is_empty() {
        return name.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            push_char(&mut text, char);
        }
        for byte in chunk.invalid() {
            push_formatted(&mut text, format_args!("\\x{byte:02x}"));
        }
    }
    text
}

fn push_char(text: &mut String, char: char) {
    match char {
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\0'..='\x1F' | '\x7F' => {
            push_formatted(text, format_args!("\\x{:02x}", u32::from(char)));
        }
        char if is_unseen(char) => {
            push_formatted(text, format_args!("\\u{{{:x}}}", u32::from(char)));
        }
        char => text.push(char),
    }
}

/// Whether a character beyond ASCII is invisible, or changes the direction of the text.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{AD}'
                | '\u{61C}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

fn push_formatted(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_noun() {
        assert_eq!(count(0, "entry", "entries"), "0 entries");
        assert_eq!(count(1, "entry", "entries"), "1 entry");
        assert_eq!(count(2, "entry", "entries"), "2 entries");
    }

    #[test]
    fn peers_are_split_into_address_and_port() {
        for (peer, address, port) in [
            ("192.0.2.1:80", "192.0.2.1", Some(80)),
            ("[2001:db8::1]:81", "2001:db8::1", Some(81)),
            ("[::ffff:192.0.2.1]:82", "192.0.2.1", Some(82)),
            ("192.0.2.1", "192.0.2.1", None),
            ("2001:db8::1", "2001:db8::1", None),
            ("unix", "unix", None),
        ] {
            assert_eq!(address_and_port(peer), (address.to_owned(), port), "{peer}");
        }
    }

    #[test]
    fn names_stay_on_their_line() {
        assert_eq!(visible(b"a b/\n"), "a%20b/%0A");
        assert_eq!(path(Path::new("dir/é\n\x1b")), "dir/é\\n\\u{1b}");
    }

    #[test]
    fn readable_names_show_text_and_escape_the_rest() {
        for (name, expected) in [
            ("plain/name.txt", "plain/name.txt"),
            ("/", "/"),
            ("a%20b", "a b"),
            ("100%25", "100%"),
            ("caf%C3%A9", "café"),
            ("e%CC%81", "e\u{301}"),
            ("%E6%97%A5%E6%9C%AC", "日本"),
            ("a%0Ab%0D%09", "a\\nb\\r\\t"),
            ("%1B[31mred", "\\x1b[31mred"),
            ("%00%7F", "\\x00\\x7f"),
            ("back\\slash", "back\\\\slash"),
            ("%5Cx1b", "\\\\x1b"),
            ("%FF%C3", "\\xff\\xc3"),
            ("%C2%9B", "\\u{9b}"),
            ("gpj%E2%80%AEexe", "gpj\\u{202e}exe"),
            ("a%E2%80%8Bb", "a\\u{200b}b"),
        ] {
            assert_eq!(readable(name), expected, "{name}");
        }
    }
}
