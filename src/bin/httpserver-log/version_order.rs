//! The order of the entries of several servers: the changes of each stripe by their versions, and all other entries by
//! time.
//!
//! The entries of one server keep their order. A change waits for every change with a lower number in its stripe. Of the
//! servers whose next entry does not wait, the one whose entry has the earliest time is next. So the changes of a name are
//! in the right order even if the clocks differ. This module reads no files.

use crate::failure::Failure;
use crate::text::count;
use httpserver::change_version::STRIPES;
use httpserver::seal::time::Moment;

/// A number of a stripe, and the entry that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NumberedChange {
    pub(crate) number: u64,
    /// The index of its log.
    pub(crate) log: usize,
    /// The number of the entry in the seal.
    pub(crate) entry: u64,
    /// False if the entry was torn, and its server has cut it off.
    pub(crate) is_in_log: bool,
}

/// All numbers in the logs, by stripe.
#[derive(Debug)]
pub(crate) struct VersionNumbers {
    stripes: Vec<Vec<NumberedChange>>,
}

/// The numbers of each stripe, and how many of them were taken.
#[derive(Debug)]
pub(crate) struct VersionOrder {
    stripes: Vec<Vec<u64>>,
    /// The number of changes of each stripe that were taken.
    come: Vec<usize>,
}

/// The time and the version of a server's next entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextEntry {
    /// `None` if the entry has no line in the seal.
    pub(crate) time: Option<Moment>,
    /// Its numbers by stripe, if it is a change.
    pub(crate) numbers: Vec<(u8, u64)>,
}

/// The most holes that are reported one by one.
const NAMED: usize = 5;

impl VersionNumbers {
    pub(crate) fn new() -> Self {
        Self {
            stripes: vec![Vec::new(); usize::from(STRIPES)],
        }
    }

    pub(crate) fn add(&mut self, stripe: u8, change: NumberedChange) {
        self.stripes[usize::from(stripe)].push(change);
    }

    /// Sorts them. `name` returns the name of a log for messages.
    ///
    /// # Errors
    /// `Conflict` if two entries have one number.
    pub(crate) fn sort<'n>(&mut self, name: impl Fn(usize) -> &'n str) -> Result<(), Failure> {
        for changes in &mut self.stripes {
            changes.sort_unstable();
            for pair in changes.windows(2) {
                if let [one, other] = pair
                    && one.number == other.number
                {
                    return Err(Failure::Conflict {
                        number: one.number,
                        one: place(one, &name),
                        other: place(other, &name),
                    });
                }
            }
        }
        Ok(())
    }

    /// Describes the missing numbers: the first holes, and the number of further ones. The numbers must be sorted.
    pub(crate) fn holes<'n>(&self, name: impl Fn(usize) -> &'n str) -> Vec<String> {
        let mut texts = Vec::new();
        let mut more = 0;
        for changes in &self.stripes {
            for pair in changes.windows(2) {
                let [one, other] = pair else { continue };
                if other.number - one.number == 1 {
                    continue;
                }
                if texts.len() == NAMED {
                    more += 1;
                    continue;
                }
                let (first, last) = (one.number + 1, other.number - 1);
                let versions = if first == last {
                    format!("version {first} is")
                } else {
                    format!("versions {first} to {last} are")
                };
                texts.push(format!(
                    "{versions} missing between {} and {}: a log was not given, or a server was killed before it had \
                     recorded the change, or counting started again",
                    place(one, &name),
                    place(other, &name)
                ));
            }
        }
        if more > 0 {
            let holes = count(more, "more hole", "more holes");
            texts.push(format!("the versions have {holes}"));
        }
        texts
    }

    /// The order of the entries that are in the logs.
    pub(crate) fn order(&self) -> VersionOrder {
        let in_log = |changes: &Vec<NumberedChange>| {
            let in_log = changes.iter().filter(|change| change.is_in_log);
            in_log.map(|change| change.number).collect()
        };
        VersionOrder {
            stripes: self.stripes.iter().map(in_log).collect(),
            come: vec![0; self.stripes.len()],
        }
    }
}

fn place<'n>(change: &NumberedChange, name: impl Fn(usize) -> &'n str) -> String {
    format!("entry {} of {}", change.entry, name(change.log))
}

impl VersionOrder {
    /// The server whose next entry comes first. `None` if there are no more entries, or if each waits for an entry that no
    /// log has.
    pub(crate) fn choose<'e>(
        &self,
        next: impl IntoIterator<Item = Option<&'e NextEntry>>,
    ) -> Option<usize> {
        let next = next.into_iter().enumerate();
        let ready = next.filter_map(|(server, entry)| Some((entry?, server)));
        let ready = ready.filter(|(entry, _)| self.is_ready(entry));
        let first = ready.min_by_key(|(entry, server)| (entry.time, *server));
        first.map(|(_, server)| server)
    }

    /// Whether all changes before it were taken.
    fn is_ready(&self, entry: &NextEntry) -> bool {
        let mut numbers = entry.numbers.iter();
        numbers.all(|&(stripe, number)| {
            let stripe = usize::from(stripe);
            self.stripes[stripe].get(self.come[stripe]) == Some(&number)
        })
    }

    /// Takes the entry.
    pub(crate) fn pass(&mut self, entry: &NextEntry) {
        for (stripe, _) in &entry.numbers {
            self.come[usize::from(*stripe)] += 1;
        }
    }

    /// Whether the entry existed when the numbers were read. A server may have written it since.
    pub(crate) fn knows(&self, entry: &NextEntry) -> bool {
        let mut numbers = entry.numbers.iter();
        numbers.all(|&(stripe, number)| {
            self.stripes[usize::from(stripe)]
                .last()
                .is_some_and(|last| number <= *last)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change(number: u64, log: usize, entry: u64) -> NumberedChange {
        NumberedChange {
            number,
            log,
            entry,
            is_in_log: true,
        }
    }

    const NAMES: [&str; 2] = ["a.txt", "b.txt"];

    #[test]
    fn two_entries_of_one_version_are_named() {
        let mut numbers = VersionNumbers::new();
        numbers.add(7, change(5, 0, 1));
        numbers.add(8, change(5, 1, 1));
        assert!(numbers.sort(|log| NAMES[log]).is_ok());
        numbers.add(7, change(5, 1, 9));
        let conflict = numbers.sort(|log| NAMES[log]).unwrap_err().to_string();
        assert_eq!(
            conflict,
            "entry 1 of a.txt and entry 9 of b.txt have the same version 5: the logs are of different roots, or were altered, or \
             the file system of the root did not show one server the version that another had taken"
        );
    }

    #[test]
    fn missing_versions_are_named_unless_they_were_cut_off() {
        let mut numbers = VersionNumbers::new();
        for (number, log, entry) in [(5, 0, 1), (6, 1, 1), (8, 0, 2), (12, 1, 4)] {
            numbers.add(7, change(number, log, entry));
        }
        numbers.add(
            7,
            NumberedChange {
                is_in_log: false,
                ..change(9, 0, 3)
            },
        );
        numbers.sort(|log| NAMES[log]).unwrap();
        let holes = numbers.holes(|log| NAMES[log]);
        assert_eq!(holes.len(), 2, "{holes:?}");
        assert!(
            holes[0]
                .starts_with("version 7 is missing between entry 1 of b.txt and entry 2 of a.txt:"),
            "{holes:?}"
        );
        assert!(
            holes[1].starts_with(
                "versions 10 to 11 are missing between entry 3 of a.txt and entry 4 of b.txt:"
            ),
            "{holes:?}"
        );
        for number in 0..20 {
            numbers.add(9, change(100 + 2 * number, 0, 50 + number));
        }
        numbers.sort(|log| NAMES[log]).unwrap();
        let holes = numbers.holes(|log| NAMES[log]);
        assert_eq!(holes.last().unwrap(), "the versions have 16 more holes");
    }

    /// A change in a history: which server makes it, in which stripe (`None`: of all), and how long after the one before.
    type Step = (usize, Option<u8>, u64);

    fn history() -> impl Strategy<Value = Vec<Step>> {
        let stripe = prop_oneof![9 => (0..4_u8).prop_map(Some), 1 => Just(None)];
        prop::collection::vec((0..3_usize, stripe, 0..3_000_000_u64), 0..120)
    }

    proptest! {
        #[test]
        fn changes_of_a_stripe_are_in_order_of_version_whatever_the_clocks_say(
            steps in history(),
            clocks in prop::array::uniform3(0..4_000_000_000_u64),
        ) {
            let mut now = 1_795_780_800_000_000;
            let mut next = vec![1_000; usize::from(STRIPES)];
            let mut logs: [Vec<(usize, NextEntry)>; 3] = Default::default();
            let mut numbers = VersionNumbers::new();
            for (index, (server, stripe, later)) in steps.iter().enumerate() {
                now += later;
                let stripes = match stripe {
                    Some(stripe) => *stripe..stripe + 1,
                    None => 0..STRIPES,
                };
                let taken: Vec<_> = stripes
                    .map(|stripe| {
                        next[usize::from(stripe)] += 1;
                        (stripe, next[usize::from(stripe)])
                    })
                    .collect();
                for &(stripe, number) in &taken {
                    numbers.add(stripe, change(number, *server, index as u64));
                }
                let time = Some(Moment::from_microseconds(now + clocks[*server]));
                logs[*server].push((index, NextEntry { time, numbers: taken }));
            }
            numbers.sort(|_| "").unwrap();
            prop_assert_eq!(numbers.holes(|_| ""), Vec::<String>::new());
            let mut order = numbers.order();
            let mut read = [0; 3];
            let mut come = Vec::new();
            loop {
                let heads: Vec<_> = (0..3).map(|server| logs[server].get(read[server])).collect();
                let chosen = order.choose(heads.iter().map(|head| head.map(|(_, entry)| entry)));
                let Some(server) = chosen else { break };
                let (index, entry) = heads[server].unwrap();
                order.pass(entry);
                read[server] += 1;
                come.push(*index);
            }
            prop_assert_eq!(come.len(), steps.len());
            for stripe in 0..4 {
                let of_stripe: Vec<_> = come
                    .iter()
                    .filter(|&&index| steps[index].1.is_none_or(|of| of == stripe))
                    .collect();
                prop_assert!(of_stripe.is_sorted(), "{:?}", come);
            }
            for server in 0..3 {
                let of_server: Vec<_> = come.iter().filter(|&&index| steps[index].0 == server).collect();
                prop_assert!(of_server.is_sorted(), "{:?}", come);
            }
            // Clocks that agree give back the history as it was.
            if clocks.iter().all(|clock| *clock == clocks[0]) && steps.iter().all(|step| step.2 > 0) {
                prop_assert!(come.is_sorted());
            }
        }
    }
}
