//! What all pages share (the frame of a document, escaping), and the pages that are not listings.

pub(crate) mod document;
pub mod error;
pub(crate) mod escape;
