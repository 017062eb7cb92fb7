//! The entries of several logs in their order, which [`crate::log_order`] finds.

use crate::failure::Failure;
use crate::log_order::{LogOrder, changed_name};
use crate::logs::LogWithSeal;
use crate::notes::Notes;
use crate::record::EntryRecord;
use crate::records::{Hashing, Records};
use crate::version_order::{NextEntry, VersionOrder};
use httpserver::request_log::verify::SealStart;
use indicatif::ProgressBar;
use std::collections::VecDeque;

/// How entries are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Without the seal, unless the order needs it.
    Log,
    /// With the seal, if there is one.
    WithSeal(Hashing),
}

/// See the module's description.
pub(crate) struct OrderedRecords<'l> {
    logs: &'l [LogWithSeal],
    reading: Reading,
    bar: ProgressBar,
    servers: Vec<ServerRecords<'l>>,
    /// `None` unless the seals name several servers.
    order: Option<VersionOrder>,
    /// The server of the last entry.
    current: usize,
}

/// The logs of one server.
struct ServerRecords<'l> {
    /// The logs that are not read yet.
    left: VecDeque<usize>,
    /// The other logs; the last one is being read.
    begun: Vec<(usize, Records<'l>)>,
    /// The next entry, if it was read.
    next: Option<(EntryRecord, NextEntry)>,
}

impl<'l> OrderedRecords<'l> {
    /// Reads logs in this order; `bar` counts their bytes.
    pub(crate) fn new(
        logs: &'l [LogWithSeal],
        order: &LogOrder,
        reading: Reading,
        bar: &ProgressBar,
    ) -> Self {
        let of = |left: VecDeque<usize>| ServerRecords {
            left,
            begun: Vec::new(),
            next: None,
        };
        let (servers, order, reading) = match order {
            LogOrder::Given => (vec![of((0..logs.len()).collect())], None, reading),
            LogOrder::Merged(servers, numbers) => (
                servers
                    .iter()
                    .map(|logs| of(logs.iter().copied().collect()))
                    .collect(),
                Some(numbers.order()),
                match reading {
                    Reading::Log => Reading::WithSeal(Hashing::Sealed),
                    sealed @ Reading::WithSeal(_) => sealed,
                },
            ),
        };
        Self {
            logs,
            reading,
            bar: bar.clone(),
            servers,
            order,
            current: 0,
        }
    }

    /// Whether the logs are of several servers, whose times may not be in order.
    pub(crate) fn is_merged(&self) -> bool {
        self.order.is_some()
    }

    /// The next entry, with the number of its log, from 0.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, EntryRecord)>, Failure> {
        for server in 0..self.servers.len() {
            if self.servers[server].next.is_none() {
                self.look(server)?;
            }
        }
        let entries = self
            .servers
            .iter()
            .map(|server| Some(&server.next.as_ref()?.1));
        let chosen = match &self.order {
            None => Some(0),
            Some(order) => order.choose(entries),
        };
        let Some(server) = chosen else {
            return self.stuck();
        };
        self.current = server;
        let Some((record, entry)) = self.servers[server].next.take() else {
            return Ok(None);
        };
        if let Some(order) = &mut self.order {
            order.pass(&entry);
        }
        Ok(self.log().map(|log| (log, record)))
    }

    /// Reads the next entry of a server.
    fn look(&mut self, server: usize) -> Result<(), Failure> {
        let server = &mut self.servers[server];
        loop {
            if let Some((log, records)) = server.begun.last_mut()
                && let Some(record) = records.next()?
            {
                let entry = match self.order {
                    None => NextEntry {
                        time: None,
                        numbers: Vec::new(),
                    },
                    Some(_) => next_entry(&record, self.logs[*log].name())?,
                };
                // An entry that was written since the command began is left out, and so are all entries after it.
                if self.order.as_ref().is_none_or(|order| order.knows(&entry)) {
                    server.next = Some((record, entry));
                } else {
                    records.end();
                    server.left.clear();
                }
                return Ok(());
            }
            let Some(log) = server.left.pop_front() else {
                return Ok(());
            };
            let records = match self.reading {
                Reading::Log => self.logs[log].unsealed_records(&self.bar),
                Reading::WithSeal(hashing) => self.logs[log].records(hashing, &self.bar),
            };
            server.begun.push((log, records?));
        }
    }

    /// Called when no entry can be next: an error if each waits for another, `None` if there are no more.
    fn stuck(&self) -> Result<Option<(usize, EntryRecord)>, Failure> {
        for server in &self.servers {
            if let (Some((record, _)), Some((log, _))) = (&server.next, server.begun.last()) {
                return Err(Failure::NoOrder {
                    log: self.logs[*log].name().to_owned(),
                    offset: record.offset,
                });
            }
        }
        Ok(None)
    }

    /// Leaves out the rest of the log that the last entry is in.
    pub(crate) fn skip_log(&mut self) {
        let server = &mut self.servers[self.current];
        server.next = None;
        if let Some((_, records)) = server.begun.last_mut() {
            records.end();
        }
    }

    /// The log of the last entry.
    fn log(&self) -> Option<usize> {
        self.servers[self.current].begun.last().map(|(log, _)| *log)
    }

    /// The first line of its seal.
    pub(crate) fn beginning(&mut self) -> Option<&SealStart> {
        let (_, records) = self.servers[self.current].begun.last_mut()?;
        records.pairing().beginning()
    }

    /// Reports the findings since the last call.
    pub(crate) fn say(&mut self, notes: &mut Notes) {
        let Self { servers, bar, .. } = self;
        let begun = servers.iter_mut().flat_map(|server| &mut server.begun);
        bar.suspend(|| {
            for (_, records) in begun {
                notes.say(records.pairing());
            }
        });
    }

    /// Bytes of the logs that were read.
    pub(crate) fn position(&self) -> u64 {
        let begun = self.servers.iter().flat_map(|server| &server.begun);
        begun.map(|(_, records)| records.position()).sum()
    }
}

/// The time and the version of an entry.
fn next_entry(record: &EntryRecord, log: &str) -> Result<NextEntry, Failure> {
    let line = record.sealed();
    let time = line.map(|line| line.time);
    let mut numbers = Vec::new();
    if let Some(name) = record.kind.as_ref().and_then(changed_name) {
        let version = line.and_then(|line| line.version.as_ref());
        match version {
            Some(version) => numbers.extend(version.of_stripes(&name)),
            // A torn entry without a line in the seal: no client has received a response.
            None if record.torn.is_some() => {}
            None => {
                return Err(Failure::NoVersion {
                    log: log.to_owned(),
                    entry: format!("the entry at byte {}", record.offset),
                });
            }
        }
    }
    Ok(NextEntry { time, numbers })
}
