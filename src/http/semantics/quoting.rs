//! Separators of lists. Inside quoted strings they do not separate (RFC 9110 §5.6.4).
//!
//! This module finds the separators; other modules interpret the elements between them.

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Outside,
    Inside,
    /// After a backslash in a quoted string.
    Escaped,
}

/// Whether a character of a list is this separator, outside of quoted strings. The closure gets all characters of the
/// list in their order.
pub(crate) fn separates(separator: char) -> impl FnMut(char) -> bool {
    let mut quoting = Quoting::Outside;
    move |character| {
        quoting = match (quoting, character) {
            (Quoting::Outside, '"') | (Quoting::Escaped, _) => Quoting::Inside,
            (Quoting::Inside, '"') => Quoting::Outside,
            (Quoting::Inside, '\\') => Quoting::Escaped,
            (unchanged, _) => unchanged,
        };
        quoting == Quoting::Outside && character == separator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_quoted_strings_do_not_separate() {
        for (list, expected) in [
            ("", &[""][..]),
            ("a,b", &["a", "b"]),
            (",", &["", ""]),
            ("\"a,b\",c", &["\"a,b\"", "c"]),
            ("\"\\\",\",c", &["\"\\\",\"", "c"]),
            ("\\\",c", &["\\\",c"]),
            ("\\,c", &["\\", "c"]),
            ("\"a,b", &["\"a,b"]),
        ] {
            let elements: Vec<_> = list.split(separates(',')).collect();
            assert_eq!(elements, expected, "{list}");
        }
    }
}
