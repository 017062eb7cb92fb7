//! `--hash-password`: makes the hash of a password for the file of users.
//!
//! From a terminal, the password is read twice without echo, to detect typing errors; from a pipe it is one line.

use std::io::{self, BufRead, IsTerminal};

use thiserror::Error;

use httpserver::users::{PasswordError, PasswordHash};

/// The longest password that is read.
const LONGEST: u64 = 4096;

/// Why no hash could be made.
#[derive(Debug, Error)]
pub(crate) enum HashPasswordError {
    #[error("cannot read the password: {0}")]
    Read(#[from] io::Error),
    #[error("the two passwords differ: try again")]
    Differ,
    #[error("the password has more than {LONGEST} bytes")]
    TooLong,
    #[error("the password is not UTF-8")]
    NotUtf8,
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// The hash with a line end.
pub(crate) fn run() -> Result<String, HashPasswordError> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() {
        ask_twice()?
    } else {
        read_line(stdin.lock())?
    };
    Ok(PasswordHash::make(&password)? + "\n")
}

fn ask_twice() -> Result<String, HashPasswordError> {
    let password = rpassword::prompt_password("Password: ")?;
    let again = rpassword::prompt_password("Again: ")?;
    if password == again {
        Ok(password)
    } else {
        Err(HashPasswordError::Differ)
    }
}

fn read_line(input: impl BufRead) -> Result<String, HashPasswordError> {
    let mut line = Vec::new();
    input.take(LONGEST + 2).read_until(b'\n', &mut line)?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() as u64 > LONGEST {
        return Err(HashPasswordError::TooLong);
    }
    String::from_utf8(line.to_vec()).map_err(|_| HashPasswordError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_from_a_pipe_is_the_first_line() {
        let longest = "x".repeat(4096);
        for (input, expected) in [
            ("secret\n", Some("secret")),
            ("secret", Some("secret")),
            ("secret\r\n", Some("secret")),
            ("two words\nand more\n", Some("two words")),
            ("\n", Some("")),
            ("", Some("")),
            (&(longest.clone() + "\n"), Some(&*longest)),
            (&(longest.clone() + "x\n"), None),
        ] {
            let found = read_line(input.as_bytes()).ok();
            assert_eq!(found.as_deref(), expected, "{input}");
        }
        let error = read_line(&b"\xff\n"[..]).unwrap_err();
        assert!(matches!(error, HashPasswordError::NotUtf8), "{error}");
    }
}
