//! A listing in preparation: its directory is read, then its text is written, 32 entries at a time.
//!
//! Its text is complete before any of it is sent, so a later error cannot change the status, and `Content-Length` is
//! known. `listing_budget` limits the memory.

use std::collections::{BTreeMap, VecDeque, btree_map};
use std::sync::Arc;

use super::frame::{Completeness, Frame, MAX_ENTRIES};
use super::item::{ItemKind, ListingItem};
use super::listing_budget::{ListingBudget, PART};
use super::listing_format::ListingFormat;
use super::order::SortKey;
use super::output::Output;
use super::writer::Writer;
use crate::blocking::Blocking;
use crate::connection::{Preparation, Response, ResponseContent};
use crate::files::Files;
use crate::http::semantics::negotiation::encoding::Choice;
use crate::http::{Refusal, StatusCode, write_field};
use crate::refusing::{Operation, ReceivedLine, cannot_read};
use crate::requester::Answered;
use crate::store::{DirectoryEntry, DirectoryEntryKind, DirectoryReader};
use crate::users::{Permissions, Right};
use crate::web::DotFiles;
use crate::web::memory_budget::{COMPRESSOR, MemoryShare};
use crate::web::path::Path;
use crate::web::refusal::respond;

/// Entries that are read or written in one portion: about as much time as a turn has.
const PORTION: usize = 32;

/// Bytes of memory for an entry besides its name, which is stored three times.
const ENTRY: usize = 256;

/// A listing that is being made.
pub(super) struct ListingPreparation {
    pub(super) files: Arc<Files>,
    pub(super) budget: ListingBudget,
    pub(super) dot_files: DotFiles,
    /// The parts of a refused request for its entry, and the requester.
    pub(super) received: ReceivedLine<'static>,
    /// The name with which it is recorded otherwise.
    pub(super) name: Vec<u8>,
    pub(super) form: ListingFormat,
    /// The coding for a long listing.
    pub(super) coding: Choice,
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

/// A directory that is being read.
pub(super) struct DirectoryReading {
    reader: DirectoryReader,
    frame: Frame,
    /// In the order of the listing.
    items: BTreeMap<SortKey, ListingItem>,
    /// Bytes of its memory. A few are not counted: a connection may keep as much for any response.
    size: usize,
    held: MemoryShare,
}

/// A text that is being written.
pub(super) struct Writing {
    writer: Writer,
    items: btree_map::IntoValues<SortKey, ListingItem>,
    /// The text that is not in `parts` yet.
    output: Output,
    parts: VecDeque<ResponseContent>,
    _held: MemoryShare,
}

impl DirectoryReading {
    pub(super) fn new(reader: DirectoryReader, frame: Frame, budget: &ListingBudget) -> Self {
        Self {
            reader,
            frame,
            items: BTreeMap::new(),
            size: 0,
            held: budget.hold(),
        }
    }

    /// A listing of one portion is short, and is not compressed.
    fn into_writing(mut self, form: ListingFormat, coding: Choice) -> Writing {
        let is_long = self.items.len() > PORTION;
        let mut output = match coding {
            Choice::Coded(_) if is_long && self.held.grow(COMPRESSOR) => Output::gzip(),
            Choice::Coded(_) | Choice::Identity | Choice::NotAcceptable => Output::plain(),
        };
        let writer = Writer::new(self.frame, form);
        let mut text = String::with_capacity(PART);
        writer.begin(&mut text);
        output.push(&text);
        Writing {
            writer,
            items: self.items.into_values(),
            output,
            parts: VecDeque::new(),
            _held: self.held,
        }
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
        let permissions = &self.received.requester().permissions;
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
        let mut is_last = portion.is_last;
        for entry in portion.entries {
            if !is_shown(&entry, &reading.frame.path, permissions) {
                continue;
            }
            if reading.items.len() == MAX_ENTRIES {
                reading.frame.extent = Completeness::Truncated;
                is_last = true;
                break;
            }
            let size = ENTRY + 3 * entry.name.len();
            reading.size += size;
            if reading.size > PART && !reading.held.grow(size) {
                return Some(self.refuse(too_many(), blocking));
            }
            let item = item(entry);
            reading.frame.add(&item);
            reading.items.insert(SortKey::of(&item), item);
        }
        self.state = if is_last {
            PreparationState::Writing(reading.into_writing(self.form, self.coding))
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
        if let Output::Gzip(_) = writing.output {
            write_field(&mut self.fields, "Content-Encoding", b"gzip");
        }
        let rest = writing.output.finish();
        if writing.parts.is_empty() && rest.len() <= PART {
            // A connection may keep as much for any response.
            let content = ResponseContent::Memory(Arc::from(rest));
            return Some(self.complete(content, blocking));
        }
        match self.budget.part(rest) {
            Some(part) => writing.parts.push_back(part),
            None => return Some(self.refuse(too_many(), blocking)),
        }
        Some(self.complete(ResponseContent::Sequence(writing.parts), blocking))
    }

    fn complete(&mut self, content: ResponseContent, blocking: Blocking<'_>) -> Response {
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

/// Whether the requester may see an entry of the directory at `path`.
fn is_shown(entry: &DirectoryEntry, path: &Path, permissions: &Permissions) -> bool {
    if *permissions == Permissions::Unrestricted {
        return true;
    }
    let path = path.child(&entry.name);
    match entry.kind {
        DirectoryEntryKind::Directory => permissions.show_directory(path.relative()),
        DirectoryEntryKind::File => permissions.permit(Right::Read, path.relative()),
    }
}

fn too_many() -> Refusal {
    let reason = "too many listings wait for slow clients";
    Refusal::new(StatusCode::ServiceUnavailable, reason)
}

fn item(entry: DirectoryEntry) -> ListingItem {
    ListingItem {
        name: entry.name,
        kind: match entry.kind {
            DirectoryEntryKind::Directory => ItemKind::Directory,
            DirectoryEntryKind::File => ItemKind::File,
        },
        size: entry.metadata.length(),
        modified: entry.metadata.modified(),
    }
}
