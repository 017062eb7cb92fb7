//! The space of the request log as it ships, in files of the system. It has no seal.

pub(crate) mod write;

/// The form of entries; the models' are alike.
pub(crate) mod format {
    pub(crate) mod layout {
        pub(crate) fn small_entries(text: &[u8]) -> impl Iterator<Item = &[u8]> {
            std::iter::once(text)
        }
    }
}
