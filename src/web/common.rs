//! The field lines of every response. Fields of the operator replace the server's own.

use super::options::{Options, Responses};
use crate::http::semantics::extra_field::ExtraField;
use crate::http::write_field;

/// The field lines of every response.
pub(super) fn common_fields(options: &Options) -> Vec<u8> {
    let mut own = Vec::new();
    write_field(&mut own, "X-Content-Type-Options", b"nosniff");
    if options.responses == Responses::ForEachUser {
        write_field(&mut own, "Vary", b"Authorization");
    }
    let mut common = Vec::new();
    write_unless_set(&own, options, &mut common);
    for field in &options.fields {
        write_field(&mut common, &field.name, field.value.as_bytes());
    }
    common
}

/// Appends the server's own field lines, without those that the operator replaces. The operator's `Vary` is added to
/// the server's.
pub(super) fn write_unless_set(lines: &[u8], options: &Options, out: &mut Vec<u8>) {
    if options.fields.is_empty() {
        out.extend_from_slice(lines);
        return;
    }
    let is_set = |line: &[u8]| {
        let mut fields = options.fields.iter();
        fields.any(|field: &ExtraField| field.replaces(line))
    };
    let lines = lines.split_inclusive(|&byte| byte == b'\n');
    for line in lines.filter(|line| !is_set(line)) {
        out.extend_from_slice(line);
    }
}
