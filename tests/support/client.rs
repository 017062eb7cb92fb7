//! The other end of a connection: raw bytes out, responses in. Inside TLS, too.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};
use rustix::net::{AddressFamily, SendFlags, SocketType, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use rustls::ClientConnection;

use crate::support::message::{get, put};
use crate::support::response::Response;
use crate::support::wait::GUARD;

/// A connection to a server.
pub(crate) struct Client {
    stream: TcpStream,
    /// Its encryption.
    tls: Option<Box<ClientConnection>>,
    /// Received and not handed out.
    received: Vec<u8>,
}

impl Client {
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).unwrap()
    }

    pub(crate) fn try_connect(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&address, GUARD)?)
    }

    /// A connection on which hardly more than some `bytes` wait on our side to be read.
    #[track_caller]
    pub(crate) fn with_receive_buffer(address: SocketAddr, bytes: usize) -> Self {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let socket = socket(family, SocketType::STREAM, None).unwrap();
        set_socket_recv_buffer_size(&socket, bytes).unwrap();
        rustix::net::connect(&socket, &address).unwrap();
        Self::over(TcpStream::from(socket)).unwrap()
    }

    /// The same inside TLS. The handshake goes on with the first bytes.
    #[cfg(feature = "tls")]
    pub(crate) fn inside(self, tls: ClientConnection) -> Self {
        let tls = Some(Box::new(tls));
        Self { tls, ..self }
    }

    /// The socket alone, of which nothing was received.
    #[cfg(feature = "tls")]
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(GUARD))?;
        stream.set_write_timeout(Some(GUARD))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            tls: None,
            received: Vec::new(),
        })
    }

    /// Our address, which is the peer's to the server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// Sends all of it.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    /// Sends all of it, unless the peer is gone or receives no more.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        match &mut self.tls {
            None => self.stream.write_all(bytes.as_ref()),
            Some(tls) => {
                let mut stream = rustls::Stream::new(&mut **tls, &mut self.stream);
                stream.write_all(bytes.as_ref())?;
                stream.flush()
            }
        }
    }

    /// Two ends of the same connection: one to send with, one to receive with.
    pub(crate) fn split(self) -> (Self, Self) {
        assert!(self.tls.is_none(), "one end only has the keys");
        let sending = Self {
            stream: self.stream.try_clone().unwrap(),
            tls: None,
            received: Vec::new(),
        };
        (sending, self)
    }

    /// Sends until the peer has taken nothing for a while, which it does when it has stopped reading.
    pub(crate) fn send_until_blocked(&mut self, bytes: impl AsRef<[u8]>) {
        let pause = Some(Duration::from_millis(50));
        self.stream.set_write_timeout(pause).unwrap();
        let _ = self.try_send(bytes);
        self.stream.set_write_timeout(Some(GUARD)).unwrap();
    }

    /// Sends these bytes, the last of which is urgent data (RFC 9293 §3.8.5), unless the peer is gone.
    pub(crate) fn send_urgent(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = rustix::net::send(&self.stream, bytes.as_ref(), SendFlags::OOB);
    }

    /// Lets no more than some `bytes` wait on our side to be read, from now on.
    pub(crate) fn receive_buffer(&self, bytes: usize) {
        set_socket_recv_buffer_size(&self.stream, bytes).unwrap();
    }

    /// Ends our side of the stream.
    pub(crate) fn end_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Breaks the connection with a reset, unless it is split.
    pub(crate) fn reset(self) {
        set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }

    /// The bytes of one whole response, perhaps an interim one: its head, and as much as its `Content-Length` says.
    #[track_caller]
    pub(crate) fn response(&mut self) -> Vec<u8> {
        self.try_response().unwrap()
    }

    /// The same; an error of kind `UnexpectedEof` if the stream ends before the response does.
    pub(crate) fn try_response(&mut self) -> io::Result<Vec<u8>> {
        let mut looked_at = 0;
        let head = loop {
            let found = self.received[looked_at..]
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(at) = found {
                break looked_at + at + 4;
            }
            looked_at = self.received.len().saturating_sub(3);
            self.receive()?;
        };
        self.try_take(head + content_length(&self.received[..head]))
    }

    /// The next final response, taken apart; `None` if the connection ends, or is reset, before it is whole.
    #[track_caller]
    pub(crate) fn final_response(&mut self) -> Option<Response> {
        loop {
            match self.try_response() {
                Ok(bytes) => {
                    let response = Response::parse(&bytes);
                    if response.status >= 200 {
                        return Some(response);
                    }
                }
                Err(error) if is_end(&error) => return None,
                Err(error) => panic!("no response within {GUARD:?}: {error}"),
            }
        }
    }

    /// All final responses until the connection ends.
    #[track_caller]
    pub(crate) fn final_responses(&mut self) -> Vec<Response> {
        std::iter::from_fn(|| self.final_response()).collect()
    }

    /// Sends a GET that persists, and receives its final response.
    #[track_caller]
    pub(crate) fn get(&mut self, name: &str) -> Option<Response> {
        self.try_send(get(name)).ok()?;
        self.final_response()
    }

    /// Sends a PUT that persists, and receives its final response.
    #[track_caller]
    pub(crate) fn put(&mut self, name: &str, content: &[u8]) -> Option<Response> {
        // A server that refuses need not take all of it.
        let _ = self.try_send(put(name, content));
        self.final_response()
    }

    /// The response to one request, after which the connection is closed.
    #[track_caller]
    pub(crate) fn ask(mut self, line: &str, fields: &str, content: &[u8]) -> Response {
        let head = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
        self.send([head.as_bytes(), content].concat());
        Response::parse(&self.rest())
    }

    /// Waits until something has come, or the end of the stream.
    #[track_caller]
    pub(crate) fn wait_readable(&self) {
        self.stream.peek(&mut [0]).unwrap();
    }

    /// Exactly `count` bytes.
    #[track_caller]
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        self.try_take(count).unwrap()
    }

    /// The same; an error of kind `UnexpectedEof` if the stream ends before.
    pub(crate) fn try_take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.received.len() < count {
            self.receive()?;
        }
        let rest = self.received.split_off(count);
        Ok(std::mem::replace(&mut self.received, rest))
    }

    /// All that comes until the peer's end of stream.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        self.try_rest().unwrap()
    }

    /// The same; an error if the connection is reset.
    pub(crate) fn try_rest(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.receive() {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(std::mem::take(&mut self.received));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether all received bytes were handed out, and the stream has not ended.
    pub(crate) fn is_silent(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let seen = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        self.received.is_empty() && seen.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Received bytes that are no whole response yet.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.received
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let received = match &mut self.tls {
                None => self.stream.read(&mut buffer),
                Some(tls) => rustls::Stream::new(&mut **tls, &mut self.stream).read(&mut buffer),
            };
            match received {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.received.extend_from_slice(&buffer[..count]);
                    return Ok(());
                }
                // A socket with a timeout is interrupted where the whole machine is stopped for a while (signal(7)).
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether an error says that the peer has closed the connection in any way.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

/// The framing that a head states for its content; a head without any has no content.
fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).unwrap();
    let value = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("Content-Length: "));
    value.map_or(0, |digits| digits.parse().unwrap())
}

/// Lets this process have as many connections as it may.
pub(crate) fn raise_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}
