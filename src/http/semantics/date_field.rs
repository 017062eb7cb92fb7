//! The Date field (RFC 9110 §6.6.1), rendered once per second and thread.

use std::cell::RefCell;
use std::time::SystemTime;

use super::date;

/// A rendered field line, and the second that it names.
struct RenderedDate {
    second: u64,
    line: Vec<u8>,
}

thread_local! {
    static NOW: RefCell<RenderedDate> = const {
        RefCell::new(RenderedDate { second: u64::MAX, line: Vec::new() })
    };
}

/// Appends `Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n`.
pub(crate) fn write_date(out: &mut Vec<u8>) {
    write_time(SystemTime::now(), out);
}

fn write_time(now: SystemTime, out: &mut Vec<u8>) {
    NOW.with_borrow_mut(|rendered| {
        let second = date::seconds(now);
        if rendered.second != second {
            rendered.second = second;
            rendered.line = format!("Date: {}\r\n", date::imf_fixdate(now)).into_bytes();
        }
        out.extend_from_slice(&rendered.line);
    });
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_line_follows_the_time() {
        for (milliseconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_778_000, "Sun, 06 Nov 1994 08:49:38 GMT"),
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
        ] {
            let mut out = Vec::new();
            write_time(UNIX_EPOCH + Duration::from_millis(milliseconds), &mut out);
            assert_eq!(out, format!("Date: {expected}\r\n").into_bytes());
        }
    }
}
