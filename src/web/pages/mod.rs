//! The common parts of all pages (the frame of a document, escaping), and the pages other than listings.

pub(crate) mod document;
pub mod error;
pub(crate) mod escape;
