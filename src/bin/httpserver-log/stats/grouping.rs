//! Counts for each day, peer or user.

use crate::record::EntryRecord;
use crate::text::address_and_port;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The most groups that are counted separately, since clients can have any number of addresses.
const MOST: usize = 100_000;

/// The key of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupBy {
    Day,
    Peer,
    User,
}

/// All groups.
#[derive(Debug)]
pub(super) struct Groups {
    by: GroupBy,
    /// The groups by key; `None` is an unknown key.
    all: BTreeMap<Option<String>, GroupCounts>,
    /// Entries of groups beyond the first [`MOST`].
    others: GroupCounts,
}

#[derive(Debug, Default, Clone, Copy)]
struct GroupCounts {
    requests: u64,
    failed: u64,
    torn: u64,
    uploads: u64,
    /// Content bytes of uploads.
    stored: u64,
}

impl Groups {
    pub(super) fn new(by: GroupBy) -> Self {
        Self {
            by,
            all: BTreeMap::new(),
            others: GroupCounts::default(),
        }
    }

    pub(super) fn add(&mut self, record: &EntryRecord) {
        let known = self.all.len();
        let key = self.key_of(record);
        let group = match self.all.get_mut(&key) {
            Some(group) => group,
            None if known < MOST => self.all.entry(key).or_default(),
            None => &mut self.others,
        };
        if record.torn.is_some() {
            group.torn += 1;
            return;
        }
        group.requests += 1;
        group.failed += u64::from(record.is_failed());
        if record
            .method_and_name()
            .is_some_and(|(method, _)| method == "PUT")
            && let Some(bytes) = record.bytes()
        {
            group.uploads += 1;
            group.stored += bytes;
        }
    }

    fn key_of(&self, record: &EntryRecord) -> Option<String> {
        let line = record.sealed()?;
        Some(match self.by {
            GroupBy::Day => line.time.to_string().chars().take(10).collect(),
            GroupBy::Peer => address_and_port(&line.peer).0,
            // As in the seal, which never writes a name as `-`.
            GroupBy::User => line.user.clone().unwrap_or_else(|| "-".to_owned()),
        })
    }

    /// Days in their order; peers and users with the most requests first.
    fn sorted(&self) -> Vec<(&Option<String>, GroupCounts)> {
        let mut sorted: Vec<_> = self.all.iter().map(|(key, group)| (key, *group)).collect();
        if self.by != GroupBy::Day {
            sorted.sort_by_key(|(_, group)| std::cmp::Reverse(group.requests));
        }
        sorted
    }

    pub(super) fn to_json(&self) -> Value {
        let object = |key: Value, group: GroupCounts| {
            let GroupCounts {
                requests,
                failed,
                torn,
                uploads,
                stored,
            } = group;
            json!({
                "key": key, "requests": requests, "failed": failed, "torn": torn, "uploads": uploads, "stored": stored,
            })
        };
        let groups = self.sorted().into_iter();
        let groups = groups.map(|(key, group)| object(key.as_deref().into(), group));
        let mut all = json!({ "by": self.title(), "groups": groups.collect::<Vec<_>>() });
        if self.has_others() {
            all["others"] = object(Value::Null, self.others);
        }
        all
    }

    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "    requests    failed  torn   uploads           stored  {}",
            self.title()
        )?;
        for (key, group) in self.sorted() {
            group.print(key.as_deref().unwrap_or("(not known)"), out)?;
        }
        if self.has_others() {
            self.others.print("(others)", out)?;
        }
        Ok(())
    }

    fn has_others(&self) -> bool {
        self.others.requests + self.others.torn > 0
    }

    fn title(&self) -> &'static str {
        match self.by {
            GroupBy::Day => "day",
            GroupBy::Peer => "peer",
            GroupBy::User => "user",
        }
    }
}

impl GroupCounts {
    fn print(&self, key: &str, out: &mut impl Write) -> io::Result<()> {
        let Self {
            requests,
            failed,
            torn,
            uploads,
            stored,
        } = self;
        writeln!(
            out,
            "{requests:>12}  {failed:>8}  {torn:>4}  {uploads:>8}  {stored:>15}  {key}"
        )
    }
}
