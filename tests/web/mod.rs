//! The web dialect: the real `httpserver --web` on a port of the system's choice, tested with raw bytes, with curl and
//! wget, and with a real browser.
//!
//! Each module has the tests of one subject.

mod addresses;
mod bounds;
pub(crate) mod browser;
mod caching;
mod clean_urls;
mod compressing;
mod conditional;
mod containment;
mod directories;
mod kept_listings;
mod listing;
mod media_types;
mod merged;
mod mirror;
mod network;
mod other_sites;
mod own_files;
mod reading;
mod reasons;
mod shared;
mod siblings;
mod unfinished;
mod validators;
mod versions;
mod writing;
