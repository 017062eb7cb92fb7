//! The form of method and name of an entry, in every output but JSON.

use crate::record::EntryRecord;
use crate::text::readable;
use std::borrow::Cow;

/// How method and name of an entry are shown.
pub(super) struct RowText<'r> {
    pub(super) method: &'r str,
    pub(super) name: Cow<'r, str>,
}

impl<'r> RowText<'r> {
    pub(super) fn new(record: &'r EntryRecord, is_decoded: bool) -> Self {
        let (method, name) = record.method_and_name().unwrap_or(("-", "-"));
        let name = if is_decoded {
            Cow::Owned(readable(name))
        } else {
            Cow::Borrowed(name)
        };
        Self { method, name }
    }
}
