//! Users: passwords, rights, and clients that guess, in both dialects and with a real browser.

mod browser;
mod passwords;
mod reloading;
mod rights;
mod start;
mod verifying;

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::home::Home;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;

/// Of "secret", with bcrypt at its lowest cost.
const QUICK: &str = "$2y$04$kmGGu1XSHjldBVzhe3PSW.o5Gj9XhJ/m/61biZTgBcUT4xXGIfawK";

/// Of "secret", with argon2id and 8 KiB.
const QUICK_ARGON: &str =
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";

/// Every client may read, ann may also create files, and bob has all rights below /bob.
const THREE: &str = "*::read\nann:QUICK:create\nbob:QUICK::/bob\n";

/// The file of users of a home.
fn write_users(home: &Home, users: &str) {
    let users = users.replace("QUICK", QUICK).replace("ARGON", QUICK_ARGON);
    fs::write(home.path().join("users"), users).unwrap();
}

/// A server with these users, which is not started yet.
fn setup(users: &str, options: &[&str]) -> Setup {
    let home = Home::new();
    write_users(&home, users);
    Setup::at(&home, &[&["--users", "users"], options].concat())
}

/// The field that logs a user in.
fn basic(credentials: impl AsRef<[u8]>) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials))
}

/// Asks as the user of these credentials; without credentials if they are empty.
#[track_caller]
fn ask(server: &Server, line: &str, credentials: &str, fields: &str, content: &[u8]) -> Response {
    let login = match credentials {
        "" => String::new(),
        credentials => basic(credentials),
    };
    server.ask(line, &format!("{login}{fields}"), content)
}

#[track_caller]
fn put(server: &Server, target: &str, credentials: &str, content: &[u8]) -> Response {
    let length = format!("Content-Length: {}\r\n", content.len());
    ask(
        server,
        &format!("PUT {target}"),
        credentials,
        &length,
        content,
    )
}
