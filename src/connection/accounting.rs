//! The accounts of a connection and its requests for reports.
//!
//! Both directions of a connection are streams, and each count is a position in one of them. A request begins and ends
//! at a position in the received bytes, and its response at one in the sent bytes. A request has ended when its content
//! was received and its response was sent, or when the connection is closed; then it is reported.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Instant;

use super::dialect::Response;
use super::exchange::{Exchange, Link};
use crate::http::{LineParts, Request};
use crate::peer::Peer;
use crate::reporting::{Moved, Needs, Reporter};
use crate::requester::Requester;
use crate::server::StepClock;

/// The accounts of one connection; empty if nothing is reported.
#[derive(Default)]
pub(super) struct Accounting(Option<Box<OpenAccount>>);

struct OpenAccount {
    link: Link,
    needs: Needs,
    /// The counts at the last call of [`Accounting::take_moved`].
    moved: Moved,
    /// Requests that have begun.
    requests: u64,
    /// The request in progress.
    current: Option<Exchange>,
    /// Received requests with responses that are not completely sent, in their order.
    unsent: VecDeque<Exchange>,
    /// The reason for the end of the connection, if it is known.
    end: Option<Cow<'static, str>>,
}

impl Accounting {
    /// Opens the accounts of a connection.
    pub(super) fn open(connection: u64, peer: Peer, needs: Needs) -> Self {
        Self(Some(Box::new(OpenAccount {
            link: Link {
                connection,
                accepted_from: peer,
                tls: None,
                peer,
                received: 0,
                sent: 0,
            },
            needs,
            moved: Moved::default(),
            requests: 0,
            current: None,
            unsent: VecDeque::new(),
            end: None,
        })))
    }

    /// A PROXY header said that the connection comes from `source`.
    pub(super) fn set_source(&mut self, source: Peer) {
        if let Some(account) = &mut self.0 {
            account.link.peer = source;
        }
    }

    /// The connection uses this version of TLS.
    pub(super) fn set_tls_version(&mut self, version: Option<&'static str>) {
        if let Some(account) = &mut self.0 {
            account.link.tls = version;
        }
    }

    /// Counts received bytes.
    pub(super) fn add_received(&mut self, count: usize) {
        if let Some(account) = &mut self.0 {
            account.link.received += count as u64;
        }
    }

    /// Counts sent bytes.
    pub(super) fn add_sent(&mut self, count: usize) {
        if let Some(account) = &mut self.0 {
            account.link.sent += count as u64;
        }
    }

    /// The bytes received and sent since the last call.
    pub(super) fn take_moved(&mut self) -> Moved {
        let Some(account) = &mut self.0 else {
            return Moved::default();
        };
        let before = account.moved;
        account.moved = Moved {
            received: account.link.received,
            sent: account.link.sent,
        };
        Moved {
            received: account.moved.received - before.received,
            sent: account.moved.sent - before.sent,
        }
    }

    /// The first bytes of a head are among the last `unread` that were received in this step of `clock`, unless this
    /// was recorded before. `unsent` bytes of responses wait to be sent.
    pub(super) fn begin_request(&mut self, unread: usize, unsent: usize, clock: &StepClock) {
        if let Some(account) = &mut self.0
            && account.current.is_none()
        {
            account.requests += 1;
            let received = account.link.received - unread as u64;
            let sent = account.link.sent + unsent as u64;
            account.current = Some(Exchange::begin(
                account.requests,
                received,
                sent,
                account.needs,
                clock.last(),
            ));
        }
    }

    /// The head of the request in progress is complete.
    pub(super) fn describe(&mut self, request: &Request<'_>, requester: &Requester) {
        if let Some(account) = &mut self.0
            && let Some(current) = &mut account.current
        {
            if account.needs == Needs::Counts {
                return current.describe_method(request);
            }
            current.client = Some(requester.source.address());
            current.user.clone_from(&requester.user);
            current.describe(request);
        }
    }

    /// The head of the request in progress is malformed or incomplete. Its end is not known, so all received bytes are
    /// counted.
    pub(super) fn describe_line(&mut self, line: LineParts<'_>) {
        if let Some(account) = &mut self.0
            && let Some(current) = &mut account.current
        {
            current.describe_line(line);
            current.received_end = Some(account.link.received);
        }
    }

    /// Counts received bytes of the request's content, without framing.
    pub(super) fn add_content(&mut self, count: usize) {
        if let Some(current) = self.current() {
            current.content_in += count as u64;
        }
    }

    /// The head of the response is written; now `unsent` bytes wait to be sent.
    pub(super) fn respond(&mut self, response: &Response, unsent: usize) {
        if let Some(account) = &mut self.0
            && let Some(current) = &mut account.current
        {
            current.status = Some(response.status.code());
            current.conclude(response);
            current.head_end = Some(account.link.sent + unsent as u64);
        }
    }

    /// The outcome of a request whose response was sent before, or cannot be sent.
    pub(super) fn conclude(&mut self, response: &Response) {
        if let Some(current) = self.current() {
            current.conclude(response);
        }
    }

    /// The whole response is sent, except for the last `unsent` bytes.
    pub(super) fn end_response(&mut self, unsent: usize) {
        if let Some(account) = &mut self.0 {
            let last = account
                .current
                .as_mut()
                .filter(|last| last.head_end.is_some());
            if let Some(last) = last.or(account.unsent.back_mut()) {
                last.response_end
                    .get_or_insert(account.link.sent + unsent as u64);
            }
        }
    }

    /// The whole request was received; `unread` bytes come after it.
    pub(super) fn end_request(&mut self, unread: usize) {
        if let Some(account) = &mut self.0
            && let Some(mut current) = account.current.take()
        {
            let end = account.link.received - unread as u64;
            current.received_end.get_or_insert(end);
            account.unsent.push_back(current);
        }
    }

    /// Records the reason for the end of the connection; the first reason counts.
    pub(super) fn note_end(&mut self, reason: impl Into<Cow<'static, str>>) {
        if let Some(account) = &mut self.0 {
            account.end.get_or_insert_with(|| reason.into());
        }
    }

    /// Reports the requests that have ended by `now`. `line` is room for a line.
    pub(super) fn report_ended(
        &mut self,
        reporter: Option<&Reporter>,
        worker: usize,
        line: &mut Vec<u8>,
        now: Instant,
    ) {
        if let (Some(account), Some(reporter)) = (&mut self.0, reporter) {
            let count = account.count_ended();
            account.report(count, reporter, Some(worker), line, now);
        }
    }

    /// Reports the remaining requests: the connection is closed, in a turn with this worker or by the server.
    pub(super) fn close(
        &mut self,
        reporter: Option<&Reporter>,
        worker: Option<usize>,
        why: &'static str,
    ) {
        if let (Some(mut account), Some(reporter)) = (self.0.take(), reporter) {
            account.close(reporter, worker, why);
        }
    }

    fn current(&mut self) -> Option<&mut Exchange> {
        self.0.as_mut()?.current.as_mut()
    }
}

impl OpenAccount {
    /// The number of ended requests that are not reported yet.
    fn count_ended(&self) -> usize {
        let ended = |exchange: &&Exchange| exchange.is_answered(&self.link);
        self.unsent.iter().take_while(ended).count()
    }

    /// Reports the first requests, which have ended by `now`.
    fn report(
        &mut self,
        count: usize,
        reporter: &Reporter,
        worker: Option<usize>,
        line: &mut Vec<u8>,
        now: Instant,
    ) {
        for exchange in self.unsent.drain(..count) {
            reporter.request(worker, &exchange.record(&self.link, now), line);
        }
    }

    fn close(&mut self, reporter: &Reporter, worker: Option<usize>, why: &'static str) {
        self.unsent.extend(self.current.take());
        let line = &mut Vec::new();
        self.report(self.unsent.len(), reporter, worker, line, Instant::now());
        let why = self.end.as_deref().unwrap_or(why);
        reporter.closed(self.link.connection, self.link.peer, self.requests, why);
    }
}
