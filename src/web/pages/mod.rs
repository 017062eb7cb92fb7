//! Pages that are not listings, and the escaping that all pages share.

pub mod error;
pub(crate) mod escape;
