//! The user that root becomes.
//!
//! The calls are those of libc, which change all threads of the process, unlike the kernel's.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User, geteuid, getgrouplist, setgroups, setresgid, setresuid};
use thiserror::Error;

/// A user, with the groups that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    name: String,
    user: Uid,
    group: Gid,
    groups: Vec<Gid>,
}

/// Why the process does not become another user.
#[derive(Debug, Error)]
pub enum AccountError {
    /// `getpwnam_r(3)` and `getpwuid_r(3)` find no such user.
    #[error("there is no user '{name}' on this system{hint}", name = .0, hint = after_unknown(.0))]
    Unknown(String),
    /// The user database cannot be read.
    #[error("cannot look up the user '{name}': {source}")]
    LookUp {
        /// The name that was asked for.
        name: String,
        /// The cause, from `getpwnam_r(3)` or getgrouplist(3).
        source: Errno,
    },
    /// The process is neither root nor that user.
    #[error("only root can become the user '{0}'; start as root, or as that user")]
    NotRoot(String),
    /// The kernel refuses.
    #[error("cannot become the user '{name}': {source}")]
    Refused {
        /// The name of the user.
        name: String,
        /// The cause, from setgroups(2), setresgid(2) or setresuid(2).
        source: Errno,
    },
}

/// The remedy for an unknown user.
fn after_unknown(name: &str) -> &'static str {
    if number(name).is_some() {
        "; type its group, too, as in 1000:1000"
    } else {
        ""
    }
}

/// The number of a user or group: all but the largest, which means "no change" to setresuid(2).
fn number(typed: &str) -> Option<u32> {
    let is_decimal = !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_digit());
    let number = typed.parse().ok().filter(|_| is_decimal)?;
    (number != u32::MAX).then_some(number)
}

impl Account {
    /// Looks up a user by its name or its number. `1000:1000` is user and group by their numbers, which no database needs
    /// to know.
    ///
    /// # Errors
    /// `Unknown` and `LookUp`.
    pub fn find(name: &str) -> Result<Self, AccountError> {
        let numbers = name.split_once(':');
        let numbers = numbers.and_then(|(user, group)| Some((number(user)?, number(group)?)));
        if let Some((user, group)) = numbers {
            let group = Gid::from_raw(group);
            return Ok(Self {
                name: name.to_owned(),
                user: Uid::from_raw(user),
                group,
                groups: vec![group],
            });
        }
        let failed = |source| AccountError::LookUp {
            name: name.to_owned(),
            source,
        };
        let unknown = || AccountError::Unknown(name.to_owned());
        let by_name = found(User::from_name(name)).map_err(failed)?;
        let user = match (by_name, number(name)) {
            (None, Some(number)) => found(User::from_uid(Uid::from_raw(number))).map_err(failed)?,
            (by_name, _) => by_name,
        };
        let user = user.ok_or_else(unknown)?;
        let c_name = CString::new(user.name).map_err(|_| unknown())?;
        Ok(Self {
            name: name.to_owned(),
            user: user.uid,
            group: user.gid,
            groups: getgrouplist(&c_name, user.gid).map_err(failed)?,
        })
    }

    /// The number of the user, and that of its group.
    #[must_use]
    pub fn ids(&self) -> (u32, u32) {
        (self.user.as_raw(), self.group.as_raw())
    }

    /// Becomes this user irrevocably, with its groups and no others. A process that is that user already stays as it
    /// is.
    ///
    /// # Errors
    /// `NotRoot` and `Refused`.
    pub fn assume(&self) -> Result<(), AccountError> {
        let current = geteuid();
        if !current.is_root() {
            return if current == self.user {
                Ok(())
            } else {
                Err(AccountError::NotRoot(self.name.clone()))
            };
        }
        // The user comes last: a user other than root cannot change groups.
        setgroups(&self.groups)
            .and_then(|()| setresgid(self.group, self.group, self.group))
            .and_then(|()| setresuid(self.user, self.user, self.user))
            .map_err(|source| AccountError::Refused {
                name: self.name.clone(),
                source,
            })
    }
}

/// A system without a user database has none of its users (`getpwnam_r(3)`).
fn found(looked_up: nix::Result<Option<User>>) -> nix::Result<Option<User>> {
    match looked_up {
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_with_their_groups() {
        let root = Account::find("root").unwrap();
        assert_eq!(root.ids(), (0, 0));
        assert!(root.groups.contains(&Gid::from_raw(0)));
        let by_number = Account::find("0").unwrap();
        assert_eq!((by_number.ids(), &by_number.groups), ((0, 0), &root.groups));
        for name in [
            "",
            "no such user",
            "a\0b",
            "-1",
            "+0",
            " 0",
            "0x0",
            "4294967295",
            "4294967296",
            "0:4294967295",
            "4294967295:0",
            "0:",
            ":0",
            "0:0:0",
            "root:root",
        ] {
            assert!(
                matches!(Account::find(name), Err(AccountError::Unknown(_))),
                "{name:?}"
            );
        }
    }

    #[test]
    fn user_and_group_by_number_need_not_be_known() {
        let account = Account::find("12345:23456").unwrap();
        assert_eq!(account.ids(), (12345, 23456));
        assert_eq!(account.groups, [Gid::from_raw(23456)]);
        let error = Account::find("4000000000").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no user '4000000000' on this system; type its group, too, as in 1000:1000"
        );
    }
}
