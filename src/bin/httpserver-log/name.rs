//! Untrusted names from a log.
//!
//! This module refuses everything but a plain relative path. For symbolic links, the store relies on the kernel
//! (openat2(2)).

/// Why a name cannot refer to a file below a directory; `None` if it can.
pub(crate) fn objection(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.contains(&0) {
        return Some("contains a NUL byte");
    }
    if name.starts_with(b"/") {
        return Some("is absolute");
    }
    name.split(|&byte| byte == b'/')
        .find_map(|component| match component {
            b"" => Some("has an empty component"),
            b"." => Some("has a component `.`"),
            b".." => Some("would leave the directory"),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded() {
        for (name, expected) in [
            (&b"a"[..], None),
            (b"sub/dir/a b.txt", None),
            (b"...", None),
            (b"..a/b..", None),
            (b"\xff", None),
            (b"", Some("is empty")),
            (b"/", Some("is absolute")),
            (b"/etc/passwd", Some("is absolute")),
            (b"..", Some("would leave the directory")),
            (b"a/../../b", Some("would leave the directory")),
            (b"a/.", Some("has a component `.`")),
            (b"a//b", Some("has an empty component")),
            (b"a/", Some("has an empty component")),
            (b"a\0b", Some("contains a NUL byte")),
        ] {
            assert_eq!(objection(name), expected, "{}", name.escape_ascii());
        }
    }
}
