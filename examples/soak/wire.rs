//! Shared code of all clients: the names of files, and the form of an answer.

use std::io::{self, Read};

/// The name of 27 characters that belongs to a number.
pub(crate) fn name(number: u64) -> String {
    format!("{number:027}")
}

/// Reads an answer to its end; its status.
pub(crate) fn answer(socket: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok())
        .ok_or_else(|| io::Error::other(format!("no length: {head}")))?;
    io::copy(&mut socket.take(length), &mut io::sink())?;
    Ok(head.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// Reads an answer to its end, which must have this status.
pub(crate) fn expect(socket: &mut impl Read, status: &str) -> io::Result<()> {
    let found = answer(socket)?;
    if found == status {
        return Ok(());
    }
    Err(io::Error::other(format!("{found} instead of {status}")))
}
