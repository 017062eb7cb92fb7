//! `Forwarded` (RFC 7239) and `X-Forwarded-For`: the hops that a request passed through.
//!
//! Both are lists. Each proxy appends the address of its client. Only the elements of trusted proxies can be trusted;
//! earlier elements may come from any client. So elements are parsed lazily from the last to the first, and nothing
//! that a client sends can affect the elements that a proxy has appended.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::http::wire::syntax::{is_token, trim_ows};

/// The node that an element names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// An address, with or without a port.
    Address(IpAddr),
    /// `unknown`, an obfuscated name such as `_hidden` (RFC 7239 §6.2, §6.3), or nothing.
    Unnamed,
}

/// An element has invalid syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The hops that a field line of `X-Forwarded-For` names, the last first.
pub fn x_forwarded_for(line: &[u8]) -> impl Iterator<Item = Result<Hop, Malformed>> {
    elements(line, b',').map(node)
}

/// The hops that a field line of `Forwarded` names, the last first.
pub fn forwarded(line: &[u8]) -> impl Iterator<Item = Result<Hop, Malformed>> {
    elements(line, b',').map(forwarded_element)
}

/// `[ forwarded-pair ] *( ";" [ forwarded-pair ] )` (RFC 7239 §4)
fn forwarded_element(element: &[u8]) -> Result<Hop, Malformed> {
    let mut hop = None;
    for pair in elements(element, b';') {
        let at = memchr::memchr(b'=', pair).ok_or(Malformed)?;
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        if !is_token(name) {
            return Err(Malformed);
        }
        let quoted = unquoted(value);
        if quoted.is_none() && !is_token(value) {
            return Err(Malformed);
        }
        if name.eq_ignore_ascii_case(b"for")
            && hop.replace(node(quoted.unwrap_or(value))?).is_some()
        {
            return Err(Malformed);
        }
    }
    Ok(hop.unwrap_or(Hop::Unnamed))
}

/// The text between quotation marks. A node has no quoted pair, so a quoted pair is kept and makes the node invalid.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// `nodename [ ":" node-port ]` (RFC 7239 §6). An IPv6 address is in brackets there; in `X-Forwarded-For` it need not be.
fn node(text: &[u8]) -> Result<Hop, Malformed> {
    let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Hop::Address(address.to_canonical()));
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if port.is_some_and(|port| !is_port(port)) {
        return Err(Malformed);
    }
    if let Some(address) = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let address: Ipv6Addr = address.parse().map_err(|_| Malformed)?;
        return Ok(Hop::Address(IpAddr::V6(address).to_canonical()));
    }
    if name.eq_ignore_ascii_case("unknown") || is_obfuscated(name) {
        return Ok(Hop::Unnamed);
    }
    let address: Ipv4Addr = name.parse().map_err(|_| Malformed)?;
    Ok(Hop::Address(address.into()))
}

fn is_port(text: &str) -> bool {
    let is_number = matches!(text.len(), 1..=5) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || is_obfuscated(text)
}

/// `"_" 1*( ALPHA / DIGIT / "." / "_" / "-")` (RFC 7239 §6.3)
fn is_obfuscated(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|rest| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !rest.is_empty() && rest.bytes().all(is_part)
    })
}

/// The elements of a list from its end, without the white space around them; empty ones are left out (RFC 9110
/// §5.6.1.2). A separator between quotation marks does not count.
fn elements(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        let (before, element) = match last_separator(list, separator) {
            Some(at) => (Some(&list[..at]), &list[at + 1..]),
            None => (None, list),
        };
        rest = before;
        Some(trim_ows(element))
    })
    .filter(|element| !element.is_empty())
}

fn last_separator(list: &[u8], separator: u8) -> Option<usize> {
    let mut is_quoted = false;
    for (at, &byte) in list.iter().enumerate().rev() {
        if byte == b'"' {
            let backslashes = list[..at]
                .iter()
                .rev()
                .take_while(|&&byte| byte == b'\\')
                .count();
            // An escaped quotation mark is part of the quoted string.
            is_quoted ^= backslashes % 2 == 0 || !is_quoted;
        } else if byte == separator && !is_quoted {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(hop: Result<Hop, Malformed>) -> String {
        match hop {
            Ok(Hop::Address(address)) => address.to_string(),
            Ok(Hop::Unnamed) => "-".to_owned(),
            Err(Malformed) => "malformed".to_owned(),
        }
    }

    #[test]
    fn x_forwarded_for_is_read_from_its_end() {
        for (line, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            (
                "192.0.2.1, 192.0.2.2,192.0.2.3",
                "192.0.2.3 192.0.2.2 192.0.2.1",
            ),
            ("192.0.2.1:40000", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:40000", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("unknown, 192.0.2.1", "192.0.2.1 -"),
            ("_gazonk, Unknown:_a", "- -"),
            ("", ""),
            (" ,\t, ", ""),
            (",192.0.2.1,", "192.0.2.1"),
            ("192.0.2.256", "malformed"),
            ("192.0.2.01", "malformed"),
            ("192.0.2.1:", "malformed"),
            ("192.0.2.1:123456", "malformed"),
            ("192.0.2.1:http", "malformed"),
            ("[192.0.2.1]", "malformed"),
            ("[2001:db8::1", "malformed"),
            ("_", "malformed"),
            ("localhost", "malformed"),
            ("'; drop table, 192.0.2.1", "192.0.2.1 malformed"),
            ("\"192.0.2.1\"", "malformed"),
            ("\u{e9}", "malformed"),
        ] {
            let found: Vec<_> = x_forwarded_for(line.as_bytes()).map(shown).collect();
            assert_eq!(found.join(" "), expected, "{line:?}");
        }
    }

    #[test]
    fn forwarded_is_read_from_its_end() {
        for (line, expected) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=\"192.0.2.1\"", "192.0.2.1"),
            ("for=\"192.0.2.1:40000\"", "192.0.2.1"),
            ("for=\"[2001:db8::1]:40000\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=192.0.2.1;proto=http;by=192.0.2.9", "192.0.2.1"),
            ("by=192.0.2.9; FOR=192.0.2.1 ;", "192.0.2.1"),
            ("for=192.0.2.1, for=192.0.2.2", "192.0.2.2 192.0.2.1"),
            ("for=unknown,for=_hidden,for=\"_a:_b\"", "- - -"),
            ("by=192.0.2.9", "-"),
            (
                "host=\"a,b;c\";for=192.0.2.1,for=192.0.2.2",
                "192.0.2.2 192.0.2.1",
            ),
            (r#"ext="\",\\";for=192.0.2.1"#, "192.0.2.1"),
            ("", ""),
            ("for=192.0.2.1:40000", "malformed"),
            ("for=[2001:db8::1]", "malformed"),
            ("for=2001:db8::1", "malformed"),
            ("for=", "malformed"),
            ("for", "malformed"),
            ("192.0.2.1", "malformed"),
            ("for=192.0.2.1;for=192.0.2.2", "malformed"),
            ("for =192.0.2.1", "malformed"),
            ("for=\"192.0.2.1", "malformed"),
            (r#"for="192\.0.2.1""#, "malformed"),
            // Elements from the client are first, and do not affect later ones.
            ("for=\"192.0.2.7, for=192.0.2.1", "192.0.2.1 malformed"),
            (r#"for="\, for=192.0.2.1"#, "192.0.2.1 malformed"),
            ("for=\"\",\", for=192.0.2.1", "192.0.2.1 malformed"),
        ] {
            let found: Vec<_> = forwarded(line.as_bytes()).map(shown).collect();
            assert_eq!(found.join(" "), expected, "{line:?}");
        }
    }
}
