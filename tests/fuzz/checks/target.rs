//! Paths of the web dialect: no target leads out of the root, and each file has one name.

use httpserver::web::path::Path;

/// Checks the path of a target.
pub(crate) fn check(data: &[u8]) {
    let Ok(path) = Path::parse(data) else { return };
    let relative = path.relative();
    assert!(!relative.starts_with(b"/") && !relative.ends_with(b"/"));
    assert!(!relative.contains(&0));
    if relative != b"." {
        for component in relative.split(|&byte| byte == b'/') {
            assert!(!matches!(component, b"" | b"." | b".."), "{path:?}");
        }
    }
    let hidden = path.components().any(|name| name.starts_with(b"."));
    assert_eq!(path.is_hidden(), hidden);
    assert!(relative.len() <= data.len());
    let encoded = format!("/{}", path.encode());
    assert!(
        encoded
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte))
    );
    assert_eq!(Path::parse(encoded.as_bytes()), Ok(path), "{encoded}");
}
