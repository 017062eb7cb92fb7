//! How long files and functions are. One that is longer has two subjects.

use std::fs;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItemFn, Item, ItemFn, Signature, TraitItemFn};

use super::{is_test, short, source};

/// Lines of a file without its tests.
const FILE: usize = 300;

/// Lines of a function, from its `fn` to its last brace.
const FUNCTION: usize = 60;

/// The part of a file that is too long.
#[derive(Default)]
struct Lengths {
    tests: usize,
    functions: Vec<String>,
}

impl Lengths {
    fn function(&mut self, signature: &Signature, block: &Block) {
        let lines = block.span().end().line - signature.span().start().line + 1;
        if lines > FUNCTION {
            let name = &signature.ident;
            self.functions.push(format!("{name} has {lines} lines"));
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Lengths {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test(attributes(item)) {
            self.tests += item.span().end().line - item.span().start().line + 1;
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// The parts of this text that are too long, in words.
fn too_long(text: &str) -> Vec<String> {
    let mut lengths = Lengths::default();
    lengths.visit_file(&syn::parse_file(text).unwrap());
    let lines = text.lines().count() - lengths.tests;
    let file = (lines > FILE).then(|| format!("{lines} lines without tests"));
    file.into_iter().chain(lengths.functions).collect()
}

#[test]
fn no_file_is_longer_than_300_lines_and_no_function_than_60() {
    let source = source();
    let files = source.modules.values().map(|module| &module.file);
    let found: Vec<_> = files
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let name = short(file).display().to_string();
            too_long(&text)
                .into_iter()
                .map(move |what| format!("{name}: {what}"))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn lengths_are_counted_without_tests() {
    let body = |lines: usize| "    let _ = 0;\n".repeat(lines);
    let function = |name: &str, lines: usize| format!("fn {name}() {{\n{}}}\n", body(lines - 2));
    assert_eq!(too_long(&function("f", 60)), Vec::<String>::new());
    assert_eq!(too_long(&function("f", 61)), ["f has 61 lines"]);
    let method = format!("impl A {{\n{}}}\n", function("m", 61));
    assert_eq!(too_long(&method), ["m has 61 lines"]);
    let file = |constants: usize| "const A: u8 = 0;\n".repeat(constants);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function("t", 100));
    assert_eq!(too_long(&(file(300) + &tests)), Vec::<String>::new());
    assert_eq!(too_long(&(file(301) + &tests)), ["301 lines without tests"]);
}
