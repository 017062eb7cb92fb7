//! `seal-key`: makes the state of a sealing key, and shows the verification key once.

use crate::cli::SealKey;
use crate::failure::Failure;
use crate::verdict::Verdict;
use httpserver::qr::{Drawing, Ground};
use httpserver::seal::key::Key;
use httpserver::seal::state::State;
use rustix::rand::{GetRandomFlags, getrandom};
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;

/// Makes a key. Its state goes into a new file, which only its owner may read.
pub(crate) fn run(options: &SealKey, out: &mut impl Write) -> Result<Verdict, Failure> {
    let path = &options.state;
    let (mut bytes, mut identity) = ([0; 32], [0; 8]);
    for random in [&mut bytes[..], &mut identity[..]] {
        // So few bytes come at once (getrandom(2)).
        getrandom(random, GetRandomFlags::empty())
            .map_err(|error| Failure::file("getrandom")(error.into()))?;
    }
    let key = Key::first(bytes);
    let shown = key.to_text();
    let state = State::first(key, u64::from_le_bytes(identity));
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = made.map_err(Failure::file(path))?;
    file.write_all(state.to_text().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(Failure::file(path))?;
    writeln!(out, "{shown}").map_err(Failure::output)?;
    let is_terminal = io::stdout().is_terminal();
    if options.qr || is_terminal {
        let ground = if is_terminal {
            Ground::Terminal
        } else {
            Ground::Plain
        };
        // A key is far shorter than what a code can hold.
        if let Ok(drawing) = Drawing::of(&shown) {
            write!(out, "{}", drawing.render(ground)).map_err(Failure::output)?;
        }
    }
    if is_terminal {
        let advice = "Keep this key in a safe place, not on this machine: it is not shown again.";
        writeln!(out, "{advice}").map_err(Failure::output)?;
    }
    Ok(Verdict::Sound)
}
