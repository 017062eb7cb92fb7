//! Protection from pages of other sites in a browser that can reach this server. Such a page must not:
//!
//! 1. Use the server under a name of its own (`hosts`): 421.
//! 2. Change files (`http::semantics::cross_site`): 403.
//!
//! A read-only server accepts every name unless names are given. Documents among the *files* are restricted by a policy
//! in their responses (`representation`).

use super::options::Access;
use super::site::Site;
use crate::http::semantics::cross_site;
use crate::http::{Host, Refusal, Request, StatusCode};

impl Site {
    /// Refuses requests that come, or may come, from a page of another site.
    pub(super) fn check_site(&self, request: &Request<'_>) -> Result<(), Refusal> {
        if let Host::One(authority) = request.authority()
            && !self.options.hosts.include(authority)
        {
            let reason = "the server does not answer to this host name; --allow-host adds one";
            return Err(Refusal::new(StatusCode::MisdirectedRequest, reason));
        }
        if self.options.access == Access::Writable && !is_safe(request.method) {
            cross_site::check(request)
                .map_err(|from| Refusal::new(StatusCode::Forbidden, from.to_string()))?;
        }
        Ok(())
    }
}

/// Whether a method is safe (RFC 9110 §9.2.1).
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}
