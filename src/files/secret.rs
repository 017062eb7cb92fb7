//! Files with secrets, such as the key of a certificate: they must not be below the root.
//!
//! A secret below the root would become public after any other mistake, so the server does not start. A hard link below
//! the root cannot be detected; it is concealed like the logs.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::state::{Files, reserved_names};
use crate::request_log::write::Location;

/// The reason why a server with this secret must not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is below the root.
    #[error("{} is below the root, so clients could read it: move it to a directory outside", .0.display())]
    BelowRoot(PathBuf),
    /// Its location cannot be determined.
    #[error("cannot use {}: {source}", path.display())]
    Look {
        /// The file.
        path: PathBuf,
        /// The cause, from realpath(3) or stat(2).
        source: io::Error,
    },
}

impl Files {
    /// Conceals a file that holds a secret, or will hold one. Nothing is opened or changed.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn conceal_secret(&mut self, path: &Path) -> Result<(), SecretError> {
        let failed = |source| SecretError::Look {
            path: path.to_path_buf(),
            source,
        };
        let root = self.store.root_identity().map_err(failed)?;
        if is_below(path, root).map_err(failed)? {
            return Err(SecretError::BelowRoot(path.to_path_buf()));
        }
        // A client cannot get a pipe.
        if let Ok(location) = Location::resolve(path) {
            self.store.reserve(reserved_names(&location));
            self.secrets.push(location);
        }
        Ok(())
    }
}

/// Whether a path leads below the directory with this device and inode number, even if the file does not exist yet.
fn is_below(path: &Path, root: (u64, u64)) -> io::Result<bool> {
    let absolute = std::path::absolute(path)?;
    let mut existing = absolute.ancestors();
    let real = loop {
        let Some(ancestor) = existing.next() else {
            return Ok(false);
        };
        match ancestor.canonicalize() {
            Ok(real) => break real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    };
    for directory in real.ancestors() {
        let found = fs::metadata(directory)?;
        if (found.dev(), found.ino()) == root {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn secrets_below_the_root_are_found_by_any_path() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        fs::create_dir_all(at("root/a")).unwrap();
        fs::create_dir(at("rootless")).unwrap();
        for file in ["root/key", "root/a/key", "rootless/key", "key"] {
            fs::write(at(file), "").unwrap();
        }
        symlink(at("root/a"), at("link")).unwrap();
        symlink(at("root/key"), at("rootless/link")).unwrap();
        symlink(at("key"), at("root/link")).unwrap();
        let found = fs::metadata(at("root")).unwrap();
        let root = (found.dev(), found.ino());
        for (path, expected) in [
            ("root/key", true),
            ("root/a/key", true),
            ("root/a/../key", true),
            ("root/absent/key", true),
            ("link/key", true),
            ("rootless/link", true),
            ("root", true),
            ("rootless/key", false),
            ("key", false),
            ("absent/key", false),
            // The link is below the root, but clients cannot follow it out of the root.
            ("root/link", false),
        ] {
            assert_eq!(is_below(&at(path), root).unwrap(), expected, "{path}");
        }
    }
}
