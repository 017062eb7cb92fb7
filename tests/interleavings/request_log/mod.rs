//! The space of the request log as it ships, in files of the system. It has no seal.

pub(crate) mod write;
