//! The chunked coding: the pieces do not matter, and a second, plain decoder agrees on every message that ends.

use httpserver::http::{
    Chunk, ChunkedDecoder, MAX_CHUNK_EXTENSIONS_LEN, MAX_FIELDS, MAX_FIELDS_LEN, StatusCode,
};

/// The end of a message, with its content and its length on the wire.
type Decoded = (Result<Option<usize>, StatusCode>, Vec<u8>);

/// Checks a chunked message, valid or not. The first byte is the size of the pieces.
pub(crate) fn check(data: &[u8]) {
    let Some((&size, message)) = data.split_first() else {
        return;
    };
    let whole = decode(message, usize::MAX);
    assert_eq!(
        decode(message, usize::from(size).max(1)),
        whole,
        "the pieces matter"
    );
    let plain = plainly(message);
    match whole.0 {
        Ok(Some(used)) => assert_eq!(plain, Some((used, whole.1)), "the plain decoder disagrees"),
        // The plain decoder has no limits.
        Err(StatusCode::RequestHeaderFieldsTooLarge) => assert!(message.len() > MAX_FIELDS),
        Err(StatusCode::BadRequest) if message.len() > MAX_CHUNK_EXTENSIONS_LEN => {}
        Err(StatusCode::BadRequest) | Ok(None) => {
            assert_eq!(plain, None, "the plain decoder has an end");
        }
        Err(status) => panic!("{status}"),
    }
}

fn decode(message: &[u8], size: usize) -> Decoded {
    let mut decoder = ChunkedDecoder::default();
    let mut content = Vec::new();
    let mut used = 0;
    for end in (0..message.len())
        .step_by(size)
        .skip(1)
        .chain([message.len()])
    {
        loop {
            let input = &message[used..end];
            match decoder.step(input) {
                Err(refusal) => return (Err(refusal.status), content),
                Ok((count, Chunk::End)) => {
                    assert!(decoder.is_finished());
                    assert_eq!(decoder.step(&input[count..]), Ok((0, Chunk::End)));
                    return (Ok(Some(used + count)), content);
                }
                Ok((count, Chunk::NeedMore)) => {
                    assert_eq!(count, input.len(), "asks for more and leaves some");
                    used += count;
                    break;
                }
                Ok((count, Chunk::Data(range))) => {
                    assert!(!range.is_empty() && range.end == count);
                    content.extend_from_slice(&input[range]);
                    used += count;
                }
            }
        }
    }
    (Ok(None), content)
}

/// Decodes by RFC 9112 §7.1, ignoring speed, pieces and limits; returns the length of a message and its content.
fn plainly(message: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut rest = message;
    let mut content = Vec::new();
    loop {
        let line = take_line(&mut rest)?;
        let (size, extension) = match line.iter().position(|byte| b"; \t".contains(byte)) {
            Some(at) => line.split_at(at),
            None => (line, &[][..]),
        };
        let digits = !size.is_empty() && size.len() <= 16 && size.iter().all(u8::is_ascii_hexdigit);
        if !digits || !is_text(extension) || !are_extensions(extension) {
            return None;
        }
        let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).ok()?;
        content.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
    loop {
        let line = take_line(&mut rest)?;
        if line.is_empty() {
            return Some((message.len() - rest.len(), content));
        }
        let colon = line.iter().position(|&byte| byte == b':')?;
        if colon == 0
            || !line[..colon].iter().all(|&byte| is_token(byte))
            || !is_text(&line[colon..])
        {
            return None;
        }
        if message.len() > MAX_FIELDS_LEN {
            return None;
        }
    }
}

/// Whether this is `chunk-ext`, by its grammar read from left to right (RFC 9112 §7.1.1).
fn are_extensions(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some(name) = without_space(rest).strip_prefix(b";") else {
            return false;
        };
        let Some(after) = without_token(without_space(name)) else {
            return false;
        };
        rest = after;
        if let Some(value) = without_space(rest).strip_prefix(b"=") {
            let value = without_space(value);
            let Some(after) = without_quoted(value).or_else(|| without_token(value)) else {
                return false;
            };
            rest = after;
        }
    }
    true
}

fn without_space(mut rest: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', after @ ..] = rest {
        rest = after;
    }
    rest
}

fn without_token(rest: &[u8]) -> Option<&[u8]> {
    let length = rest.iter().take_while(|byte| is_token(**byte)).count();
    (length > 0).then(|| &rest[length..])
}

fn without_quoted(rest: &[u8]) -> Option<&[u8]> {
    let mut rest = rest.strip_prefix(b"\"")?;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', _, after @ ..] | [_, after @ ..] => after,
            [] => return None,
        };
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)
}

/// The bytes before the next CRLF.
fn take_line<'m>(rest: &mut &'m [u8]) -> Option<&'m [u8]> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &rest[..end];
    *rest = &rest[end + 2..];
    Some(line)
}

fn is_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|&byte| byte == b'\t' || !byte.is_ascii_control())
}
