//! Progress bars: on stderr, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io;
use terminal_size::{Width, terminal_size_of};

/// A bar with a known total, as wide as the terminal.
const BAR: &str = "{msg} [{wide_bar}] {percent:>3}%  {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

/// The same for a terminal that is too narrow for a bar; it fits 40 columns.
const NARROW: &str = "{msg} {percent:>3}% {binary_bytes_per_sec}, {eta} left";

/// The fewest columns for a bar of some length beside the figures.
const COLUMNS_FOR_BAR: u16 = 78;

/// A bar without a known total.
const COUNTER: &str = "{msg} {binary_bytes}, {binary_bytes_per_sec}";

/// A bar for `total` bytes with a description. [`ProgressBar::finish_and_clear`] removes it.
pub(crate) fn bytes(doing: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) if has_room() => (ProgressBar::new(total), BAR),
        Some(total) => (ProgressBar::new(total), NARROW),
        None => (ProgressBar::no_length(), COUNTER),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar
            .with_style(style.progress_chars("=> "))
            .with_message(doing),
        Err(_) => ProgressBar::hidden(),
    }
}

/// Whether the terminal on stderr has room for a bar.
fn has_room() -> bool {
    terminal_size_of(io::stderr()).is_none_or(|(Width(columns), _)| columns >= COLUMNS_FOR_BAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [BAR, NARROW, COUNTER] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
