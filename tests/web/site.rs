//! A server over a directory of its own, and one request at a time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long a test waits for what should come at once.
pub(crate) const GUARD: Duration = Duration::from_secs(30);

/// A running server, and the directory that holds its root and what lies beside it.
pub(crate) struct Site {
    home: TempDir,
    server: Child,
    address: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Site {
    /// Lays out a root with `lay`, and serves it with these options besides `--web`.
    pub(crate) fn start(options: &[&str], lay: impl FnOnce(&Path)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        fs::create_dir(&root).unwrap();
        lay(&root);
        let mut server = Command::new(env!("CARGO_BIN_EXE_httpserver"))
            .arg("--web")
            .arg("--root")
            .arg(&root)
            .args(if options.contains(&"-l") {
                &[][..]
            } else {
                &["-l", "log"]
            })
            .args(options)
            .args(["127.0.0.1", "0"])
            .current_dir(home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .unwrap()
            .parse()
            .unwrap();
        Self {
            home,
            server,
            address,
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    /// The directory above the root.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes of memory that the server occupies.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kibibytes.parse::<u64>().unwrap() * 1024
    }

    /// The log, without the lines between its entries.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home().join("log")).unwrap();
        text.lines()
            .filter(|line| *line != "========")
            .map(str::to_owned)
            .collect()
    }

    /// Sends bytes and receives until the server closes.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(GUARD)).unwrap();
        stream.write_all(bytes).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        received
    }

    /// Asks for `line` (method and target) with these fields, each ended by CRLF, and this content.
    pub(crate) fn ask(&self, line: &str, fields: &str, content: &[u8]) -> Answer {
        let mut request =
            format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n").into_bytes();
        request.extend_from_slice(content);
        Answer::parse(&self.exchange(&request))
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask(&format!("GET {target}"), "", b"")
    }

    pub(crate) fn put(&self, target: &str, fields: &str, content: &[u8]) -> Answer {
        let fields = format!("Content-Length: {}\r\n{fields}", content.len());
        self.ask(&format!("PUT {target}"), &fields, content)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head: {}", bytes.escape_ascii()));
        let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        Self {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    /// The value of the only field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let values: Vec<&str> = self
            .head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect();
        assert!(values.len() < 2, "{name} is there twice: {}", self.head);
        values.first().copied()
    }

    /// The names of all fields, in their order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .map(|(name, _)| name)
            .collect()
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// Writes a file and the directories on the way to it.
pub(crate) fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(crate) fn link(root: &Path, path: &str, target: impl AsRef<Path>) {
    symlink(target, root.join(path)).unwrap();
}

/// Gives a file a modification time of so many seconds after the epoch.
pub(crate) fn date(root: &Path, path: &str, seconds: u64) {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    let file = fs::File::options()
        .write(true)
        .open(root.join(path))
        .unwrap();
    file.set_modified(time).unwrap();
}
