//! The contents of packages besides the programs, and installed packages: man pages, completions, the Debian package, the
//! crate, and the container image.

mod completions;
mod container;
mod debian;
mod man_pages;
mod manifest;
mod options;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directory with man pages and completions, which the unit tests `manual` write.
fn made() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaging");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--locked", "--offline", "--bins", "manual"]);
        if !cfg!(feature = "tls") {
            cargo.arg("--no-default-features");
        }
        cargo.env("PACKAGING_DIR", &directory);
        let output = cargo.current_dir(repository()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        directory
    })
}
