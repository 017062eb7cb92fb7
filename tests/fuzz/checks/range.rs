//! Range: for any field value, the parts lie in the file, apart from each other, and are few.

use httpserver::http::semantics::multipart::{Multipart, Segment};
use httpserver::http::semantics::range::{MAX_PARTS, Selection, select};

/// Checks a Range field for a file whose length is the first eight bytes.
pub(crate) fn check(data: &[u8]) {
    let Some((length, field)) = data.split_first_chunk() else {
        return;
    };
    let length = u64::from_le_bytes(*length) >> 1;
    let Selection::Parts(parts) = select(field, length) else {
        return;
    };
    assert!((1..=MAX_PARTS).contains(&parts.len()));
    let mut sorted = parts.clone();
    sorted.sort_by_key(|part| part.first());
    let mut end = None;
    for part in &sorted {
        assert!(part.count() >= 1);
        assert!(
            end.is_none_or(|end| part.first() > end),
            "parts overlap or touch"
        );
        end = Some(part.first() + part.count());
    }
    assert!(end <= Some(length), "a part is outside");
    let multipart = Multipart::new(&parts, length, "text/plain", 0);
    let files = multipart
        .segments()
        .filter(|segment| matches!(segment, Segment::File(_)));
    assert_eq!(files.count(), parts.len());
}
