//! The progress of one request and its response.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::dialect::Response;
use crate::access_log::Record;
use crate::entry_range::EntryReceipt;
use crate::http::{LineParts, Request};
use crate::peer::{ClientAddress, Peer};
use crate::reporting::{MethodLabel, Needs};

/// See the module's description. Positions are in bytes since the connection began.
pub(super) struct Exchange {
    /// Its number in the connection, from 1.
    number: u64,
    time: SystemTime,
    started: Instant,
    /// The beginning of the request, and its end if it is known.
    received_start: u64,
    pub(super) received_end: Option<u64>,
    pub(super) content_in: u64,
    /// The beginning of the response, the end of its head, and its end, if they are known.
    sent_start: u64,
    pub(super) head_end: Option<u64>,
    pub(super) response_end: Option<u64>,
    pub(super) client: Option<ClientAddress>,
    /// The user who logged in.
    pub(super) user: Option<Arc<str>>,
    pub(super) status: Option<u16>,
    entry: EntryReceipt,
    error: Option<Cow<'static, str>>,
    /// The label of the method, in place of the received one.
    label: Option<MethodLabel>,
    /// The received parts of the request line and fields, one after the other.
    text: Vec<u8>,
    parts: Parts,
}

/// The connection of an exchange.
pub(super) struct Link {
    pub(super) connection: u64,
    /// The address from which it was accepted.
    pub(super) accepted_from: Peer,
    /// The same, or the source in a PROXY header.
    pub(super) peer: Peer,
    /// The version of TLS, after the handshake.
    pub(super) tls: Option<&'static str>,
    /// Bytes received since it began.
    pub(super) received: u64,
    /// Bytes sent since then.
    pub(super) sent: u64,
}

/// The ranges of parts in a text.
#[derive(Default)]
struct Parts {
    method: Option<Range<usize>>,
    target: Option<Range<usize>>,
    version: Option<Range<usize>>,
    referer: Option<Range<usize>>,
    agent: Option<Range<usize>>,
}

impl Exchange {
    pub(super) fn begin(
        number: u64,
        received_start: u64,
        sent_start: u64,
        needs: Needs,
        started: Instant,
    ) -> Self {
        Self {
            number,
            time: match needs {
                Needs::Everything => SystemTime::now(),
                Needs::Counts => SystemTime::UNIX_EPOCH,
            },
            started,
            received_start,
            received_end: None,
            content_in: 0,
            sent_start,
            head_end: None,
            response_end: None,
            client: None,
            user: None,
            status: None,
            entry: EntryReceipt::None,
            error: None,
            label: None,
            text: Vec::new(),
            parts: Parts::default(),
        }
    }

    pub(super) fn describe(&mut self, request: &Request<'_>) {
        self.describe_line(request.line_parts());
        self.parts.referer = self.keep(request.field("referer"));
        self.parts.agent = self.keep(request.field("user-agent"));
    }

    /// Keeps only the label of the method.
    pub(super) fn describe_method(&mut self, request: &Request<'_>) {
        self.label = Some(MethodLabel::of(request.line_parts().method));
    }

    pub(super) fn describe_line(&mut self, line: LineParts<'_>) {
        self.parts.method = self.keep(line.method);
        self.parts.target = self.keep(line.target);
        self.parts.version = self.keep(line.version);
    }

    fn keep(&mut self, part: Option<&[u8]>) -> Option<Range<usize>> {
        let start = self.text.len();
        self.text.extend_from_slice(part?);
        Some(start..self.text.len())
    }

    /// Records the result of the request from a response.
    pub(super) fn conclude(&mut self, response: &Response) {
        self.entry = response.entry.clone();
        self.error = response
            .refusal
            .as_ref()
            .map(|refusal| refusal.reason.clone());
    }

    /// Whether the whole response was sent on this connection.
    pub(super) fn is_answered(&self, link: &Link) -> bool {
        self.response_end.is_some_and(|end| end <= link.sent)
    }

    /// The record, if the exchange ends now.
    pub(super) fn record(&self, link: &Link, now: Instant) -> Record<'_> {
        let part = |range: &Option<Range<usize>>| range.clone().map(|range| &self.text[range]);
        // Later bytes belong to another response.
        let sent = self
            .response_end
            .map_or(link.sent, |end| end.min(link.sent));
        let content_start = self.head_end.unwrap_or(u64::MAX);
        Record {
            time: self.time,
            connection: link.connection,
            request: self.number,
            peer: link.peer,
            proxy: (link.peer != link.accepted_from).then_some(link.accepted_from),
            client: self.client.unwrap_or(link.peer.address()),
            user: self.user.as_deref(),
            method: match self.label {
                Some(label) => Some(label.name().as_bytes()),
                None => part(&self.parts.method),
            },
            target: part(&self.parts.target),
            version: part(&self.parts.version),
            status: self.status,
            bytes_in: self.received_end.unwrap_or(link.received) - self.received_start,
            content_bytes_in: self.content_in,
            bytes_out: sent.saturating_sub(self.sent_start),
            content_bytes_out: sent.saturating_sub(content_start),
            duration: now.duration_since(self.started),
            tls: link.tls,
            referer: part(&self.parts.referer),
            agent: part(&self.parts.agent),
            entry: self.entry.range(),
            error: self.error.as_deref().or(self.interruption(link)),
        }
    }

    fn interruption(&self, link: &Link) -> Option<&'static str> {
        if self.is_answered(link) {
            None
        } else if self.status.is_none() {
            Some("the connection ended before there was a response")
        } else {
            Some("the connection ended before the response was complete")
        }
    }
}
