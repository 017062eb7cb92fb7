//! All groups of options.

use super::group::Group;
use super::{access_log, limits, log, proxies, serve, timeouts, web};

/// The groups, in the order of help.
pub(super) const GROUPS: [Group; 7] = [
    serve::GROUP,
    log::GROUP,
    access_log::GROUP,
    web::GROUP,
    proxies::GROUP,
    limits::GROUP,
    timeouts::GROUP,
];
