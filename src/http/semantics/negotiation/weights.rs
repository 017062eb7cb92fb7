//! Lists of preferences with weights, as in Accept and Accept-Encoding (RFC 9110 §12.4.2).
//!
//! This module parses the lists; `listing::listing_format` and `encoding` interpret the names in them.

use crate::http::semantics::quoting::separates;

/// A quality value in thousandths, 0 to 1000; 0 means "not acceptable".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight(u16);

impl Weight {
    /// The weight of an element without one.
    pub(crate) const FULL: Self = Self(1000);

    /// Whether a representation with this weight may be sent.
    pub(crate) fn is_acceptable(self) -> bool {
        self.0 > 0
    }

    /// A qvalue (RFC 9110 §12.4.2): `0` or `1`, and up to three decimals.
    fn parse(text: &[u8]) -> Option<Self> {
        let (&whole, rest) = text.split_first()?;
        let decimals = match rest {
            [] => rest,
            [b'.', decimals @ ..] => decimals,
            _ => return None,
        };
        if decimals.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let thousandths = decimals
            .iter()
            .zip([100, 10, 1])
            .map(|(digit, unit)| u16::from(digit - b'0') * unit);
        match (whole, thousandths.sum()) {
            (b'0', sum) => Some(Self(sum)),
            (b'1', 0) => Some(Self::FULL),
            _ => None,
        }
    }
}

/// The elements of a list with their weights; invalid elements are skipped.
///
/// A name is the text before the first parameter. Parameters other than `q` are ignored.
pub(crate) fn elements(field: &[u8]) -> impl Iterator<Item = (&[u8], Weight)> {
    split(field, ',').filter_map(|element| {
        let mut parts = split(element, ';');
        let name = parts.next()?;
        let mut weight = Weight::FULL;
        for parameter in parts {
            if let [b'q' | b'Q', b'=', value @ ..] = parameter {
                weight = Weight::parse(value)?;
            }
        }
        (!name.is_empty()).then_some((name, weight))
    })
}

/// The weight of the first of `names` that is in the list; if an element is listed twice, the greater weight.
pub(crate) fn weight_of(field: &[u8], names: &[&str]) -> Option<Weight> {
    names.iter().find_map(|wanted| {
        elements(field)
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
            .map(|(_, weight)| weight)
            .max()
    })
}

/// Whether a field accepts `name`, and gives it no smaller weight than `other`.
pub(crate) fn prefers(field: &[u8], name: &str, other: &str) -> bool {
    let weight = |name| weight_of(field, &[name]).filter(|weight| weight.is_acceptable());
    let wanted = weight(name);
    wanted.is_some() && wanted >= weight(other)
}

/// The elements of a list, without the white space around them.
fn split(field: &[u8], separator: char) -> impl Iterator<Item = &[u8]> {
    let mut separates = separates(separator);
    field
        .split(move |&byte| separates(char::from(byte)))
        .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_parsed() {
        let table = [
            ("0", Some(0)),
            ("1", Some(1000)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.05", Some(50)),
            ("0.999", Some(999)),
            ("1.000", Some(1000)),
            ("1.001", None),
            ("0.0001", None),
            ("2", None),
            ("", None),
            (".5", None),
            ("-1", None),
            ("0,5", None),
            ("0.a", None),
        ];
        for (text, expected) in table {
            assert_eq!(
                Weight::parse(text.as_bytes()),
                expected.map(Weight),
                "{text}"
            );
        }
    }

    #[test]
    fn lists_are_parsed() {
        let table: &[(&str, &[(&str, u16)])] = &[
            ("", &[]),
            (" , ,", &[]),
            ("gzip", &[("gzip", 1000)]),
            (
                "gzip;q=0.5, br ; Q=0.25\t,zstd",
                &[("gzip", 500), ("br", 250), ("zstd", 1000)],
            ),
            ("text/html;level=1;q=0.4", &[("text/html", 400)]),
            // An element that cannot be read does not spoil the others.
            ("a;q=2, b", &[("b", 1000)]),
            (";q=1, b", &[("b", 1000)]),
            // Separators in quoted strings.
            ("a;x=\",;q=0\";q=0.1, b", &[("a", 100), ("b", 1000)]),
            ("a;x=\"\\\",\";q=0.1", &[("a", 100)]),
            ("a;x=\"never closed, b", &[("a", 1000)]),
        ];
        for (field, expected) in table {
            let found: Vec<_> = elements(field.as_bytes()).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, weight)| (name.as_bytes(), Weight(*weight)))
                .collect();
            assert_eq!(found, expected, "{field}");
        }
        assert_eq!(
            weight_of(b"b;q=0.1, a;q=0.2, A;q=0.3", &["a", "b"]),
            Some(Weight(300))
        );
        assert_eq!(weight_of(b"b;q=0.1", &["a", "b"]), Some(Weight(100)));
        assert_eq!(weight_of(b"c", &["a", "b"]), None);
    }
}
