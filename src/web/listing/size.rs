//! Sizes as people read them.

/// A size as people read it, in powers of 1024 with two or three digits that matter.
pub(super) fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 1024_u128;
    for name in UNITS {
        // Rounded to tenths; what rounds up to 1024 is one of the next unit.
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        if tenths < 100 {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        let whole = (u128::from(bytes) + unit / 2) / unit;
        if whole < 1024 {
            return format!("{whole} {name}");
        }
        unit *= 1024;
    }
    // 2^64 bytes are 16 EiB, so a unit has been found.
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
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
