//! The options of a server with users.

use std::path::PathBuf;

use clap::Args;

use httpserver::web::Responses;

use super::group::Group;

pub(super) const GROUP: Group = Group {
    heading: "Users",
    sentence: "the rights to read, store and delete files. A user logs in with a name and a password.",
    example: "httpserver --web ./public --listing --writable --users users.txt 8000",
    does: "serves ./public to the users in users.txt, each with the rights in that file",
    defaults: &[],
    needs: &[],
};

impl UserOptions {
    pub(super) fn responses(&self) -> Responses {
        match &self.users {
            None => Responses::ForAll,
            Some(_) => Responses::ForEachUser,
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct UserOptions {
    /// Serve the users in FILE
    ///
    /// A line is NAME:HASH, NAME:HASH:RIGHTS or NAME:HASH:RIGHTS:PATH. RIGHTS are read, create, replace and delete,
    /// separated by commas; the user * stands for every client. SIGHUP reads FILE again.
    #[arg(long, value_name = "FILE")]
    pub(super) users: Option<PathBuf>,

    /// Read a password and print its hash
    ///
    /// The password comes from the terminal, or from a pipe as one line.
    #[arg(long, hide_short_help = true)]
    pub(super) hash_password: bool,
}
