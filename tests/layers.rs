//! The map of the source: which file uses which. No two files use each other, directly or round a loop, and no arrow
//! between rooms runs up.
//!
//! A file uses another if it imports something that is defined there, or names it by a path. What a `mod.rs` re-exports
//! counts as the file that defines it, and to re-export is to use. A file outside of the module uses its `mod.rs`, too: it
//! names it. Code under `#[cfg(test)]` does not count.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected shall panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree};

#[path = "layers/documents.rs"]
mod documents;
#[path = "layers/names.rs"]
mod names;
#[path = "layers/sizes.rs"]
mod sizes;

/// The rooms, and which others each may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("sync", &[]),
    ("rename", &["operations"]),
    ("utc", &[]),
    ("entry_range", &[]),
    // The order of changes: the store counts it, the seal keeps it. Neither knows the other.
    ("change_version", &[]),
    ("server_id", &[]),
    // The buffer of both readers: of the request log, and of its seal, which does not know the log.
    ("input_window", &[]),
    ("blocking", &[]),
    // The restrictions of the process; it knows paths, and not their purposes.
    ("confinement", &[]),
    // The resources of the machine for the process; other rooms decide how they are used.
    ("resources", &[]),
    // The count of file operations, for the rooms that make them and those that bound them.
    ("operations", &[]),
    // How long a portion of work may take, for the rooms that divide theirs.
    ("time_slice", &[]),
    ("durable", &["sync"]),
    ("line_writer", &["sync"]),
    ("proxy_protocol", &[]),
    ("qr", &[]),
    ("tls", &["server", "sync"]),
    ("peer", &[]),
    ("access_log", &["entry_range", "peer"]),
    ("seal", &["change_version", "utc", "input_window"]),
    // The hash of a password is verified on a thread of its own, so it may not know the connection that waits.
    ("users", &["peer", "sync"]),
    ("requester", &["peer", "users"]),
    (
        "store",
        &[
            "change_version",
            "durable",
            "rename",
            "sync",
            "blocking",
            "operations",
            "time_slice",
        ],
    ),
    (
        "request_log",
        &[
            "change_version",
            "server_id",
            "rename",
            "requester",
            "seal",
            "durable",
            "sync",
            "utc",
            "entry_range",
            "operations",
            "input_window",
        ],
    ),
    ("http", &["utc"]),
    ("server", &["sync", "blocking", "peer"]),
    (
        "files",
        &[
            "change_version",
            "users",
            "requester",
            "seal",
            "line_writer",
            "store",
            "request_log",
            "durable",
            "blocking",
            "entry_range",
            "time_slice",
        ],
    ),
    (
        "reporting",
        &[
            "access_log",
            "server_id",
            "line_writer",
            "entry_range",
            "request_log",
            "sync",
            "peer",
        ],
    ),
    (
        "connection",
        &[
            "users",
            "requester",
            "http",
            "reporting",
            "server",
            "access_log",
            "proxy_protocol",
            "peer",
            "sync",
            "tls",
            "blocking",
            "operations",
            "entry_range",
        ],
    ),
    // It uses the rooms that have figures; no room uses it.
    (
        "status",
        &["files", "http", "reporting", "server", "store", "sync"],
    ),
    (
        "refusing",
        &[
            "users",
            "requester",
            "files",
            "http",
            "request_log",
            "store",
            "entry_range",
        ],
    ),
    (
        "classic",
        &[
            "users",
            "requester",
            "refusing",
            "files",
            "connection",
            "http",
            "server",
            "store",
            "blocking",
        ],
    ),
    (
        "web",
        &[
            "users",
            "requester",
            "refusing",
            "files",
            "connection",
            "http",
            "server",
            "store",
            "blocking",
            // The lock of the texts that it keeps compressed.
            "sync",
        ],
    ),
];

/// A path as it stands in the source, `["crate", "http", "Status"]`.
type Segments = Vec<String>;

/// One import: what it names, and how that is called here.
#[derive(Debug, Clone)]
struct Import {
    path: Segments,
    name: String,
}

/// A module, and the file it stands in.
#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    imports: Vec<Import>,
    /// Other paths in its code.
    paths: BTreeSet<Segments>,
}

/// All modules of one or more crates, by their paths, whose first segment is the crate.
#[derive(Debug, Default)]
struct Source {
    modules: BTreeMap<Segments, Module>,
}

/// The target of a path.
enum Target {
    Module(Segments),
    /// Something that is defined in this file.
    Item(PathBuf),
}

impl Source {
    /// Reads a crate from its root file.
    fn read(&mut self, name: &str, root: &Path) {
        let directory = root.parent().unwrap();
        self.read_file(&[name.to_owned()], root, directory);
    }

    /// Reads a module from its file; its children are in `directory`.
    fn read_file(&mut self, path: &[String], file: &Path, directory: &Path) {
        let text =
            fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let items = syn::parse_file(&text).unwrap().items;
        let mut collector = Collector::default();
        for item in &items {
            collector.visit_item(item);
        }
        let module = Module {
            file: file.to_owned(),
            imports: collector.imports,
            paths: collector.paths,
        };
        self.modules.insert(path.to_owned(), module);
        for name in collector.children {
            let child = [path, std::slice::from_ref(&name)].concat();
            let flat = directory.join(format!("{name}.rs"));
            let below = directory.join(&name);
            if flat.exists() {
                self.read_file(&child, &flat, &below);
            } else {
                self.read_file(&child, &below.join("mod.rs"), &below);
            }
        }
    }

    /// The target of `path`, as it stands in `module`; `None` if it is not of these crates. The modules whose
    /// re-exports it names are added to `through`.
    fn resolve(
        &self,
        module: &[String],
        path: &[String],
        depth: usize,
        through: &mut Vec<Segments>,
    ) -> Option<Target> {
        assert!(depth < 32, "{path:?} in {module:?} leads nowhere");
        let (first, mut rest) = path.split_first()?;
        let mut here = match first.as_str() {
            "crate" => module[..1].to_vec(),
            "self" => module.to_vec(),
            "super" => module[..module.len() - 1].to_vec(),
            name if self.modules.contains_key(&vec![name.to_owned()]) => vec![name.to_owned()],
            name => match self.child(module, name) {
                Some(child) => child,
                None => match self.imported(module, name, depth)? {
                    Target::Module(found) => found,
                    item @ Target::Item(_) => return Some(item),
                },
            },
        };
        while let Some((next, after)) = rest.split_first() {
            rest = after;
            if next == "super" {
                here.pop();
            } else if next == "self" {
            } else if let Some(child) = self.child(&here, next) {
                here = child;
            } else {
                let Some(found) = self.imported(&here, next, depth) else {
                    return Some(Target::Item(self.modules[&here].file.clone()));
                };
                through.push(here);
                match found {
                    Target::Module(found) => here = found,
                    item @ Target::Item(_) => return Some(item),
                }
            }
        }
        Some(Target::Module(here))
    }

    fn child(&self, module: &[String], name: &str) -> Option<Segments> {
        let child = [module, &[name.to_owned()]].concat();
        self.modules.contains_key(&child).then_some(child)
    }

    /// The path that an import of this module gives to `name`.
    fn imported(&self, module: &[String], name: &str, depth: usize) -> Option<Target> {
        let mut imports = self.modules[module].imports.iter();
        let import = imports.find(|import| import.name == name)?;
        // `use memchr::memchr`: another crate's.
        if import.path[0] == name {
            return None;
        }
        self.resolve(module, &import.path, depth + 1, &mut Vec::new())
    }

    /// Which file uses which others.
    fn uses(&self) -> BTreeMap<&Path, BTreeSet<PathBuf>> {
        let mut uses = BTreeMap::<&Path, BTreeSet<PathBuf>>::new();
        for (path, module) in &self.modules {
            let imports = module.imports.iter().map(|import| &import.path);
            let named = imports.chain(&module.paths);
            let files = uses.entry(&module.file).or_default();
            for named in named {
                let mut through = Vec::new();
                let Some(Target::Item(file)) = self.resolve(path, named, 0, &mut through) else {
                    continue;
                };
                files.insert(file);
                // Within a module, its re-exports are only short names.
                through.retain(|module| !path.starts_with(module));
                files.extend(
                    through
                        .iter()
                        .map(|module| self.modules[module].file.clone()),
                );
            }
            files.remove(&module.file);
        }
        uses
    }
}

/// Collects what the items of a file name.
#[derive(Default)]
struct Collector {
    children: Vec<String>,
    imports: Vec<Import>,
    paths: BTreeSet<Segments>,
}

impl Collector {
    fn import(&mut self, tree: &UseTree, before: &Segments) {
        let with = |name: String| [before.as_slice(), &[name]].concat();
        let (path, name) = match tree {
            UseTree::Path(path) => {
                return self.import(&path.tree, &with(path.ident.to_string()));
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before);
                }
                return;
            }
            UseTree::Name(name) if name.ident == "self" => {
                (before.clone(), before.last().unwrap().clone())
            }
            UseTree::Name(name) => (with(name.ident.to_string()), name.ident.to_string()),
            UseTree::Rename(rename) => (with(rename.ident.to_string()), rename.rename.to_string()),
            UseTree::Glob(_) => panic!("a glob hides what is used: {before:?}"),
        };
        self.imports.push(Import { path, name });
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        assert!(
            item.content.is_none(),
            "a module within a file: {}",
            item.ident
        );
        self.children.push(item.ident.to_string());
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_test(&item.attrs) {
            self.import(&item.tree, &Vec::new());
        }
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        self.paths
            .insert(segments.map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// The arguments of a macro call are not parsed; the paths in them are recognised by their colons.
    fn visit_macro(&mut self, call: &'ast Macro) {
        let text = call.tokens.to_string();
        let mut path = Segments::new();
        let mut is_open = false;
        for token in text.split_whitespace() {
            let follows = std::mem::replace(&mut is_open, token == "::");
            if is_open {
                continue;
            }
            if !follows {
                self.paths.insert(std::mem::take(&mut path));
            }
            if token.chars().all(|c| c.is_alphanumeric() || c == '_') {
                path.push(token.to_owned());
            }
        }
        self.paths.insert(path);
        self.paths.remove(&Segments::new());
        visit::visit_macro(self, call);
    }
}

/// Files that lead back to themselves, each with the way.
fn loops(uses: &BTreeMap<&Path, BTreeSet<PathBuf>>) -> Vec<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut done = BTreeSet::new();
    for start in uses.keys() {
        let mut way: Vec<(&Path, Vec<&Path>)> = vec![(start, next_of(uses, start))];
        while let Some((_, left)) = way.last_mut() {
            let Some(next) = left.pop() else {
                done.insert(way.pop().unwrap().0);
                continue;
            };
            if let Some(at) = way.iter().position(|(file, _)| *file == next) {
                found.push(
                    way[at..]
                        .iter()
                        .map(|(file, _)| file.to_path_buf())
                        .collect(),
                );
            } else if !done.contains(next) {
                way.push((next, next_of(uses, next)));
            }
        }
    }
    found
}

/// The uses of a file.
fn next_of<'u>(uses: &'u BTreeMap<&Path, BTreeSet<PathBuf>>, file: &Path) -> Vec<&'u Path> {
    let next = uses.get(file).into_iter().flatten();
    next.map(PathBuf::as_path).collect()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The library and both programs.
fn source() -> Source {
    let mut source = Source::default();
    for (name, root) in [
        ("httpserver", "src/lib.rs"),
        ("main", "src/main.rs"),
        ("log_tool", "src/bin/httpserver-log/main.rs"),
    ] {
        source.read(name, &repository().join(root));
    }
    source
}

/// A file's path below `src`.
fn short(file: &Path) -> &Path {
    file.strip_prefix(repository().join("src")).unwrap_or(file)
}

#[test]
fn no_two_files_use_each_other_directly_or_round_a_loop() {
    let source = source();
    let loops = loops(&source.uses());
    let loops: Vec<Vec<_>> = loops
        .iter()
        .map(|files| files.iter().map(|file| short(file).to_owned()).collect())
        .collect();
    assert!(loops.is_empty(), "{loops:#?}");
}

#[test]
fn no_arrow_runs_up_between_rooms() {
    let source = source();
    let room = |file: &Path| {
        let first = short(file).components().next().unwrap();
        let name = Path::new(first.as_os_str()).file_stem().unwrap();
        name.to_str().unwrap().to_owned()
    };
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = BTreeSet::new();
    let mut unused: BTreeSet<(String, String)> = ROOMS
        .iter()
        .flat_map(|(from, allowed)| allowed.iter().map(|to| ((*from).into(), (*to).into())))
        .collect();
    for (file, used) in source.uses() {
        let from = room(file);
        let Some(allowed) = rooms.get(from.as_str()) else {
            // The programs are over all rooms.
            assert!(
                matches!(
                    from.as_str(),
                    "main"
                        | "certificate"
                        | "listening"
                        | "start"
                        | "announcement"
                        | "network"
                        | "hash_password"
                        | "reports"
                        | "harness"
                        | "own_files"
                        | "paths"
                        | "sandbox"
                        | "systemd"
                        | "diagnostics"
                        | "cli"
                        | "bin"
                        | "lib"
                ),
                "what may the room '{from}' use? It is not in the table of this test"
            );
            continue;
        };
        for other in used {
            let to = room(&other);
            unused.remove(&(from.clone(), to.clone()));
            if to != from && !allowed.contains(&to.as_str()) {
                wrong.insert(format!(
                    "{} uses {}",
                    short(file).display(),
                    short(&other).display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(unused.is_empty(), "arrows that no file needs: {unused:?}");
}

/// Without this the other tests would show nothing.
#[test]
fn known_imports_are_found_in_the_map() {
    let source = source();
    let uses = source.uses();
    let file = |name: &str| repository().join("src").join(name);
    for (from, to) in [
        // By an import, of a module above, through a re-export, and by a path in the code.
        ("store/read.rs", "store/state.rs"),
        ("store/state.rs", "store/cache.rs"),
        ("files/state.rs", "store/state.rs"),
        ("web/get.rs", "http/wire/response.rs"),
        ("classic/mod.rs", "http/wire/response.rs"),
        ("store/mod.rs", "store/staging.rs"),
        ("store/state.rs", "store/staging.rs"),
        ("start.rs", "files/state.rs"),
    ] {
        assert!(
            uses[file(from).as_path()].contains(&file(to)),
            "{from} uses {to}"
        );
    }
    assert!(!uses[file("store/sys.rs").as_path()].contains(&file("store/state.rs")));
    assert!(uses.len() > 100, "{}", uses.len());
}

/// The files of a crate that is made up, and what use each other in it.
fn loops_of(files: &[(&str, &str)]) -> Vec<BTreeSet<String>> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let mut source = Source::default();
    source.read("made_up", &directory.path().join("lib.rs"));
    let name = |file: &PathBuf| {
        let name = file.strip_prefix(directory.path()).unwrap();
        name.to_str().unwrap().to_owned()
    };
    let loops = loops(&source.uses());
    loops
        .iter()
        .map(|files| files.iter().map(name).collect())
        .collect()
}

#[test]
fn loops_are_found_however_they_are_written() {
    const LIB: (&str, &str) = ("lib.rs", "mod a; mod b;");
    for (what, a, b, is_loop) in [
        (
            "imports",
            "use crate::b::B; struct A;",
            "use super::a::A; struct B;",
            true,
        ),
        ("one way", "use crate::b::B; struct A;", "struct B;", false),
        (
            "groups",
            "use crate::{b::{self, B}}; struct A;",
            "use crate::{a::A as X}; struct B;",
            true,
        ),
        (
            "a path",
            "struct A(crate::b::B);",
            "fn b() { super::a::A; } struct B;",
            true,
        ),
        (
            "an alias",
            "use crate::b; struct A(b::B);",
            "use crate::a; struct B(a::A);",
            true,
        ),
        (
            "an unused alias",
            "use crate::b; struct A;",
            "use crate::a; struct B(a::A);",
            false,
        ),
        (
            "a macro",
            "fn a() { x!(1, crate::b::B { y: 1 }) } struct A;",
            "use crate::a::A; struct B;",
            true,
        ),
        (
            "a test",
            "use crate::b::B; struct A;",
            "#[cfg(test)] mod tests { use crate::a::A; } struct B;",
            false,
        ),
        (
            "a test's function",
            "use crate::b::B; struct A;",
            "#[cfg(test)] fn f() { crate::a::A; } struct B;",
            false,
        ),
    ] {
        let loops = loops_of(&[LIB, ("a.rs", a), ("b.rs", b)]);
        assert_eq!(!loops.is_empty(), is_loop, "{what}: {loops:?}");
    }
}

#[test]
fn a_re_export_counts_as_the_file_that_defines() {
    let room = |one: &str, two: &str| {
        loops_of(&[
            ("lib.rs", "mod room;"),
            (
                "room/mod.rs",
                "mod one; mod two; pub(crate) use self::one::One; pub use self::two::Two; struct Room;",
            ),
            ("room/one.rs", one),
            ("room/two.rs", two),
        ])
    };
    assert_eq!(
        room("use super::Two; struct One;", "struct Two;"),
        Vec::<BTreeSet<_>>::new()
    );
    let loop_of = |one: &str, two: &str| [BTreeSet::from([one.to_owned(), two.to_owned()])];
    assert_eq!(
        room("use super::Room; struct One;", "struct Two;"),
        loop_of("room/mod.rs", "room/one.rs")
    );
    assert_eq!(
        room(
            "use crate::room::Two; struct One;",
            "use super::One; struct Two;"
        ),
        loop_of("room/one.rs", "room/two.rs")
    );
}

#[test]
fn a_re_export_counts_as_the_mod_rs_outside_of_its_module() {
    let crate_with = |other: &str, room: &str| {
        loops_of(&[
            ("lib.rs", "mod other; mod room;"),
            ("other.rs", other),
            ("room/mod.rs", room),
            ("room/one.rs", "struct One;"),
        ])
    };
    let re_exports =
        "mod one; pub use self::one::One; use crate::other::Other; struct Room(Other);";
    let loop_of_both = [BTreeSet::from(
        ["other.rs", "room/mod.rs"].map(str::to_owned),
    )];
    for (other, is_loop) in [
        ("use crate::room::One; struct Other;", true),
        ("struct Other(super::room::One);", true),
        ("use crate::room::one::One; struct Other;", false),
    ] {
        let expected = if is_loop { &loop_of_both[..] } else { &[] };
        assert_eq!(crate_with(other, re_exports), expected, "{other}");
    }
    let only_re_exports = "mod one; pub use self::one::One;";
    let one_way = crate_with("use crate::room::One; struct Other;", only_re_exports);
    assert_eq!(one_way, Vec::<BTreeSet<_>>::new());
}
