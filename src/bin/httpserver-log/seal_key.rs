//! `seal-key`: creates the state of a sealing key, and prints the verification key once.

use crate::cli::SealKeyArguments;
use crate::failure::Failure;
use crate::secret;
use crate::verdict::Verdict;
use httpserver::qr::{Drawing, Ground};
use httpserver::seal::key::Key;
use httpserver::seal::state::SealState;
use std::io::{self, IsTerminal, Write};

/// Creates a key. Its state is written to a new file that only its owner can read.
pub(crate) fn run(options: &SealKeyArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let key = Key::first(secret::random()?);
    let shown = key.to_text();
    let state = SealState::first(key, u64::from_le_bytes(secret::random()?));
    secret::write_new(&options.state, &state.to_text())?;
    writeln!(out, "{shown}").map_err(Failure::output)?;
    let is_terminal = io::stdout().is_terminal();
    if options.qr || is_terminal {
        let ground = if is_terminal {
            Ground::Terminal
        } else {
            Ground::Plain
        };
        // A key is far shorter than the capacity of a QR code.
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
