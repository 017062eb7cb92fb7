//! A directory as a page for people and as data for programs.
//!
//! `response` begins a listing, and `preparation` makes it in portions within the bounds of `listing_budget`. `order` puts
//! the entries in order, and `writer` turns them into text: the page of `html`, or data. Which of the two a client wants
//! is in `listing_format`, and `output` compresses it. `kept_listings` has long texts for the next request.

mod assets;
mod directory_reading;
mod frame;
mod html;
mod item;
mod kept_listings;
pub(crate) mod listing_budget;
pub mod listing_format;
mod order;
mod output;
mod preparation;
mod response;
mod size;
mod writer;
