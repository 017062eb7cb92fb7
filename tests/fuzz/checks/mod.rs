//! Properties that hold for any bytes, by the part that gets them.
//!
//! Each check takes bytes and panics if something does not hold. They know no fuzzing tool: the test binary `fuzz` runs
//! them on generated input and on the seeds, and the targets in `fuzz/` hand them to libFuzzer.

pub(crate) mod chunked;
pub(crate) mod connection;
pub(crate) mod fields;
pub(crate) mod head;
pub(crate) mod log;
pub(crate) mod range;
pub(crate) mod site;
pub(crate) mod target;
