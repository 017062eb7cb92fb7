//! Progress bars: on stderr, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with a known total, as wide as the terminal.
const BAR: &str = "{msg} [{wide_bar}] {percent:>3} %  {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// A bar without a known total.
const COUNTER: &str = "{msg} {binary_bytes}, {binary_bytes_per_sec}";

/// A bar for `total` bytes with a description. [`ProgressBar::finish_and_clear`] removes it.
pub(crate) fn bytes(doing: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), BAR),
        None => (ProgressBar::no_length(), COUNTER),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar
            .with_style(style.progress_chars("=> "))
            .with_message(doing),
        Err(_) => ProgressBar::hidden(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [BAR, COUNTER] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
