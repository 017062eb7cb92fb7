//! The responses of a server at `--status`.

use std::net::SocketAddr;

use crate::support::client::Client;
use crate::support::response::Response;

/// All that comes back for `request`.
#[track_caller]
pub(crate) fn exchange(status: SocketAddr, request: impl AsRef<[u8]>) -> Response {
    let mut client = Client::connect(status);
    client.send(request);
    Response::parse(&client.rest())
}

#[track_caller]
pub(crate) fn ask(status: SocketAddr, path: &str, accept: &str) -> Response {
    let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\n\r\n");
    exchange(status, head)
}

/// The value of a metric, written as its name and labels.
#[track_caller]
pub(crate) fn metric(status: SocketAddr, metric: &str) -> Option<f64> {
    let response = ask(status, "/metrics", "*/*");
    let mut lines = response.text().lines();
    let value = lines.find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    value.map(|value| value.parse().unwrap())
}
