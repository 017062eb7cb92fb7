//! The echo server of `examples/`, another protocol on the same pool.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::bytes::{assert_bytes, noise};
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::running::Running;
use crate::support::wait::eventually;

/// The running example, until it is dropped.
struct Echo {
    home: Home,
    program: Running,
}

impl Echo {
    fn start() -> Self {
        let home = Home::new();
        let output = fs::File::create(home.path().join("stdout")).unwrap();
        let mut command = Command::new(program());
        command.arg("0").stdin(Stdio::null()).stdout(output);
        let program = Running::start(command);
        Self { home, program }
    }

    fn stdout(&self) -> String {
        let bytes = fs::read(self.home.path().join("stdout")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn address(&self) -> SocketAddr {
        let mut address = None;
        eventually("it says where it listens", || {
            let said = self.stdout();
            address = said.strip_prefix("listening on ").and_then(|rest| {
                let (address, _) = rest.split_once('\n')?;
                address.parse().ok()
            });
            address.is_some()
        });
        address.unwrap()
    }
}

/// Cargo builds the examples for `cargo test`, beside the directory of this test.
fn program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let profile = this.ancestors().nth(2).unwrap();
    let program = profile.join("examples").join("echo");
    assert!(
        program.exists(),
        "{} is not there: cargo build --example echo",
        program.display()
    );
    program
}

#[test]
fn received_lines_are_printed_and_sent_back() {
    let mut echo = Echo::start();
    let address = echo.address();
    let mut clients: Vec<_> = (0..20).map(|_| Client::connect(address)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let line = format!("hello from {number}\n");
        client.send(&line);
        assert_bytes(&client.take(line.len()), line.as_bytes(), "echo");
        assert!(echo.stdout().contains(&format!("Client Sent: {line}")));
    }
    // A client that sends more than it reads delays no other.
    let (mut sending, mut receiving) = Client::connect(address).split();
    let much = noise(1, 5_000_000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sending.send(&much);
            sending.end_sending();
        });
        clients[0].send("in between");
        assert_bytes(&clients[0].take(10), b"in between", "echo");
        assert_bytes(&receiving.rest(), &much, "much");
    });
    echo.program.signal(Signal::TERM);
    assert!(echo.program.wait().success());
    assert_bytes(&clients[0].rest(), b"", "after the signal");
}
