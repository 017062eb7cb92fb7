//! Bytes: a comparison with a readable failure, and content in which a mix-up is visible.

/// Compares bytes, and shows both escaped if they differ.
#[track_caller]
pub(crate) fn assert_bytes(actual: &[u8], expected: &[u8], what: &str) {
    if actual != expected {
        let common = actual
            .iter()
            .zip(expected)
            .take_while(|(one, other)| one == other)
            .count();
        panic!(
            "{what}: {} bytes instead of {}, different from byte {common} on\n  actual: {}\nexpected: {}",
            actual.len(),
            expected.len(),
            excerpt(actual, common),
            excerpt(expected, common),
        );
    }
}

/// The bytes around `at`, escaped.
fn excerpt(bytes: &[u8], at: usize) -> String {
    let (from, to) = (at.saturating_sub(200), bytes.len().min(at + 200));
    let dots = |cut| if cut { "…" } else { "" };
    let shown = bytes[from..to].escape_ascii();
    format!("{}{shown}{}", dots(from > 0), dots(to < bytes.len()))
}

/// `length` bytes in which no two near places look the same, and no two seeds either.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
