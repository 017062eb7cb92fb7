//! The media types of text, which compression makes much shorter.

/// Types of text other than `text/…` and those with a suffix such as `+json` (RFC 6839).
const TEXTS: [&str; 12] = [
    "application/ecmascript",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/x-ndjson",
    "application/x-sh",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
];

/// Whether content of this media type, with or without parameters, is text.
#[must_use]
pub fn is_compressible(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    let essence = essence.trim_end().to_ascii_lowercase();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || TEXTS.contains(&essence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_compressible_and_compressed_formats_are_not() {
        for (media_type, expected) in [
            ("text/html; charset=utf-8", true),
            ("text/plain", true),
            ("TEXT/CSS", true),
            ("text/csv ;header=present", true),
            ("application/json; charset=utf-8", true),
            ("application/manifest+json", true),
            ("image/svg+xml", true),
            ("application/xml", true),
            ("application/octet-stream", false),
            ("application/zip", false),
            ("image/png", false),
            ("image/x+xmlx", false),
            ("font/woff2", false),
            ("video/mp4", false),
            ("", false),
        ] {
            assert_eq!(is_compressible(media_type), expected, "{media_type}");
        }
    }
}
