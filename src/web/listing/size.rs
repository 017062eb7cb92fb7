//! Human-readable sizes.

/// A human-readable size, in powers of 1024 with two or three significant digits.
pub(super) fn human(bytes: u64) -> String {
    let mut text = String::new();
    push_human(&mut text, bytes);
    text
}

/// Appends a human-readable size.
pub(super) fn push_human(text: &mut String, bytes: u64) {
    const UNITS: [&str; 6] = [" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"];
    let mut number = itoa::Buffer::new();
    if bytes < 1024 {
        text.push_str(number.format(bytes));
        text.push_str(" B");
        return;
    }
    for (name, shift) in UNITS.into_iter().zip((10..).step_by(10)) {
        let half = 1_u128 << (shift - 1);
        // Rounded to tenths; a value that rounds up to 1024 becomes 1 of the next unit.
        let tenths = (u128::from(bytes) * 10 + half) >> shift;
        if tenths < 100 {
            text.push_str(number.format(tenths / 10));
            text.push('.');
            text.push_str(number.format(tenths % 10));
            text.push_str(name);
            return;
        }
        // 2^64 bytes are 16 EiB, so a unit is found.
        let whole = (u128::from(bytes) + half) >> shift;
        if whole < 1024 {
            text.push_str(number.format(whole));
            text.push_str(name);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_and_few_digits() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10_188, "9.9 KiB"),
            (10_189, "10 KiB"),
            (1_048_063, "1023 KiB"),
            (1_048_064, "1.0 MiB"),
            (1 << 40, "1.0 TiB"),
            (u64::MAX, "16 EiB"),
        ];
        for (bytes, expected) in table {
            assert_eq!(human(bytes), expected, "{bytes}");
        }
    }
}
