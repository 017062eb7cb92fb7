//! Users: their passwords and their rights.
//!
//! - `user_table`: the file of users as values; `rights` and `permissions`: the rights of a requester at a path.
//! - `password`: hashes of passwords. Verifying one deliberately takes a while, so a thread of its own does it
//!   (`verifier`), whose queue is bounded. Passwords that were verified are `remembered`; clients that guess are slowed
//!   down (`throttle`).
//! - [`Authenticator`] puts these together: credentials become an identity, immediately or after a while.
//!
//! It does not depend on HTTP, and uses no files but its own.

mod authenticator;
mod password;
mod permissions;
mod remembered;
mod rights;
mod throttle;
mod user_table;
mod verifier;

pub use self::authenticator::{Authenticator, Denial, Identified, Principal, UsersError};
pub use self::password::{PasswordError, PasswordHash};
pub use self::permissions::Permissions;
pub use self::rights::{Right, Rights};
pub use self::verifier::Ticket;
