//! The name of a file in this dialect.

use crate::http::{Request, Target};
use crate::refusing::without_slash;

/// Characters in a file's name.
const NAME: usize = 27;

/// The target without its leading `/`; of an absolute one, its path.
pub(super) fn name<'h>(request: &Request<'h>) -> &'h [u8] {
    match request.target {
        Target::Absolute {
            path, query: None, ..
        } => without_slash(path),
        _ => without_slash(request.raw_target()),
    }
}

pub(super) fn is_name(name: &[u8]) -> bool {
    name.len() == NAME
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_27_letters_digits_hyphens_and_underscores() {
        for (name, expected) in [
            ("ABCDEFarqdeXYZxyzf012345-ab", true),
            ("___________________________", true),
            ("", false),
            ("ABCDEFarqdeXYZxyzf012345-a", false),
            ("ABCDEFarqdeXYZxyzf012345-abc", false),
            ("ABCDEFarqdeXYZxyzf012345.ab", false),
            ("ABCDEFarqdeXYZxyzf012345/ab", false),
            ("ABCDEFarqdeXYZxyzf012345%ab", false),
            ("ABCDEFarqdeXYZxyzf012345\u{e9}b", false),
        ] {
            assert_eq!(is_name(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn the_name_is_the_target_without_its_slash() {
        for (target, expected) in [
            ("/abc", "abc"),
            ("/", ""),
            ("abc", "abc"),
            ("//abc", "/abc"),
            ("/dir/abc", "dir/abc"),
            ("http://host/abc", "abc"),
            ("https://host/abc", "abc"),
            ("http://host", ""),
            ("http://host/abc?x", "http://host/abc?x"),
            ("/abc?x", "abc?x"),
        ] {
            let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let request = Request::parse(head.as_bytes()).unwrap();
            assert_eq!(name(&request), expected.as_bytes(), "{target}");
        }
    }
}
