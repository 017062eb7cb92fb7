//! Small pieces of text that several subcommands print.

use httpserver::request_log::format::layout::push_name;

/// `1 entry`, `2 entries`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The bytes of a name as the log writes them: visible, on one line.
pub(crate) fn visible(name: &[u8]) -> String {
    let mut text = Vec::new();
    push_name(&mut text, name);
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_noun() {
        assert_eq!(count(0, "entry", "entries"), "0 entries");
        assert_eq!(count(1, "entry", "entries"), "1 entry");
        assert_eq!(count(2, "entry", "entries"), "2 entries");
    }

    #[test]
    fn names_stay_on_their_line() {
        assert_eq!(visible(b"a b/\n"), "a%20b/%0A");
    }
}
