//! Heads from the first byte to the last value, as a connection reads them: scanned, then parsed.
//!
//! Every head of every table is run whole, fed byte by byte, and split in two at every byte; the
//! verdict must not depend on it.

mod bytes;
mod framing;
mod heads;
mod limits;
mod properties;
mod request_lines;
mod smuggling;

use crate::http::{
    Expect, Framing, HeadScan, Host, Persistence, Request, StatusCode, Target, Version,
};

/// RFC and section, the bytes, the verdict.
type Row = (&'static str, &'static [u8], &'static str);

/// The result of a scan: the length of the head, or that more is needed, or a refusal.
type Scanned = Result<Option<usize>, StatusCode>;

fn scan_whole(raw: &[u8]) -> Scanned {
    scan_pieces(raw, [])
}

/// Scans growing prefixes of `raw` that end at `ends`, until one is decided.
fn scan_pieces(raw: &[u8], ends: impl IntoIterator<Item = usize>) -> Scanned {
    let mut scan = HeadScan::default();
    for end in ends {
        match scan.find_end(&raw[..end]) {
            Ok(None) => {}
            decided => return decided.map_err(|refusal| refusal.status),
        }
    }
    scan.find_end(raw).map_err(|refusal| refusal.status)
}

/// The verdict on a head as one line: its values, or the status, or `more`.
fn verdict(raw: &[u8]) -> String {
    match scan_whole(raw) {
        Err(status) => status.code().to_string(),
        Ok(None) => "more".to_owned(),
        Ok(Some(len)) => match Request::parse(&raw[..len]) {
            Err(refusal) => refusal.status.code().to_string(),
            Ok(request) => summary(&request),
        },
    }
}

fn summary(request: &Request<'_>) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let query = |query: Option<&[u8]>| {
        query.map_or(String::new(), |query| format!(" query={}", text(query)))
    };
    let target = match request.target {
        Target::Origin { path, query: q } => format!("origin={}{}", text(path), query(q)),
        Target::Absolute {
            authority,
            path,
            query: q,
            ..
        } => {
            format!("absolute={authority} path={}{}", text(path), query(q))
        }
        Target::Authority(authority) => format!("authority={authority}"),
        Target::Asterisk => "asterisk".to_owned(),
        Target::Other(bytes) => format!("other={}", text(bytes)),
    };
    let version = match request.version {
        Version::Http10 => "1.0",
        Version::Http11 => "1.1",
    };
    let framing = match request.framing {
        Framing::Absent => String::new(),
        Framing::Length(length) => format!(" length={length}"),
        Framing::Chunked => " chunked".to_owned(),
    };
    let persistence = match request.persistence {
        Persistence::Persistent => "",
        Persistence::Close => " close",
    };
    let expect = match request.expect {
        Expect::None => "",
        Expect::Continue => " expect",
    };
    let host = match request.host {
        Host::Missing => " no-host".to_owned(),
        Host::One("a") => String::new(),
        Host::One(host) => format!(" host={host}"),
    };
    format!(
        "{} {target} {version}{framing}{persistence}{expect}{host}",
        request.method
    )
}

/// Asserts the verdict on `raw`, which must not depend on how `raw` arrives.
fn check(section: &str, raw: &[u8], expected: &str) {
    let shown = raw.escape_ascii();
    assert_eq!(verdict(raw), expected, "{section}: {shown}");
    let whole = scan_whole(raw);
    assert_eq!(
        scan_pieces(raw, 0..raw.len()),
        whole,
        "{section}: byte by byte: {shown}"
    );
    for split in 0..raw.len() {
        assert_eq!(
            scan_pieces(raw, [split]),
            whole,
            "{section}: split at {split}: {shown}"
        );
    }
    // Bytes behind a head are not part of it.
    if let Ok(Some(_)) = whole {
        let pipelined = [raw, b"\r\n\x16\0"].concat();
        assert_eq!(
            scan_whole(&pipelined),
            whole,
            "{section}: followed by more: {shown}"
        );
    }
}
