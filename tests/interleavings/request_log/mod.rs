//! The shipped code for the space of the request log, in files of the system. There is no seal.

pub(crate) mod write;
