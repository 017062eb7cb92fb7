//! Messages of the classic dialect, as bytes: requests, and the responses that the contract promises.

/// A valid name of the classic dialect that ends with `tail`.
pub(crate) fn name(tail: impl std::fmt::Display) -> String {
    format!("{:_>27}", tail.to_string())
}

/// A response as it stands in the contract: status line, `Content-Length`, empty line, content.
pub(crate) fn response(status: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    [head.as_bytes(), content].concat()
}

/// The response to a PUT that states no length, as it stands in the contract.
pub(crate) fn last_response(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}

/// A GET that persists.
pub(crate) fn get(name: &str) -> String {
    format!("GET /{name} HTTP/1.1\r\nHost: here\r\n\r\n")
}

/// A PUT that persists.
pub(crate) fn put(name: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!("PUT /{name} HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), content].concat()
}
