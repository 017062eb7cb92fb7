//! One word, one thing: no two types have the same name, and modules do only where the name means the same in each.
//!
//! Private types count, too. Whether two modules mean the same is for people to judge: the table says what they share.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use syn::visit::{self, Visit};
use syn::{Ident, Item};

use super::{is_test, short, source};

/// Names of several modules, with what each of these is in its room.
const SHARED_MODULES: &[(&str, &str)] = &[
    // The same part of each room.
    ("error", "the errors of the room"),
    ("state", "the room's main value"),
    ("view", "what others may ask the room"),
    ("probe", "a trial whether something can be read or written"),
    ("buffers", "memory of a worker that it lends"),
    // The groups of options, which are named after the rooms that they are for.
    ("access_log", "options, and the room"),
    ("confinement", "options, and the room"),
    ("harness", "options, and the room"),
    ("hosts", "options, and what is decided by them"),
    ("limits", "options, and the values"),
    ("listener", "as it is typed, and as it is bound"),
    ("status", "options, and the room"),
    ("timeouts", "options, and the values"),
    ("tls", "options, and the room"),
    ("users", "options, and the room"),
    ("web", "options, and the room"),
    // Of both programs.
    ("cli", "a command line"),
    ("certificate", "the files of a certificate, chosen and read"),
    ("check", "the arguments of a command, and what it does"),
    (
        "checkpoint",
        "a signed statement of how far a seal has come, and the command",
    ),
    ("json", "what is written as JSON"),
    ("list", "entries in their order, of a log or a directory"),
    ("name", "the name of a file, in the dialect and in the log"),
    ("proof", "the arguments, and what is proved"),
    ("row", "one row of text"),
    ("seal_key", "the file of the key that seals"),
    ("sealed", "a log with a seal"),
    ("secret", "a file that holds a secret"),
    ("table", "cells in rows, to look up or to print"),
    ("text", "values as text"),
    // The methods, by dialect; and the parts of a message, in the rooms that read and write them.
    ("put", "PUT"),
    ("read", "what reads the files of the room"),
    ("write", "what writes the files of the room"),
    ("remove", "DELETE, at the door and in the store"),
    ("fields", "field lines of a request"),
    ("persistence", "whether a connection persists"),
    ("refusal", "a request that is refused, and by each dialect"),
    ("request", "a request, and what is done with it"),
    ("response", "a response, and what sends it"),
    ("sending", "bytes on their way out"),
    ("server", "what serves: the pool, the status, TLS"),
    // The rules, and what carries them out.
    ("files", "files that may be reached"),
    ("handshake", "the first messages of TLS"),
    ("pairing", "an entry and its line in the seal"),
    ("record", "what is written of one request"),
    ("records", "several of one kind"),
    ("line", "the line of a format"),
];

/// Types that stand twice, once for a build without TLS.
const TWINS: &[&str] = &["tls/absent.rs"];

/// The definitions of a file.
#[derive(Default)]
struct Definitions {
    types: Vec<String>,
}

impl<'ast> Visit<'ast> for Definitions {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name): (_, &Ident) = match item {
            Item::Struct(item) => (&item.attrs, &item.ident),
            Item::Enum(item) => (&item.attrs, &item.ident),
            Item::Union(item) => (&item.attrs, &item.ident),
            Item::Trait(item) => (&item.attrs, &item.ident),
            Item::Type(item) => (&item.attrs, &item.ident),
            Item::Mod(item) if is_test(&item.attrs) => return,
            other => return visit::visit_item(self, other),
        };
        if !is_test(attributes) {
            self.types.push(name.to_string());
        }
        visit::visit_item(self, item);
    }
}

fn types_of(text: &str) -> Vec<String> {
    let mut definitions = Definitions::default();
    definitions.visit_file(&syn::parse_file(text).unwrap());
    definitions.types
}

/// Names with more than one place.
fn several(places: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    let mut places = places;
    places.retain(|_, places| places.len() > 1);
    places
}

#[test]
fn each_type_has_a_name_of_its_own() {
    let mut places = BTreeMap::<String, BTreeSet<String>>::new();
    for module in source().modules.values() {
        let file = short(&module.file).display().to_string();
        if TWINS.contains(&&*file) {
            continue;
        }
        for (at, name) in types_of(&fs::read_to_string(&module.file).unwrap())
            .into_iter()
            .enumerate()
        {
            places
                .entry(name)
                .or_default()
                .insert(format!("{file}, its type {at}"));
        }
    }
    assert!(places.len() > 500, "{}", places.len());
    let found = several(places);
    assert!(found.is_empty(), "one name for several types: {found:#?}");
}

#[test]
fn modules_with_the_same_name_have_the_same_meaning() {
    let mut places = BTreeMap::<String, BTreeSet<String>>::new();
    for path in source().modules.keys().filter(|path| path.len() > 1) {
        let name = path.last().unwrap().clone();
        places.entry(name).or_default().insert(path.join("::"));
    }
    let found = several(places);
    let found: BTreeSet<_> = found.keys().map(String::as_str).collect();
    let known: BTreeSet<_> = SHARED_MODULES.iter().map(|(name, _)| *name).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "one name for several modules: {new:?}");
    let stale: Vec<_> = known.difference(&found).collect();
    assert!(stale.is_empty(), "only one module is called: {stale:?}");
}

#[test]
fn types_are_found_wherever_they_are_defined() {
    let text = "struct A; pub(crate) enum B {} trait C {} type D = u8; fn f() { struct E; } \
                #[cfg(test)] struct F; #[cfg(test)] mod tests { struct G; } impl C for A { type H = u8; }";
    assert_eq!(types_of(text), ["A", "B", "C", "D", "E"]);
}
