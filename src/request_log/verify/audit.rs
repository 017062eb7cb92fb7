//! Checks of the seal itself: its chain, the numbers of its entries, and its authentication codes.

use super::finding::{EntryName, MOST, SealFault};
use crate::seal::chain::Hash;
use crate::seal::key::Key;
use crate::seal::read::SealLine;
use crate::seal::time::Moment;

/// The most hashes for one authentication code. With one code per microsecond for a year, the last is no further from
/// the verification key.
const MOST_STEPS: u64 = 1 << 45;

/// See the module's description.
#[derive(Default)]
pub(super) struct Audit {
    findings: Vec<SealFault>,
    /// The key for the next code, if there is one.
    pub(super) key: Option<Key>,
    /// The number of the last entry.
    pub(super) number: u64,
    pub(super) entries: u64,
    pub(super) last_time: Moment,
    /// Whether the last line was moved. The next line then has a wrong chain value, too.
    is_behind_moved: bool,
    pub(super) codes: u64,
    pub(super) verified_codes: u64,
    /// The line of the last code.
    pub(super) line_of_code: u64,
    /// The last entry before the last code that is right.
    verified_entry: u64,
    has_wrong_code: bool,
    last_epoch: Option<u64>,
}

impl Audit {
    pub(super) fn new(key: Option<Key>) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    /// Records a fault, unless there are too many.
    pub(super) fn find(&mut self, fault: SealFault) {
        match self.findings.len() {
            0..MOST => self.findings.push(fault),
            MOST => self.findings.push(SealFault::More),
            _ => {}
        }
    }

    /// Reports that the first line of the seal is missing.
    pub(super) fn no_beginning(&mut self) {
        self.findings.insert(0, SealFault::NoBeginning);
    }

    /// Checks the line of an entry: its order and its chain value. An uncertain time is not compared with others.
    pub(super) fn entry(&mut self, name: &EntryName, line: &SealLine<'_>) {
        self.entries += 1;
        let expected = self.number + 1;
        let is_behind_moved = std::mem::take(&mut self.is_behind_moved);
        if name.number > expected {
            self.find(SealFault::LinesRemoved {
                from: expected,
                to: name.number - 1,
            });
        } else if name.number < expected {
            self.find(SealFault::LineMoved(name.clone()));
            self.is_behind_moved = true;
        } else if !line.is_chained && !is_behind_moved {
            self.find(SealFault::LineAltered(name.clone()));
        }
        if name.number >= expected && line.is_time_certain && name.time < self.last_time {
            self.find(SealFault::TimeReversed(name.clone()));
        }
        self.number = self.number.max(name.number);
        if line.is_chained && line.is_time_certain {
            self.time(name.time);
        }
    }

    /// Checks the chain value of a line other than an entry's.
    pub(super) fn other(&mut self, line: u64, is_chained: bool) {
        if !is_chained && !std::mem::take(&mut self.is_behind_moved) {
            self.find(SealFault::OtherLineAltered { line });
        }
    }

    /// Checks the time of a line.
    pub(super) fn time(&mut self, time: Moment) {
        self.last_time = self.last_time.max(time);
    }

    /// Checks an authentication code of the lines before it, the last of which has this chain value.
    pub(super) fn code(&mut self, line: u64, epoch: u64, code: &Hash, before: &Hash) {
        self.codes += 1;
        self.line_of_code = line;
        let expected = self.last_epoch.map(|last| last + 1);
        if let Some(from) = expected.filter(|expected| epoch > *expected) {
            let to = epoch - 1;
            self.find(SealFault::CodesMissing { from, to });
        }
        self.last_epoch = Some(epoch);
        let Some(key) = &mut self.key else {
            return;
        };
        if epoch < key.epoch() {
            return; // The code is of an earlier key, which is not known.
        }
        // A forged number could make the check run forever.
        let is_near = epoch - key.epoch() <= MOST_STEPS;
        while is_near && key.epoch() < epoch {
            key.step();
        }
        let is_right = is_near && key.authenticate(before) == *code;
        key.step();
        if is_right {
            self.verified_codes += 1;
            self.verified_entry = self.number;
        } else if !std::mem::replace(&mut self.has_wrong_code, true) {
            self.find(SealFault::WrongCode {
                line,
                entry: self.number,
                after: self.verified_entry,
            });
        }
    }

    /// Returns all findings. A moved line is not reported as removed.
    pub(super) fn take_findings(&mut self) -> Vec<SealFault> {
        let mut findings = std::mem::take(&mut self.findings);
        let number_of_moved = |finding: &SealFault| match finding {
            SealFault::LineMoved(name) => Some(name.number),
            _ => None,
        };
        let moved: Vec<u64> = findings.iter().filter_map(number_of_moved).collect();
        findings.retain(|finding| match finding {
            SealFault::LinesRemoved { from, to } => {
                !(*from..=*to).all(|number| moved.contains(&number))
            }
            _ => true,
        });
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_bounded() {
        let mut audit = Audit::new(None);
        for line in 0..5 * MOST as u64 {
            audit.other(line, false);
        }
        let findings = audit.take_findings();
        assert_eq!(findings.len(), MOST + 1);
        assert_eq!(findings[0], SealFault::OtherLineAltered { line: 0 });
        assert_eq!(findings[MOST], SealFault::More);
    }
}
