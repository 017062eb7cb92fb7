//! A log and its seal, compared by the program's own verifier; keys for it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use httpserver::request_log::verify::{Evidence, SealReport, torn_entries, verify};
use httpserver::seal::key::Key;
use httpserver::seal::line::{EntryLine, LineContent};
use httpserver::seal::read::SealReader;
use httpserver::seal::state::SealState;

use crate::support::home::Home;

/// The verification key of [`key_state`].
pub(crate) fn key() -> Key {
    Key::first([7; 32])
}

/// Makes the state of a key in the home; its path.
pub(crate) fn key_state(home: &Home) -> PathBuf {
    let path = home.path().join("key");
    fs::write(&path, SealState::first(key(), 0xABC).to_text()).unwrap();
    path
}

/// The seal of a log.
pub(crate) fn seal_path(log: &Path) -> PathBuf {
    let mut path = log.as_os_str().to_owned();
    path.push(".seal");
    path.into()
}

/// The known facts about a log and a seal.
#[track_caller]
pub(crate) fn report(log: &Path, seal: &Path, key: Option<Key>) -> SealReport {
    let evidence = Evidence {
        torn: torn_entries(File::open(seal).unwrap()).unwrap(),
        key,
        ..Evidence::default()
    };
    verify(
        File::open(seal).unwrap(),
        File::open(log).unwrap(),
        evidence,
    )
    .unwrap()
}

/// The same of a log in which nothing is wrong.
#[track_caller]
pub(crate) fn sound(log: &Path) -> SealReport {
    let report = report(log, &seal_path(log), None);
    assert_eq!(report.findings, [], "{}", log.display());
    report
}

/// The lines of a seal, without their chain values.
#[track_caller]
pub(crate) fn lines(seal: &Path) -> Vec<String> {
    let text = fs::read_to_string(seal).unwrap();
    let lines = text.lines().map(|line| line.rsplit_once(' ').unwrap().0);
    lines.map(str::to_owned).collect()
}

/// Calls this with each entry of a seal.
#[track_caller]
pub(crate) fn for_each_entry(seal: &Path, mut call: impl FnMut(&EntryLine<'_>)) {
    let mut reader = SealReader::new(File::open(seal).unwrap());
    while let Some(line) = reader.next_line().unwrap() {
        if let LineContent::Entry(entry) = line.line {
            call(&entry);
        }
    }
}
