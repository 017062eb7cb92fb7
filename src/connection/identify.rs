//! Identifies the requester: the client behind any proxies, and the user if the server has users.
//!
//! Verifying a password takes time. Meanwhile the connection is parked, at most for the head timeout, and the head
//! stays in its input. Then the request is handled again.

use std::time::Duration;

use super::content::locked;
use super::dialect::{Decision, Dialect};
use super::entrance::EntranceProtocol;
use super::phases::StepContext;
use super::redirect;
use super::session::HttpSession;
use super::timeouts::TimeoutKind;
use super::trusted_proxies::TrustedProxies;
use crate::blocking::WouldBlock;
use crate::http::semantics::basic::{self, Credentials};
use crate::http::{Refusal, Request, StatusCode};
use crate::requester::{RequestSource, Requester};
use crate::server::Turn;
use crate::users::{Authenticator, Denial, Identified, Principal, Ticket};

/// The state of the identification.
enum Identification {
    /// The requester is identified.
    Known(Requester),
    /// The request is refused.
    Refused(Requester, Refusal),
    /// The password is being verified.
    Pending(Ticket),
}

/// Identifies the requester and decides on the request, unless that needs a blocking turn.
type Decided<U> = (Requester, Result<Decision<U>, WouldBlock>);

impl<D: Dialect> HttpSession<D> {
    /// Decides on a request. `ticket` is that of its password, if it was being verified.
    ///
    /// # Errors
    /// The ticket of its password, if it is being verified.
    pub(super) fn decide<T>(
        &self,
        request: &Request<'_>,
        ticket: Option<Ticket>,
        work: &StepContext<'_, T>,
    ) -> Result<Decided<D::Upload>, Ticket> {
        if let EntranceProtocol::RedirectToHttps(port) = self.entrance().protocol {
            let requester = self.requester(Some(request));
            return Ok((requester, Ok(redirect::decide(request, port))));
        }
        let dialect = &self.shared.dialect;
        match self.identify(request, ticket, work) {
            Identification::Pending(ticket) => Err(ticket),
            Identification::Known(requester) => {
                let mut decision = dialect.handle(request, &requester, work.turn);
                if matches!(decision, Err(WouldBlock::Locked))
                    && self.has_expired(TimeoutKind::Lock, work.turn)
                {
                    decision = Ok(dialect.deny(request, locked(), &requester, work.turn));
                }
                Ok((requester, decision))
            }
            Identification::Refused(requester, refusal) => {
                let decision = dialect.deny(request, refusal, &requester, work.turn);
                Ok((requester, Ok(decision)))
            }
        }
    }

    /// Identifies the requester. `ticket` is that of its password, if it was being verified.
    fn identify<T>(
        &self,
        request: &Request<'_>,
        ticket: Option<Ticket>,
        work: &StepContext<'_, T>,
    ) -> Identification {
        let mut requester = self.requester(Some(request));
        let Some(users) = &self.shared.users else {
            return Identification::Known(requester);
        };
        let identified = match basic::credentials(request) {
            Ok(None) => Ok(Identified::Known(users.anonymous())),
            Ok(Some(credentials)) => {
                self.authenticate(users, &credentials, ticket, &requester, work)
            }
            Err(refusal) => Err(refusal),
        };
        match identified {
            Ok(Identified::Known(Principal { user, permissions })) => {
                requester.user = user;
                requester.permissions = permissions;
                Identification::Known(requester)
            }
            Ok(Identified::Pending(ticket)) => Identification::Pending(ticket),
            Ok(Identified::Denied(denial)) => Identification::Refused(requester, denied(denial)),
            Err(refusal) => Identification::Refused(requester, refusal),
        }
    }

    fn authenticate<T>(
        &self,
        users: &Authenticator,
        Credentials { name, password }: &Credentials,
        ticket: Option<Ticket>,
        requester: &Requester,
        work: &StepContext<'_, T>,
    ) -> Result<Identified, Refusal> {
        let Some(ticket) = ticket else {
            let waker = work.turn.waker();
            let wake = move || {
                if let Some(waker) = waker {
                    waker.wake();
                }
            };
            return Ok(users.identify(name, password, requester.source.address(), wake));
        };
        match users.conclude(&ticket, name) {
            Some(identified) => Ok(identified),
            None if self.is_overdue(work.turn) => Err(overdue()),
            None => Ok(Identified::Pending(ticket)),
        }
    }

    fn is_overdue(&self, turn: &Turn<'_>) -> bool {
        self.has_expired(TimeoutKind::Verification, turn)
    }

    /// The requester by the readable part of the head and by the connection.
    pub(super) fn requester(&self, request: Option<&Request<'_>>) -> Requester {
        let nearest = self.peer.address();
        let named = |proxies: &TrustedProxies| {
            let is_proxy = proxies.trust(nearest);
            request
                .filter(|_| is_proxy)
                .map(|request| proxies.client(nearest, request))
        };
        let named = self.shared.proxies.as_ref().and_then(named);
        Requester::anonymous(named.map_or(RequestSource::Peer(self.peer), RequestSource::Client))
    }
}

fn denied(denial: Denial) -> Refusal {
    match denial {
        Denial::Wrong => basic::unauthorized("the user name or the password is wrong"),
        Denial::TooOften(wait) => {
            let reason = "too many wrong passwords came from this client";
            later(StatusCode::TooManyRequests, reason, wait)
        }
        Denial::Busy(wait) => {
            let reason = "too many passwords wait to be verified";
            later(StatusCode::ServiceUnavailable, reason, wait)
        }
    }
}

fn overdue() -> Refusal {
    let reason = "the password was not verified in time";
    later(
        StatusCode::ServiceUnavailable,
        reason,
        Duration::from_secs(2),
    )
}

/// A temporary refusal with Retry-After (RFC 9110 §10.2.3).
fn later(status: StatusCode, reason: &'static str, wait: Duration) -> Refusal {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Refusal::new(status, reason).with("Retry-After", seconds.max(1).to_string().as_bytes())
}
