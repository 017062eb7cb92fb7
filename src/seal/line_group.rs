//! Lines that are written together. Many threads make them; then one thread puts them into the chain.
//!
//! A line has space for its chain value from the start, so that it is not copied when the value is known.

use super::chain::BASE64;
use super::state::Tip;
use super::text::CHAIN_LENGTH;

/// A line's end without its chain value.
const END: [u8; CHAIN_LENGTH] = {
    let mut end = [b'-'; CHAIN_LENGTH];
    end[0] = b' ';
    end[CHAIN_LENGTH - 1] = b'\n';
    end
};

/// See the module's description.
#[derive(Debug, Default)]
pub struct LineGroup {
    /// The lines.
    text: Vec<u8>,
    /// Bytes of the lines that are in the chain.
    chained: usize,
    /// The lengths of the other lines, without their ends.
    lengths: Vec<usize>,
}

impl LineGroup {
    /// The lines; only those that were put into the chain have their chain values.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether all lines are in the chain.
    #[must_use]
    pub fn is_chained(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Adds a line, which `push` appends without its chain value; returns its length without that.
    pub fn push(&mut self, push: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.text.len();
        push(&mut self.text);
        let length = self.text.len() - start;
        self.lengths.push(length);
        self.text.extend_from_slice(&END);
        length
    }

    /// Moves the lines of another group behind these. No line of the other group may be in the chain.
    pub fn append(&mut self, other: &mut Self) {
        debug_assert_eq!(other.chained, 0, "lines in the chain have their order");
        if self.text.is_empty() {
            std::mem::swap(self, other);
        } else {
            self.text.append(&mut other.text);
            self.lengths.append(&mut other.lengths);
        }
    }

    /// Puts the lines that are not in the chain behind its last line.
    pub fn chain(&mut self, tip: &mut Tip) {
        let mut rest = &mut self.text[self.chained..];
        for &length in &self.lengths {
            let (line, end) = rest.split_at_mut(length);
            tip.chain = tip.chain.chained(line);
            tip.lines += 1;
            if let Some(value) = end[1..].first_chunk_mut::<BASE64>() {
                tip.chain.write_base64(value);
            }
            rest = &mut end[CHAIN_LENGTH..];
        }
        self.lengths.clear();
        self.chained = self.text.len();
    }

    /// Removes all lines, and keeps this many bytes for others.
    pub fn clear(&mut self, kept: usize) {
        self.text.clear();
        self.text.shrink_to(kept);
        self.lengths.clear();
        self.lengths.shrink_to(kept / CHAIN_LENGTH);
        self.chained = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::chain::Hash;
    use crate::seal::text::push_chain;

    fn group(lines: &[&str]) -> LineGroup {
        let mut group = LineGroup::default();
        for line in lines {
            let length = group.push(|text| text.extend_from_slice(line.as_bytes()));
            assert_eq!(length, line.len());
        }
        group
    }

    #[test]
    fn lines_get_their_chain_values_in_any_number_of_steps() {
        let lines = ["begin", "1 0 24", "", "mac 0", "next"];
        let mut expected = Vec::new();
        let mut chain = Hash::ZERO;
        for line in lines {
            chain = chain.chained(line.as_bytes());
            expected.extend_from_slice(line.as_bytes());
            push_chain(&mut expected, &chain);
        }
        for at in 0..=lines.len() {
            let (first, others) = lines.split_at(at);
            let mut tip = Tip::none(0);
            let mut all = group(first);
            assert_eq!(all.is_chained(), at == 0);
            all.chain(&mut tip);
            assert!(all.is_chained());
            all.append(&mut group(others));
            all.chain(&mut tip);
            assert_eq!(all.text(), expected, "{at}");
            assert_eq!((tip.lines, tip.chain), (5, chain), "{at}");
        }
    }

    #[test]
    fn cleared_group_is_like_a_new_one() {
        let mut old = group(&["mac 0"]);
        old.chain(&mut Tip::none(0));
        old.clear(0);
        assert!(old.is_chained() && old.text().is_empty());
        old.append(&mut group(&["mac 1"]));
        old.chain(&mut Tip::none(0));
        let mut new = group(&["mac 1"]);
        new.chain(&mut Tip::none(0));
        assert_eq!(old.text(), new.text());
    }
}
