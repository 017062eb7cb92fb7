//! The client's side of a WebSocket (RFC 6455): only the parts for a browser's developer tools.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

const TEXT: u8 = 1;
const CONTINUATION: u8 = 0;

pub(super) struct WebSocket(BufReader<TcpStream>);

impl WebSocket {
    pub(super) fn connect(host: &str, path: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        assert!(line.starts_with("HTTP/1.1 101 "), "{line}");
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line)?;
        }
        Ok(Self(reader))
    }

    /// Sends a text. Its mask is zero, so that it is sent as it is.
    pub(super) fn send(&mut self, text: &str) -> io::Result<()> {
        let mut frame = vec![0x80 | TEXT];
        match text.len() {
            short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
            long => {
                frame.push(0x80 | 127);
                frame.extend((long as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.get_mut().write_all(&frame)
    }

    /// The next text; `None` when the other side ends.
    pub(super) fn receive(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            let (first, content) = self.frame().ok()?;
            match first & 0x0F {
                TEXT | CONTINUATION => text.extend(content),
                _ => continue,
            }
            if first & 0x80 != 0 {
                return String::from_utf8(text).ok();
            }
        }
    }

    fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let [first, length] = self.bytes()?;
        let length = match length {
            126 => u64::from(u16::from_be_bytes(self.bytes()?)),
            127 => u64::from_be_bytes(self.bytes()?),
            short => u64::from(short),
        };
        let mut content = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut content)?;
        Ok((first, content))
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// A handle by which another thread ends it.
    pub(super) fn ender(&self) -> impl Fn() + use<> {
        let stream = self.0.get_ref().try_clone().unwrap();
        move || drop(stream.shutdown(Shutdown::Both))
    }
}
