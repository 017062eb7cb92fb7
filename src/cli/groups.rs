//! All groups of options.

use super::group::Group;
use super::{access_log, limits, listen, log, proxies, serve, timeouts, web};

/// The groups, in the order of help.
pub(super) const GROUPS: [Group; 8] = [
    serve::GROUP,
    listen::GROUP,
    log::GROUP,
    access_log::GROUP,
    web::GROUP,
    proxies::GROUP,
    limits::GROUP,
    timeouts::GROUP,
];
