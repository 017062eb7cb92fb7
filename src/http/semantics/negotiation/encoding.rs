//! The choice between a file and its precompressed siblings (RFC 9110 §12.5.3).
//!
//! The caller finds the siblings; this module chooses among them. Every response with a file has `Vary:
//! Accept-Encoding`, since a sibling may be added later.

use super::weights::{Weight, weight_of};

/// A content coding of a precompressed sibling (RFC 9110 §8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Brotli,
    /// Gzip (RFC 1952).
    Gzip,
}

impl Coding {
    /// All codings, the preferred first: newer ones compress better and decompress faster.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// The value of Content-Encoding.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The extension of the sibling's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Zstd => ".zst",
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// Whether a file with these first bytes, up to [`MAGIC`] of them, can be in this coding.
    #[must_use]
    pub fn begins(self, start: &[u8]) -> bool {
        let magic: &[u8] = match self {
            Self::Zstd => b"\x28\xb5\x2f\xfd",
            // Brotli has no signature.
            Self::Brotli => b"",
            Self::Gzip => b"\x1f\x8b",
        };
        start.starts_with(magic)
    }

    /// The names of the coding in Accept-Encoding, in order of precedence.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Zstd => &["zstd", "*"],
            Self::Brotli => &["br", "*"],
            // A recipient treats x-gzip as gzip (RFC 9110 §8.4.1.3).
            Self::Gzip => &["gzip", "x-gzip", "*"],
        }
    }
}

/// The number of first bytes that show a file's coding.
pub const MAGIC: usize = 4;

/// The coding that a file's name implies: an `.svgz` is an SVG image compressed with gzip, and a browser shows it only
/// with `Content-Encoding: gzip`.
#[must_use]
pub fn promised_by_name(path: &[u8], media_type: &str) -> Option<Coding> {
    let extension = path.rsplit(|&byte| byte == b'.').next()?;
    let is_svg = media_type.starts_with("image/svg+xml");
    (is_svg && extension.eq_ignore_ascii_case(b"svgz")).then_some(Coding::Gzip)
}

/// The representation to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The plain file.
    Identity,
    /// The sibling in this coding.
    Coded(Coding),
    /// No representation is acceptable, not even the plain file: 406, or the plain file anyway (§12.4.1).
    NotAcceptable,
}

/// Chooses among the plain file and the siblings in the `available` codings.
///
/// The greatest weight wins. Among equals, a coding wins over the plain file, and codings are preferred in the order of
/// [`Coding::ALL`]. The plain file is acceptable unless it is excluded by name or by `*`. Without the field only the
/// plain file is sent, since the client may not support any coding.
#[must_use]
pub fn choose(accept_encoding: Option<&[u8]>, available: &[Coding]) -> Choice {
    let Some(field) = accept_encoding else {
        return Choice::Identity;
    };
    let mut best: Option<(Weight, Coding)> = None;
    for coding in Coding::ALL
        .into_iter()
        .filter(|coding| available.contains(coding))
    {
        let weight = weight_of(field, coding.names()).filter(|weight| weight.is_acceptable());
        if let Some(weight) = weight
            && best.is_none_or(|(greatest, _)| weight > greatest)
        {
            best = Some((weight, coding));
        }
    }
    match (best, weight_of(field, &["identity", "*"])) {
        (Some((weight, coding)), plain) if plain.is_none_or(|plain| plain <= weight) => {
            Choice::Coded(coding)
        }
        (_, Some(plain)) if !plain.is_acceptable() => Choice::NotAcceptable,
        (_, _) => Choice::Identity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_encoding_chooses_the_coding() {
        use Choice::{Coded, Identity, NotAcceptable};
        use Coding::{Brotli, Gzip, Zstd};
        let all = "zst br gz";
        // RFC 9110 §12.5.3
        let table = [
            ("gzip, deflate, br, zstd", all, Coded(Zstd)),
            ("gzip, deflate, br", all, Coded(Brotli)),
            ("gzip, deflate", all, Coded(Gzip)),
            ("deflate", all, Identity),
            ("", all, Identity),
            ("gzip, br", "gz", Coded(Gzip)),
            ("gzip, br", "zst", Identity),
            ("gzip, br", "", Identity),
            ("GZIP", all, Coded(Gzip)),
            ("x-gzip", all, Coded(Gzip)),
            // weights
            ("gzip;q=1.0, br;q=0.5", all, Coded(Gzip)),
            ("gzip;q=0.5, zstd;q=0.5", all, Coded(Zstd)),
            ("gzip;q=0", all, Identity),
            ("br;q=0, *", all, Coded(Zstd)),
            ("zstd;q=0, *;q=0.1", all, Coded(Brotli)),
            ("*", all, Coded(Zstd)),
            ("*;q=0.2, gzip", all, Coded(Gzip)),
            ("*;q=0", all, NotAcceptable),
            // the plain file
            ("gzip;q=0.001", all, Coded(Gzip)),
            ("identity, gzip;q=0.9", all, Identity),
            ("identity;q=0.5, gzip;q=0.9", all, Coded(Gzip)),
            ("identity, gzip", all, Coded(Gzip)),
            ("identity", all, Identity),
            ("identity;q=0, gzip", all, Coded(Gzip)),
            ("identity;q=0", all, NotAcceptable),
            ("identity;q=0, br", "gz", NotAcceptable),
            ("identity;q=0, *;q=0.1", "gz", Coded(Gzip)),
            ("*;q=0, identity", all, Identity),
            ("*;q=0, gzip", all, Coded(Gzip)),
            // an element that cannot be read
            ("gzip;q=high, br", all, Coded(Brotli)),
        ];
        for (field, siblings, expected) in table {
            let available: Vec<Coding> = Coding::ALL
                .into_iter()
                .filter(|coding| siblings.contains(&coding.suffix()[1..]))
                .collect();
            assert_eq!(
                choose(Some(field.as_bytes()), &available),
                expected,
                "{field} of {siblings}"
            );
        }
        assert_eq!(choose(None, &Coding::ALL), Identity);
    }

    #[test]
    fn codings_have_their_registered_names() {
        let names = Coding::ALL.map(|coding| (coding.token(), coding.suffix()));
        assert_eq!(names, [("zstd", ".zst"), ("br", ".br"), ("gzip", ".gz")]);
    }
}
