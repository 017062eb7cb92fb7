//! See tests/fuzz/checks/site.rs.
#![no_main]
#![allow(dead_code, unused_imports, reason = "each target uses one of the checks")]

#[path = "../../tests/fuzz/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::site::check(data));
