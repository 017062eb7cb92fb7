//! A listing in preparation: its directory is read, then its text is written, 32 entries at a time.
//!
//! Its text is complete before any of it is sent, so a later error cannot change the status, and `Content-Length` is
//! known. `listing_budget` limits the memory. If there is a kept text, the reading compares the directory with it, and
//! the text is sent if nothing differs.

use std::collections::{VecDeque, btree_map};
use std::sync::Arc;

use super::directory_reading::{Addition, DirectoryReading};
use super::frame::Completeness;
use super::item::ListingItem;
use super::kept_listings::ListingKey;
use super::listing_budget::{ListingBudget, PART};
use super::order::SortKey;
use super::output::{Output, TextCoding};
use super::writer::Writer;
use crate::blocking::Blocking;
use crate::connection::{Preparation, Response, ResponseContent};
use crate::files::Files;
use crate::http::{Refusal, StatusCode, write_field};
use crate::refusing::{Operation, ReceivedLine, cannot_read};
use crate::requester::Answered;
use crate::store::{DirectorySnapshot, ReadingProgress, SnapshotExtent};
use crate::web::DotFiles;
use crate::web::memory_budget::{COMPRESSOR, MemoryShare};
use crate::web::refusal::respond;

/// Entries that are read or written in one portion: about as much time as a turn has.
const PORTION: usize = 32;

/// The most entries of a short listing: it is sooner made than its text is worth its memory.
const SHORT: usize = 128;

/// A listing that is being made.
pub(super) struct ListingPreparation {
    pub(super) files: Arc<Files>,
    pub(super) budget: ListingBudget,
    pub(super) dot_files: DotFiles,
    /// The parts of a refused request for its entry, and the requester.
    pub(super) received: ReceivedLine<'static>,
    /// The name with which it is recorded otherwise.
    pub(super) name: Vec<u8>,
    pub(super) key: ListingKey,
    /// The field lines of the response.
    pub(super) fields: Vec<u8>,
    pub(super) state: PreparationState,
}

/// The state of a listing.
pub(super) enum PreparationState {
    /// Its directory is being read.
    Reading(DirectoryReading),
    /// Its text is being written.
    Writing(Writing),
    /// It is recorded as a success or a refusal.
    Recorded,
}

/// A text that is being written.
pub(super) struct Writing {
    writer: Writer,
    items: btree_map::IntoValues<SortKey, ListingItem>,
    /// The text that is not in `parts` yet.
    output: Output,
    parts: VecDeque<ResponseContent>,
    /// The directory, and the bytes of its memory, if the text is to be kept.
    snapshot: Option<(Arc<DirectorySnapshot>, usize)>,
    held: MemoryShare,
}

impl Writing {
    /// A listing of one portion is not compressed, and a short one is not kept.
    fn begin(mut reading: DirectoryReading, key: &ListingKey, budget: &ListingBudget) -> Self {
        let count = reading.items.len();
        let output = match key.coding {
            TextCoding::Gzip if count > PORTION && budget.grow(&mut reading.held, COMPRESSOR) => {
                Output::gzip()
            }
            TextCoding::Gzip | TextCoding::Plain => Output::plain(),
        };
        let extent = match reading.frame.extent {
            Completeness::Complete => SnapshotExtent::Complete,
            Completeness::Truncated => SnapshotExtent::Partial,
        };
        let found = reading
            .found
            .filter(|_| count > SHORT && output.coding() == key.coding);
        let snapshot = found.map(|found| Arc::new(reading.reader.into_snapshot(found, extent)));
        let writer = Writer::new(reading.frame, key.form);
        let mut text = String::with_capacity(PART);
        writer.begin(&mut text);
        let mut writing = Self {
            writer,
            items: reading.items.into_values(),
            output,
            parts: VecDeque::new(),
            snapshot: snapshot.map(|snapshot| (snapshot, reading.found_size)),
            held: reading.held,
        };
        writing.output.push(&text);
        writing
    }
}

impl Preparation for ListingPreparation {
    fn step(&mut self, blocking: Blocking<'_>) -> Option<Response> {
        match std::mem::replace(&mut self.state, PreparationState::Recorded) {
            PreparationState::Reading(reading) => self.read(reading, blocking),
            PreparationState::Writing(writing) => self.write(writing, blocking),
            PreparationState::Recorded => {
                let reason = "the listing has ended already";
                let refusal = Refusal::of_file(StatusCode::InternalServerError, reason);
                Some(respond(refusal))
            }
        }
    }
}

impl ListingPreparation {
    fn read(&mut self, mut reading: DirectoryReading, blocking: Blocking<'_>) -> Option<Response> {
        let shows = |name: &[u8]| self.dot_files == DotFiles::Visible || !name.starts_with(b".");
        let read = self
            .files
            .read_entries(&mut reading.reader, PORTION, shows, blocking);
        let portion = match read {
            Ok(portion) => portion,
            Err(error) => {
                let refusal = cannot_read(error.kind, Operation::WebGet);
                return Some(self.refuse(refusal, blocking));
            }
        };
        if let ReadingProgress::Unchanged(unchanged) = &portion.progress
            && let Some(text) = reading.kept.as_ref().and_then(|kept| kept.text(unchanged))
        {
            return Some(self.complete(text, self.key.coding, blocking));
        }
        let mut is_last = matches!(portion.progress, ReadingProgress::End);
        for entry in portion.entries {
            match reading.add(entry, &self.key.permissions, &self.budget) {
                Addition::Done => {}
                Addition::Last => {
                    is_last = true;
                    break;
                }
                Addition::NoMemory => return Some(self.refuse(too_many(), blocking)),
            }
        }
        self.state = if is_last {
            PreparationState::Writing(Writing::begin(reading, &self.key, &self.budget))
        } else {
            PreparationState::Reading(reading)
        };
        None
    }

    fn write(&mut self, mut writing: Writing, blocking: Blocking<'_>) -> Option<Response> {
        let mut is_complete = false;
        let mut text = String::with_capacity(PART);
        for _ in 0..PORTION {
            let Some(item) = writing.items.next() else {
                writing.writer.end(&mut text);
                is_complete = true;
                break;
            };
            writing.writer.item(&mut text, &item);
        }
        writing.output.push(&text);
        if !is_complete {
            if writing.output.len() >= PART {
                match self.budget.part(writing.output.take()) {
                    Some(part) => writing.parts.push_back(part),
                    None => return Some(self.refuse(too_many(), blocking)),
                }
            }
            self.state = PreparationState::Writing(writing);
            return None;
        }
        let coding = writing.output.coding();
        let rest = writing.output.finish();
        if writing.parts.is_empty() && rest.len() <= PART && writing.snapshot.is_none() {
            // A connection may keep as much for any response.
            let content = ResponseContent::Memory(Arc::from(rest));
            return Some(self.complete(content, coding, blocking));
        }
        match self.budget.part(rest) {
            Some(part) => writing.parts.push_back(part),
            None => return Some(self.refuse(too_many(), blocking)),
        }
        drop(writing.held);
        if let Some((snapshot, size)) = writing.snapshot {
            let text = writing.parts.clone();
            self.budget.keep(&self.key, snapshot, size, text);
        }
        let content = ResponseContent::Sequence(writing.parts);
        Some(self.complete(content, coding, blocking))
    }

    fn complete(
        &mut self,
        content: ResponseContent,
        coding: TextCoding,
        blocking: Blocking<'_>,
    ) -> Response {
        if coding == TextCoding::Gzip {
            write_field(&mut self.fields, "Content-Encoding", b"gzip");
        }
        let worker = blocking.worker().unwrap_or_default();
        let answered = Answered {
            requester: self.received.requester(),
            status: StatusCode::Ok.code(),
        };
        let entry = self
            .files
            .record_success("GET", &self.name, &answered, worker);
        let fields = std::mem::take(&mut self.fields);
        Response::new(StatusCode::Ok, fields, content).recorded(entry)
    }

    fn refuse(&self, refusal: Refusal, blocking: Blocking<'_>) -> Response {
        let worker = blocking.worker();
        let entry = self.received.record(&self.files, refusal.status, worker);
        respond(refusal).recorded(entry)
    }
}

fn too_many() -> Refusal {
    let reason = "too many listings wait for slow clients";
    Refusal::new(StatusCode::ServiceUnavailable, reason)
}
