//! Turns credentials into an identity: immediately if the password is remembered, else after it is verified.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::permissions::Permissions;
use super::remembered::Remembered;
use super::throttle::{AttemptOutcome, Throttle};
use super::user_table::{TableError, User, UserTable};
use super::verifier::{PasswordCheck, Ticket, Verifier, Verify};
use crate::peer::ClientAddress;
use crate::sync::{lock, read, write};

/// The Retry-After for a client while the queue is full.
const BUSY: Duration = Duration::from_secs(2);

/// The users of a server.
pub struct Authenticator {
    users: Arc<Users>,
    verifier: Verifier<Attempted>,
}

/// The state that the verifying thread shares.
struct Users {
    path: PathBuf,
    /// A reload replaces the table.
    table: RwLock<Arc<UserTable>>,
    remembered: Mutex<Remembered>,
    throttle: Mutex<Throttle>,
}

/// A password that must be verified.
struct Attempted {
    name: Box<str>,
    password: Box<str>,
    client: ClientAddress,
}

/// A requester whose rights are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principal {
    /// The user who logged in.
    pub user: Option<Arc<str>>,
    /// The requester's permissions.
    pub permissions: Permissions,
}

/// The result of credentials.
#[derive(Debug)]
pub enum Identified {
    /// They are valid.
    Known(Principal),
    /// They are invalid, or cannot be checked now.
    Denied(Denial),
    /// They are being verified.
    Pending(Ticket),
}

/// The reason why credentials are not accepted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The user does not exist, or the password is wrong.
    Wrong,
    /// The client has sent too many wrong passwords; it may try again after this time.
    TooOften(Duration),
    /// Too many passwords wait for verification; the client may try again after this time.
    Busy(Duration),
}

/// The reason why there are no users.
#[derive(Debug, Error)]
pub enum UsersError {
    /// The file cannot be read.
    #[error("cannot read the users in '{}': {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A line of it is wrong.
    #[error("'{}', {source}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, and its fault.
        source: TableError,
    },
    /// The system gave no random bytes, or no thread.
    #[error("cannot verify passwords: {0}")]
    Start(#[source] io::Error),
}

impl Authenticator {
    /// Reads the users in this file. Their passwords are verified from [`Authenticator::start`] on.
    ///
    /// # Errors
    /// See [`UsersError`].
    pub fn open(path: &Path) -> Result<Self, UsersError> {
        let users = Arc::new(Users {
            path: path.to_owned(),
            table: RwLock::new(Arc::new(read_table(path)?)),
            remembered: Mutex::new(Remembered::new().map_err(UsersError::Start)?),
            throttle: Mutex::default(),
        });
        Ok(Self {
            users,
            verifier: Verifier::unstarted(),
        })
    }

    /// Starts the thread that verifies passwords.
    ///
    /// # Errors
    /// `Start`.
    pub fn start(&mut self) -> Result<(), UsersError> {
        let verifier = Verifier::start(Arc::clone(&self.users));
        self.verifier = verifier.map_err(UsersError::Start)?;
        Ok(())
    }

    /// Reads the file again. If it is valid, all passwords are verified again; if not, the users stay as they were, and
    /// an error is logged.
    pub fn reload(&self) {
        match read_table(&self.users.path) {
            Ok(table) => {
                let users = table.users().len();
                let mut current = write(&self.users.table);
                *current = Arc::new(table);
                lock(&self.users.remembered).clear();
                drop(current);
                let path = self.users.path.display();
                let noun = if users == 1 { "user" } else { "users" };
                log::info!("{path} was read again: {users} {noun}");
            }
            Err(error) => log::error!("the users stay as they were: {error}"),
        }
    }

    /// A requester who sent no credentials.
    #[must_use]
    pub fn anonymous(&self) -> Principal {
        let table = read(&self.users.table);
        Principal {
            user: None,
            permissions: Permissions::Everybody(Arc::clone(&table.everybody)),
        }
    }

    /// Checks credentials that `client` has sent. If they must be verified, `wake` is called after that, and then
    /// [`Authenticator::conclude`] has the outcome.
    pub fn identify(
        &self,
        name: &str,
        password: &str,
        client: ClientAddress,
        wake: impl FnOnce() + Send + 'static,
    ) -> Identified {
        let users = &self.users;
        let now = Instant::now();
        if let Some(identity) = users.recall(name, password, now) {
            return Identified::Known(identity);
        }
        if let Err(wait) = lock(&users.throttle).begin(client, now) {
            return Identified::Denied(Denial::TooOften(wait));
        }
        let attempted = Attempted {
            name: name.into(),
            password: password.into(),
            client,
        };
        match self.verifier.submit(attempted, wake) {
            Ok(ticket) => Identified::Pending(ticket),
            Err(attempted) => {
                users.end(&attempted, AttemptOutcome::NotWrong);
                Identified::Denied(Denial::Busy(BUSY))
            }
        }
    }

    /// The outcome of a pending verification; `None` while it is pending. `name` is that of the credentials.
    #[must_use]
    pub fn conclude(&self, ticket: &Ticket, name: &str) -> Option<Identified> {
        Some(match ticket.verdict()? {
            PasswordCheck::Wrong => Identified::Denied(Denial::Wrong),
            PasswordCheck::Right => {
                let table = Arc::clone(&read(&self.users.table));
                match table.user(name) {
                    Some(user) => Identified::Known(identity(&table, user)),
                    // A reload has removed the user meanwhile.
                    None => Identified::Denied(Denial::Wrong),
                }
            }
        })
    }
}

fn read_table(path: &Path) -> Result<UserTable, UsersError> {
    let file = fs::read(path).map_err(|source| UsersError::Read {
        path: path.to_owned(),
        source,
    })?;
    UserTable::parse(&file).map_err(|source| UsersError::Table {
        path: path.to_owned(),
        source,
    })
}

fn identity(table: &UserTable, user: &User) -> Principal {
    Principal {
        user: Some(Arc::clone(&user.name)),
        permissions: Permissions::User {
            everybody: Arc::clone(&table.everybody),
            own: Arc::clone(&user.rules),
        },
    }
}

impl Users {
    /// The user with this password, if it is remembered.
    fn recall(&self, name: &str, password: &str, now: Instant) -> Option<Principal> {
        let table = read(&self.table);
        let user = table.user(name)?;
        let is_known = lock(&self.remembered).recall(name, password, now);
        is_known.then(|| identity(&table, user))
    }

    fn end(&self, attempted: &Attempted, attempt: AttemptOutcome) {
        lock(&self.throttle).end(attempted.client, attempt, Instant::now());
    }

    /// Whether the password is right. It takes as long if there is no such user: then it is compared with the hash of
    /// another user, always the same one for one name.
    fn is_right(&self, table: &UserTable, attempted: &Attempted) -> bool {
        if let Some(user) = table.user(&attempted.name) {
            return user.hash.verify(&attempted.password);
        }
        let users = table.users();
        let number = lock(&self.remembered).number_of(&attempted.name);
        let count = u64::try_from(users.len()).unwrap_or(u64::MAX).max(1);
        let chosen = usize::try_from(number % count).unwrap_or_default();
        if let Some(other) = table.users().nth(chosen) {
            let _ = other.hash.verify(&attempted.password);
        }
        false
    }
}

impl Verify for Arc<Users> {
    type Work = Attempted;

    fn verify(&self, attempted: &Attempted) -> PasswordCheck {
        let Attempted { name, password, .. } = attempted;
        // A browser sends the same credentials on several connections.
        if self.recall(name, password, Instant::now()).is_some() {
            self.end(attempted, AttemptOutcome::NotWrong);
            return PasswordCheck::Right;
        }
        let table = Arc::clone(&read(&self.table));
        if !self.is_right(&table, attempted) {
            self.end(attempted, AttemptOutcome::Wrong);
            return PasswordCheck::Wrong;
        }
        // A password that was verified with the users before a reload is not remembered.
        let current = read(&self.table);
        if Arc::ptr_eq(&current, &table)
            && let Some(user) = table.user(name)
        {
            lock(&self.remembered).remember(&user.name, password, Instant::now());
        }
        drop(current);
        self.end(attempted, AttemptOutcome::NotWrong);
        PasswordCheck::Right
    }

    fn give_up(&self, attempted: &Attempted) {
        self.end(attempted, AttemptOutcome::NotWrong);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, bounded};

    use super::super::password::tests::{ARGON2ID, BCRYPT};
    use super::*;

    struct World {
        directory: tempfile::TempDir,
        users: Authenticator,
    }

    impl World {
        fn new(text: &str) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("users");
            fs::write(&path, text).unwrap();
            let mut users = Authenticator::open(&path).unwrap();
            users.start().unwrap();
            Self { directory, users }
        }

        fn write(&self, text: &str) {
            fs::write(self.directory.path().join("users"), text).unwrap();
            self.users.reload();
        }

        fn identify(&self, name: &str, password: &str) -> (Identified, Receiver<()>) {
            let (wake, woken) = bounded(1);
            let client = ClientAddress::Unix;
            let found = self
                .users
                .identify(name, password, client, move || wake.send(()).unwrap());
            (found, woken)
        }

        /// The final verdict on credentials.
        fn outcome(&self, name: &str, password: &str) -> Result<Principal, Denial> {
            let (found, woken) = self.identify(name, password);
            let found = match found {
                Identified::Pending(ticket) => {
                    woken.recv().unwrap();
                    self.users.conclude(&ticket, name).unwrap()
                }
                found => found,
            };
            match found {
                Identified::Known(identity) => Ok(identity),
                Identified::Denied(denial) => Err(denial),
                Identified::Pending(_) => panic!("pending"),
            }
        }

        fn is_remembered(&self, name: &str, password: &str) -> bool {
            self.users
                .users
                .recall(name, password, Instant::now())
                .is_some()
        }
    }

    #[test]
    fn right_password_is_remembered_and_a_wrong_one_is_verified_each_time() {
        let world = World::new(&format!("ann:{BCRYPT}\nbob:{ARGON2ID}:read"));
        for name in ["ann", "bob"] {
            assert!(!world.is_remembered(name, "secret"));
            let identity = world.outcome(name, "secret").unwrap();
            assert_eq!(identity.user.as_deref(), Some(name));
            assert!(world.is_remembered(name, "secret"));
            assert!(matches!(
                world.identify(name, "secret").0,
                Identified::Known(_)
            ));
            assert_eq!(world.outcome(name, "wrong"), Err(Denial::Wrong));
            assert!(!world.is_remembered(name, "wrong"));
        }
        assert_eq!(world.outcome("eve", "secret"), Err(Denial::Wrong));
    }

    #[test]
    fn guesser_is_slowed_down_and_a_user_who_is_remembered_is_not() {
        let world = World::new(&format!("ann:{BCRYPT}"));
        world.outcome("ann", "secret").unwrap();
        let denials = (0..20).map(|_| world.outcome("ann", "wrong"));
        let too_often = denials.filter(|found| matches!(found, Err(Denial::TooOften(_))));
        assert!(too_often.count() > 10);
        assert!(world.outcome("ann", "secret").is_ok());
    }

    #[test]
    fn good_file_takes_effect_and_a_bad_one_does_not() {
        let world = World::new(&format!("*::read\nann:{BCRYPT}"));
        world.outcome("ann", "secret").unwrap();
        world.write("ann");
        assert!(world.is_remembered("ann", "secret"));
        world.write(&format!("ann:{BCRYPT}:none"));
        assert!(!world.is_remembered("ann", "secret"));
        let identity = world.outcome("ann", "secret").unwrap();
        assert!(!identity.permissions.permit(super::super::Right::Read, b"x"));
        world.write(&format!("bob:{BCRYPT}"));
        assert_eq!(world.outcome("ann", "secret"), Err(Denial::Wrong));
        let Err(error) = Authenticator::open(&world.directory.path().join("none")) else {
            panic!("there is no such file");
        };
        assert!(error.to_string().contains("none"), "{error}");
    }
}
