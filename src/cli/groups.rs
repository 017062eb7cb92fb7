//! All groups of options.

use super::group::Group;
use super::{
    access_log, harness, limits, listen, log, proxies, serve, status, timeouts, tls, users, web,
};

/// The groups, in the order of help.
pub(super) const GROUPS: [Group; 12] = [
    serve::GROUP,
    listen::GROUP,
    tls::GROUP,
    log::GROUP,
    access_log::GROUP,
    web::GROUP,
    users::GROUP,
    proxies::GROUP,
    limits::GROUP,
    timeouts::GROUP,
    harness::GROUP,
    status::GROUP,
];
