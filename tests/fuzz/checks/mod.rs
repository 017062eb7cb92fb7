//! Properties that hold for any bytes, by the part that gets them.
//!
//! Each check takes bytes and panics if a property fails. It depends on no fuzzing tool: the test binary `fuzz` runs
//! them on generated input and on the seeds, and the targets in `fuzz/` run them with libFuzzer.

pub(crate) mod chunked;
pub(crate) mod connection;
pub(crate) mod fields;
pub(crate) mod head;
pub(crate) mod log;
pub(crate) mod range;
pub(crate) mod site;
pub(crate) mod target;
