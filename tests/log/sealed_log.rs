//! A log with its seal, both made here, so that times and peers are known.

use std::fs;

use httpserver::change_version::ChangeVersion;
use httpserver::seal::chain::Hash;
use httpserver::seal::line::{Begin, Torn, TornOutcome};
use httpserver::seal::text::{
    push_begin, push_chain, push_entry_end, push_entry_start, push_next, push_torn,
};
use httpserver::seal::time::{Moment, MomentWriter};

use super::{Log, Workdir};

/// The day of all times that have no other.
const DAY: &str = "2026-11-27";

/// See the module's description.
pub(super) struct SealedLog {
    pub(super) log: Log,
    pub(super) seal: Vec<u8>,
    chain: Hash,
    number: u64,
    file: u64,
    lines: u64,
    /// Lines of all files before it.
    lines_before: u64,
    server: Option<&'static str>,
    /// That of the next entry.
    version: Option<ChangeVersion>,
    /// Writes the times of entries as a server does; without it each is written as a whole.
    times: Option<MomentWriter>,
}

/// `12:00:00` or `2026-11-26T12:00:00`, or one of these with a fraction, as a moment.
pub(super) fn moment(text: &str) -> Moment {
    let day = if text.contains('T') {
        String::new()
    } else {
        format!("{DAY}T")
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    Moment::parse(&format!("{day}{seconds}.{fraction:0<6}Z")).unwrap()
}

impl SealedLog {
    pub(super) fn new() -> Self {
        Self::begun(1, 0, Hash::ZERO, Log::default(), None)
    }

    /// The log of one of several servers.
    pub(super) fn of_server(name: &'static str) -> Self {
        Self::begun(1, 0, Hash::ZERO, Log::default(), Some(name))
    }

    /// The same, with the times of entries as short as a server writes them.
    pub(super) fn with_short_times() -> Self {
        Self {
            times: Some(MomentWriter::default()),
            ..Self::new()
        }
    }

    /// The version of the next entry, which is not the removal of a directory.
    pub(super) fn version(self, number: u64) -> Self {
        self.with_version(ChangeVersion::Name(number))
    }

    /// The version of the next entry.
    pub(super) fn with_version(self, version: ChangeVersion) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }

    /// A log that is sealed from here on.
    pub(super) fn behind(log: Log) -> Self {
        Self::begun(1, 0, Hash::ZERO, log, None)
    }

    fn begun(
        file: u64,
        lines_before: u64,
        previous: Hash,
        log: Log,
        server: Option<&'static str>,
    ) -> Self {
        let mut sealed = Self {
            seal: Vec::new(),
            chain: previous,
            number: 0,
            file,
            lines: 0,
            lines_before,
            server,
            version: None,
            times: None,
            log,
        };
        let begin = Begin {
            identity: 0xABC,
            file,
            lines: lines_before,
            start: sealed.log.len() as u64,
            previous,
            time: moment("00:00:00"),
            name: "log.txt",
            server,
        };
        sealed.line(|out| push_begin(out, &begin));
        sealed
    }

    /// The log that follows, and this one with a `next` line.
    pub(super) fn rotate(mut self) -> (Self, Self) {
        self.line(|out| push_next(out, moment("23:59:59"), "log.txt"));
        let next = Self::begun(
            self.file + 1,
            self.lines_before + self.lines,
            self.chain,
            Log::default(),
            self.server,
        );
        (self, next)
    }

    fn line(&mut self, push: impl FnOnce(&mut Vec<u8>)) {
        let mut line = Vec::new();
        push(&mut line);
        self.chain = self.chain.chained(&line);
        self.seal.extend_from_slice(&line);
        push_chain(&mut self.seal, &self.chain);
        self.lines += 1;
    }

    /// An entry at a time, of a peer, perhaps of a user (`peer user`), with this status.
    pub(super) fn entry(
        self,
        time: &str,
        from: &str,
        status: u16,
        append: impl FnOnce(Log) -> Log,
    ) -> Self {
        let mut sealed = self.sealed_only(time, from, status, None, &append(Log::default()));
        let entry = sealed.1;
        sealed.0.log = sealed.0.log.raw(&entry);
        sealed.0
    }

    /// A PUT of some bytes.
    pub(super) fn put(
        self,
        time: &str,
        from: &str,
        status: u16,
        name: &str,
        content: &[u8],
    ) -> Self {
        let entry = Log::default().put(name, content);
        let hash = Hash::of(content);
        let (mut sealed, bytes) = self.sealed_only(time, from, status, Some(&hash), &entry);
        sealed.log = sealed.log.raw(&bytes);
        sealed
    }

    /// The line of an entry that is not in the log, and the entry.
    pub(super) fn sealed_only(
        mut self,
        time: &str,
        from: &str,
        status: u16,
        hash: Option<&Hash>,
        entry: &Log,
    ) -> (Self, Vec<u8>) {
        self.number += 1;
        let (number, offset, length) = (self.number, self.log.len() as u64, entry.len() as u64);
        let (peer, user) = match from.split_once(' ') {
            Some((peer, user)) => (peer, Some(user)),
            None => (from, None),
        };
        let version = self.version.take();
        let mut times = self.times.take();
        let mut whole = MomentWriter::default();
        let first_line = entry.0.split(|&byte| byte == b'\n').next().unwrap();
        self.line(|out| {
            let time = moment(time);
            push_entry_start(
                out,
                number,
                offset,
                length,
                time,
                times.as_mut().unwrap_or(&mut whole),
            );
            let push_peer = |out: &mut Vec<u8>| out.extend_from_slice(peer.as_bytes());
            push_entry_end(
                out,
                push_peer,
                user,
                status,
                hash,
                version.as_ref(),
                first_line,
            );
        });
        self.times = times;
        (self, entry.0.clone())
    }

    /// The line of a server about a torn entry when it starts.
    pub(super) fn torn(mut self, number: u64, time: &str, place: TornOutcome) -> Self {
        let torn = Torn {
            number,
            time: moment(time),
            place,
        };
        self.line(|out| push_torn(out, &torn));
        self
    }

    /// Writes both into the directory of a test.
    pub(super) fn write(&self, workdir: &Workdir, log: &str, seal: &str) {
        fs::write(workdir.path(log), &self.log.0).unwrap();
        fs::write(workdir.path(seal), &self.seal).unwrap();
    }

    /// A directory with `log.txt` and `log.txt.seal`.
    pub(super) fn in_workdir(&self) -> Workdir {
        let workdir = Workdir::new(&Log::default());
        self.write(&workdir, "log.txt", "log.txt.seal");
        workdir
    }
}
