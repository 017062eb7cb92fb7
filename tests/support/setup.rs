//! The start of a server: `Setup::new(&["-N", "1"]).start()`, with more between the two where a test needs it.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::home::{Home, NOBODY};
use crate::support::process::finish;
use crate::support::server::Server;

/// The timeouts that are an hour unless a test names them: no test depends on how fast the machine is, and what hangs
/// does so until the test gives up.
const TIMEOUTS: [&str; 5] = [
    "--head-timeout",
    "--body-timeout",
    "--write-timeout",
    "--idle-timeout",
    "--linger-timeout",
];

/// A server that is not started yet.
pub(crate) struct Setup {
    home: Home,
    options: Vec<OsString>,
    address: IpAddr,
    root: PathBuf,
    log: Option<PathBuf>,
    account: Account,
    /// A command that runs the command that is appended to it.
    wrapper: Option<Command>,
    /// Where its stderr goes, if not into a file of its home.
    stderr: Option<OwnedFd>,
}

/// The user as whom the server runs.
#[derive(PartialEq, Eq)]
enum Account {
    Ours,
    Nobody,
}

impl Setup {
    /// A server with these options, an empty root of its own, and a log.
    pub(crate) fn new(options: &[&str]) -> Self {
        Self::at(&Home::new(), options)
    }

    /// The same in the web dialect.
    pub(crate) fn web(options: &[&str]) -> Self {
        Self::new(&[&["--web"], options].concat())
    }

    /// A server on a directory that is there already.
    pub(crate) fn at(home: &Home, options: &[&str]) -> Self {
        Self {
            home: home.clone(),
            options: options.iter().map(OsString::from).collect(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            root: home.root(),
            log: Some(home.log_path()),
            account: Account::Ours,
            wrapper: None,
            stderr: None,
        }
    }

    /// A server that is not root even where the test is, so that permissions count.
    pub(crate) fn nobody(options: &[&str]) -> Self {
        Self {
            account: Account::Nobody,
            ..Self::at(&Home::of_nobody(), options)
        }
    }

    /// A server with TLS, for the certificate in a file `cert.pem` of its home.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(options: &[&str]) -> Self {
        Self::tls_at(&Home::new(), options)
    }

    /// The same on a directory that is there already.
    #[cfg(feature = "tls")]
    pub(crate) fn tls_at(home: &Home, options: &[&str]) -> Self {
        crate::support::tls::Certificate::new(&["localhost", "127.0.0.1"]).place(home.path());
        let tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
        Self::at(home, &[&tls, options].concat())
    }

    /// Puts files into the root before the start; `lay` is called with its path.
    pub(crate) fn files(self, lay: impl FnOnce(&Path)) -> Self {
        lay(&self.root);
        self
    }

    /// Serves another directory.
    pub(crate) fn root(self, root: PathBuf) -> Self {
        Self { root, ..self }
    }

    /// Records in another file, whose path is relative to the home.
    pub(crate) fn log(self, log: impl Into<PathBuf>) -> Self {
        let log = Some(log.into());
        Self { log, ..self }
    }

    /// Records nothing.
    pub(crate) fn unrecorded(self) -> Self {
        Self { log: None, ..self }
    }

    /// Listens on this address.
    pub(crate) fn on(self, address: impl Into<IpAddr>) -> Self {
        let address = address.into();
        Self { address, ..self }
    }

    /// Allows so many descriptors, and no way to have more.
    pub(crate) fn descriptors(self, limit: u32) -> Self {
        self.before(&format!("ulimit -n {limit}"))
    }

    /// Allows so many descriptors, unless the server raises its limit.
    pub(crate) fn descriptors_at_first(self, limit: u32) -> Self {
        self.before(&format!("ulimit -S -n {limit}"))
    }

    /// Shows on stderr what `RUST_LOG=debug` shows.
    pub(crate) fn debug(self) -> Self {
        let mut env = Command::new("env");
        env.arg("RUST_LOG=debug");
        self.under(env)
    }

    /// Has a shell run this line before it becomes the server.
    pub(crate) fn before(self, line: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{line} && exec \"$0\" \"$@\"")]);
        self.under(shell)
    }

    /// Starts the server by a command that runs what is appended to it, and becomes it in the end.
    pub(crate) fn under(self, wrapper: Command) -> Self {
        let wrapper = Some(wrapper);
        Self { wrapper, ..self }
    }

    /// Gives it this as its stderr.
    pub(crate) fn stderr(self, stderr: impl Into<OwnedFd>) -> Self {
        let stderr = Some(stderr.into());
        Self { stderr, ..self }
    }

    /// Starts it, and returns when it has said where it listens.
    #[track_caller]
    pub(crate) fn start(mut self) -> Server {
        let command = self.command();
        match self.stderr {
            None => Server::start(self.home, command),
            Some(stderr) => Server::start_with(self.home, command, stderr),
        }
    }

    /// Runs it, checks that it does not start, and returns its stderr.
    #[track_caller]
    pub(crate) fn refused(mut self) -> String {
        let output = finish(self.command(), b"");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        stderr
    }

    fn command(&mut self) -> Command {
        let program = match self.account {
            Account::Ours => PathBuf::from(env!("CARGO_BIN_EXE_httpserver")),
            Account::Nobody => self.home.program(),
        };
        let mut command = match self.wrapper.take() {
            None => Command::new(program),
            Some(mut wrapper) => {
                wrapper.arg(program);
                wrapper
            }
        };
        command.arg("--root").arg(&self.root);
        if let Some(log) = &self.log {
            command.arg("--log").arg(log);
        }
        for timeout in TIMEOUTS {
            if !self.options.iter().any(|option| option == timeout) {
                command.args([timeout, "3600"]);
            }
        }
        // The tests' own name, unless a test is about names.
        let takes_uploads = self.options.iter().any(|option| option == "--writable");
        if takes_uploads && !self.options.iter().any(|option| option == "--allow-host") {
            command.args(["--allow-host", "a"]);
        }
        command.args(&self.options);
        command.args([self.address.to_string(), "0".to_owned()]);
        command.current_dir(self.home.path());
        if self.account == Account::Nobody && rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}
