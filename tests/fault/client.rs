//! A client that reads answers strictly: a status line, one `Content-Length`, an empty line, the content.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

/// One final answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Vec<u8>,
}

/// A connection to a server.
pub(crate) struct Client {
    socket: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            received: Vec::new(),
        }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(crate) fn into_socket(self) -> TcpStream {
        self.socket
    }

    /// Sends bytes; a server that has closed may make that fail.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    pub(crate) fn end(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    pub(crate) fn get(&mut self, name: &str) -> Option<Answer> {
        self.send(get(name).as_bytes()).ok()?;
        self.answer()
    }

    pub(crate) fn put(&mut self, name: &str, content: &[u8]) -> Option<Answer> {
        // A server that refuses need not take all of it.
        let _ = self.send(&put(name, content));
        self.answer()
    }

    /// The next final answer; `None` if the connection ends before it is whole.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        loop {
            let head = self.head()?;
            let mut lines = head.split("\r\n");
            let status = lines.next().unwrap();
            let code = status.strip_prefix("HTTP/1.1 ").expect("a status line");
            let code = code.split(' ').next().unwrap().parse().unwrap();
            if code == 100 {
                continue;
            }
            let length = lines
                .next()
                .and_then(|line| line.strip_prefix("Content-Length: "));
            let length: usize = length.expect("Content-Length").parse().unwrap();
            assert!(lines.all(str::is_empty), "more fields: {head}");
            while self.received.len() < length {
                self.receive()?;
            }
            let rest = self.received.split_off(length);
            let content = std::mem::replace(&mut self.received, rest);
            return Some(Answer {
                status: code,
                content,
            });
        }
    }

    /// Waits until an answer has begun.
    pub(crate) fn peek(&self) {
        assert_eq!(self.socket.peek(&mut [0]).unwrap(), 1);
    }

    /// All answers until the connection ends.
    pub(crate) fn answers(&mut self) -> Vec<Answer> {
        std::iter::from_fn(|| self.answer()).collect()
    }

    /// The bytes that came and are no whole answer.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.received
    }

    fn head(&mut self) -> Option<String> {
        loop {
            let end = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let rest = self.received.split_off(end + 4);
                let head = std::mem::replace(&mut self.received, rest);
                return Some(String::from_utf8(head).unwrap());
            }
            self.receive()?;
        }
    }

    /// Receives some more; `None` at the end of stream, or a reset.
    fn receive(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                Some(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("no answer comes"),
            Err(_) => None,
        }
    }
}

/// A GET as bytes.
pub(crate) fn get(name: &str) -> String {
    format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A PUT as bytes.
pub(crate) fn put(name: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut request =
        format!("PUT /{name} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    request.extend_from_slice(content);
    request
}
