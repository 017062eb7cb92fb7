//! The lines of the server on stderr about refused requests.

use std::net::SocketAddr;

use crate::support::server::Server;
use crate::support::wait::eventually;

/// The lines about the requests of this peer, without time and level.
///
/// Waits for the first line, since the response may come before it.
#[track_caller]
pub(crate) fn said_of(server: &Server, peer: SocketAddr) -> Vec<String> {
    let start = format!("] {peer}: ");
    let mut lines = Vec::new();
    eventually("the server says why", || {
        let stderr = server.stderr();
        let said = stderr.lines().filter_map(|line| line.split_once(&start));
        lines = said.map(|(_, said)| said.to_owned()).collect();
        !lines.is_empty()
    });
    lines
}

/// Sends `input` and the end of stream on a connection of its own; the response, and the server's lines about the
/// request.
#[track_caller]
pub(crate) fn refused(server: &Server, input: &[u8]) -> (Vec<u8>, Vec<String>) {
    let mut client = server.connect();
    let peer = client.address();
    client.send(input);
    client.end_sending();
    let response = client.rest();
    (response, said_of(server, peer))
}

/// The peers whose refused requests have this request line, in the order of the requests.
#[track_caller]
pub(crate) fn peers(server: &Server, line: &str) -> Vec<String> {
    let end = format!(": {line}: ");
    let stderr = server.stderr();
    let said = stderr.lines().filter_map(|said| said.split_once("] "));
    said.filter_map(|(_, said)| said.split_once(&end))
        .map(|(peer, _)| peer.to_owned())
        .collect()
}
