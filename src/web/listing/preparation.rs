//! A listing in preparation: its directory is read, then its text is written, 32 entries at a time.
//!
//! Its text is complete before any of it is sent, so a later error cannot change the status, and `Content-Length` is
//! known. `listing_budget` limits the memory. If there is a kept text, the reading compares the directory with it, and
//! the text is sent if nothing differs.

use std::collections::VecDeque;
use std::sync::Arc;

use super::directory_reading::{Addition, DirectoryReading, item};
use super::frame::Completeness;
use super::kept_listings::ListingKey;
use super::listing_budget::{ListingBudget, PART};
use super::order::OrderedItems;
use super::output::{Output, TextCoding};
use super::writer::Writer;
use crate::blocking::Blocking;
use crate::connection::{Preparation, Response, ResponseContent};
use crate::files::Files;
use crate::http::{Refusal, StatusCode, write_field};
use crate::refusing::{Operation, ReceivedLine, cannot_read};
use crate::requester::Answered;
use crate::store::{DirectoryEntries, DirectorySnapshot, ReadingProgress, SnapshotExtent};
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
    entries: Arc<DirectoryEntries>,
    items: OrderedItems,
    /// The text of one portion; its memory is used again for the next.
    text: String,
    /// The text that is not in `parts` yet.
    output: Output,
    parts: VecDeque<ResponseContent>,
    /// The directory, if the text is to be kept.
    snapshot: Option<Arc<DirectorySnapshot>>,
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
        let is_kept = count > SHORT && reading.is_comparable() && output.coding() == key.coding;
        let items = reading.items.into_ordered(&reading.found);
        let entries = Arc::new(reading.found);
        let snapshot = is_kept.then(|| {
            let entries = Arc::clone(&entries);
            Arc::new(reading.reader.into_snapshot(entries, extent))
        });
        let mut writing = Self {
            writer: Writer::new(reading.frame, key.form),
            entries,
            items,
            text: String::new(),
            output,
            parts: VecDeque::new(),
            snapshot,
            held: reading.held,
        };
        writing.writer.begin(&mut writing.text);
        writing.output.push(&writing.text);
        writing
    }

    /// Writes the next items; returns whether the text is complete.
    fn step(&mut self) -> bool {
        self.text.clear();
        let mut is_complete = false;
        for _ in 0..PORTION {
            let Some(index) = self.items.next(&self.entries) else {
                self.writer.end(&mut self.text);
                is_complete = true;
                break;
            };
            if let Some(item) = self.entries.get(index).and_then(item) {
                self.writer.item(&mut self.text, &item);
            }
        }
        self.output.push(&self.text);
        is_complete
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
        let read = self.files.read_entries(
            &mut reading.reader,
            PORTION,
            shows,
            &mut reading.portion,
            blocking,
        );
        let progress = match read {
            Ok(progress) => progress,
            Err(error) => {
                let refusal = cannot_read(error.kind, Operation::WebGet);
                return Some(self.refuse(refusal, blocking));
            }
        };
        if let ReadingProgress::Unchanged(unchanged) = &progress
            && let Some(text) = reading.kept.as_ref().and_then(|kept| kept.text(unchanged))
        {
            return Some(self.complete(text, self.key.coding, blocking));
        }
        let mut is_last = matches!(progress, ReadingProgress::End);
        let mut portion = std::mem::take(&mut reading.portion);
        for entry in portion.iter() {
            match reading.add(entry, &self.key.permissions, &self.budget) {
                Addition::Done => {}
                Addition::Last => {
                    is_last = true;
                    break;
                }
                Addition::NoMemory => return Some(self.refuse(too_many(), blocking)),
            }
        }
        portion.clear();
        reading.portion = portion;
        self.state = if is_last {
            PreparationState::Writing(Writing::begin(reading, &self.key, &self.budget))
        } else {
            PreparationState::Reading(reading)
        };
        None
    }

    fn write(&mut self, mut writing: Writing, blocking: Blocking<'_>) -> Option<Response> {
        let is_complete = writing.step();
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
        if let Some(snapshot) = writing.snapshot {
            let text = writing.parts.clone();
            let size = writing.entries.memory();
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
