//! Agreement of the documents with the source: each path that they name exists, and each room is in the picture.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ROOMS, repository};

/// The documents that describe the source.
fn documents() -> Vec<PathBuf> {
    let top = [
        "DESIGN.md",
        "CONTRIBUTING.md",
        "examples/README.md",
        "fuzz/README.md",
    ];
    let mut documents: Vec<_> = top.iter().map(|name| repository().join(name)).collect();
    for entry in fs::read_dir(repository().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    documents
}

/// The texts between backquotes in this line that are paths of our files, or, with a `/` at the end, of directories.
fn paths_in(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter(|text| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
        let is_path = [".rs", ".md", ".toml", "/"]
            .iter()
            .any(|end| text.len() > end.len() && text.ends_with(end));
        // `seeds/CHECK/`: a place for any name.
        let has_placeholder = text
            .split('/')
            .any(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase()));
        is_path
            && !has_placeholder
            && text.chars().all(is_plain)
            && !text.starts_with('/')
            && !text.contains("..")
    })
}

/// Where a document may mean a path to begin.
fn starts(document: &Path) -> Vec<PathBuf> {
    let tests = ["it", "web", "log", "fault", "proxy", "support", "fuzz"];
    let mut starts = vec![
        repository().to_owned(),
        document.parent().unwrap().to_owned(),
        repository().join("src"),
        repository().join("tests"),
    ];
    starts.extend(tests.map(|name| repository().join("tests").join(name)));
    starts
}

/// Paths in a document that do not exist. A path after another on its line may be in the
/// same directory, or in that.
fn missing(document: &Path, text: &str) -> Vec<String> {
    let starts = starts(document);
    let mut missing = Vec::new();
    for line in text.lines() {
        let mut near: Vec<PathBuf> = Vec::new();
        for path in paths_in(line) {
            let mut from = starts.iter().chain(&near);
            match from.find(|start| start.join(path).exists()) {
                Some(start) => {
                    let found = start.join(path);
                    let directory = if found.is_dir() {
                        Some(&*found)
                    } else {
                        found.parent()
                    };
                    near.extend(directory.map(Path::to_owned));
                }
                None => missing.push(path.to_owned()),
            }
        }
    }
    missing
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut found = Vec::new();
    let mut named = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        named += text.lines().flat_map(paths_in).count();
        let missing = missing(&document, &text);
        found.extend(
            missing
                .iter()
                .map(|path| format!("{}: {path}", document.display())),
        );
    }
    assert!(named > 40, "{named}");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn paths_are_found_in_text() {
    let line = "`store/error.rs`, `error.rs` and `staging.rs`; `GET /`, `a b.rs`, `Store`, `store/none.rs`, `store/`";
    let found: Vec<_> = paths_in(line).collect();
    let expected = [
        "store/error.rs",
        "error.rs",
        "staging.rs",
        "store/none.rs",
        "store/",
    ];
    assert_eq!(found, expected);
    let document = repository().join("docs/x.md");
    assert_eq!(missing(&document, line), ["store/none.rs"]);
    assert_eq!(missing(&document, "`staging.rs`"), ["staging.rs"]);
}

/// The table of rooms in `docs/architecture.md` has each room of the map, and no other.
#[test]
fn every_room_is_described() {
    let text = fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    // Other tables have two columns.
    let has_three = |row: &&str| row.matches(" |").count() == 3;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let described: Vec<_> = rows
        .filter(has_three)
        .filter_map(|row| Some(row.split_once('`')?.0))
        // Rows of another table are about types.
        .filter(|room| room.starts_with(|first: char| first.is_ascii_lowercase()))
        .collect();
    let not_there: Vec<_> = described
        .iter()
        .filter(|room| {
            let path = repository().join("src").join(room);
            !path.is_dir() && !path.with_extension("rs").is_file()
        })
        .collect();
    assert!(not_there.is_empty(), "{not_there:?}");
    let is_described = |room: &str| {
        described
            .iter()
            .any(|name| name.split('/').next() == Some(room))
    };
    let left_out: Vec<_> = ROOMS
        .iter()
        .filter(|(room, _)| !is_described(room))
        .collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}
