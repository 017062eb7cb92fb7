//! The busy connections of `beside`: requests of one client that make the server work hard.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::thread::gettid;

use crate::server::{FILE, Server};

/// Entries of the directory that is listed.
const ENTRIES: usize = 10_000;

/// The file of which ranges are asked for, and its bytes.
const RANGED: &str = "large";
const RANGED_LEN: u64 = 64 * 1024 * 1024;

/// Bytes that the busy client passes to the kernel at once. While the kernel copies them, the normal client may wait for
/// the processor.
const PIECE: usize = 16 * 1024;

/// The bytes that one connection sends repeatedly.
pub(crate) struct Busy {
    pub(crate) name: &'static str,
    stream: Vec<u8>,
    /// This many more bytes after that.
    content: usize,
}

impl Busy {
    /// Every kind.
    pub(crate) fn kinds() -> Vec<Self> {
        let many =
            |count, line: &str, fields: &str| request(line, fields).repeat(count).into_bytes();
        let ranges = format!("Range: bytes={}\r\n", ranges().join(","));
        let chunks = request("PUT /chunks", "Transfer-Encoding: chunked\r\n");
        let chunks = [
            chunks.as_bytes(),
            &b"1\r\nx\r\n".repeat(300_000),
            b"0\r\n\r\n",
        ]
        .concat();
        // Its content does not come, so that the directories are removed again.
        let deep = format!("PUT {}/f", "/d".repeat(2_030));
        let put = request("PUT /put", "Content-Length: 1000\r\n") + &"x".repeat(1_000);
        let pairs =
            request("PUT /gone", "Content-Length: 1\r\n") + "x" + &request("DELETE /gone", "");
        let tags: Vec<_> = (0..1_500).map(|number| format!("\"{number}\"")).collect();
        let condition = format!("If-None-Match: {}\r\n", tags.join(","));
        vec![
            Self::new("32 listings of 10,000", many(32, "GET /list/", "")),
            Self::new("chunks of one byte", chunks),
            Self::new(
                "32 times 16 ranges",
                many(32, &format!("GET /{RANGED}"), &ranges),
            ),
            Self::new("2,030 directories", many(1, &deep, "Content-Length: 9\r\n")),
            Self::new("uploads of 1 KB", put.repeat(320).into_bytes()),
            Self::upload("an upload of 64 MiB", 64 << 20),
            Self::upload("an upload of 1 GiB", 1 << 30),
            Self::new("uploads and DELETEs", pairs.repeat(160).into_bytes()),
            Self::new("refused requests", many(320, "TRACE /", "")),
            Self::new(
                "long conditions",
                many(320, &format!("GET /{FILE}"), &condition),
            ),
        ]
    }

    fn new(name: &'static str, stream: Vec<u8>) -> Self {
        Self {
            name,
            stream,
            content: 0,
        }
    }

    fn upload(name: &'static str, content: usize) -> Self {
        let stream = request("PUT /put", &format!("Content-Length: {content}\r\n")).into_bytes();
        Self {
            name,
            stream,
            content,
        }
    }

    /// Sends this, and takes what comes back, again and again until it is `over`.
    pub(crate) fn work(&self, server: SocketAddr, over: &AtomicBool) -> io::Result<()> {
        give_way()?;
        while !over.load(Ordering::Relaxed) {
            self.once(server, over)?;
        }
        Ok(())
    }

    fn once(&self, server: SocketAddr, over: &AtomicBool) -> io::Result<()> {
        let mut receiving = TcpStream::connect(server)?;
        let mut sending = receiving.try_clone()?;
        thread::scope(|scope| {
            // A thread has the priority of the one that starts it.
            scope.spawn(move || {
                // A server that refuses need not take all of it.
                let _ = self.send(&mut sending, over);
                let _ = sending.shutdown(Shutdown::Write);
            });
            match io::copy(&mut receiving, &mut io::sink()) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
                done => done.map(drop),
            }
        })
    }

    fn send(&self, sending: &mut TcpStream, over: &AtomicBool) -> io::Result<()> {
        for piece in self.stream.chunks(PIECE) {
            sending.write_all(piece)?;
        }
        let piece = [b'x'; PIECE];
        let mut left = self.content;
        while left > 0 && !over.load(Ordering::Relaxed) {
            let count = left.min(PIECE);
            sending.write_all(&piece[..count])?;
            left -= count;
        }
        Ok(())
    }
}

/// Gives this thread, and those that it will start, the scheduling policy `SCHED_IDLE`: it runs only while no other thread
/// needs the processor. A mere lower priority keeps the processor for the rest of a time slice.
fn give_way() -> io::Result<()> {
    let thread = gettid().as_raw_nonzero().to_string();
    let status = Command::new("chrt")
        .args(["--idle", "--pid", "0", &thread])
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other("chrt does not set the policy SCHED_IDLE"))
}

fn request(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

/// Sixteen ranges that together are nearly all of the large file.
fn ranges() -> Vec<String> {
    let part = RANGED_LEN / 16;
    (0..16)
        .map(|number| format!("{}-{}", number * part, (number + 1) * part - 100))
        .collect()
}

/// Makes what these requests are for in the server's root.
pub(crate) fn fill(server: &Server) -> io::Result<()> {
    let list = server.path("root").join("list");
    fs::create_dir(&list)?;
    for number in 0..ENTRIES {
        File::create(list.join(format!("entry-{number:05}.txt")))?;
    }
    File::create(server.path("root").join(RANGED))?.set_len(RANGED_LEN)
}
