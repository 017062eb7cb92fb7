//! The shipped code that gives entries their places.

mod seal_file;
mod seal_lines;

#[path = "../../../../src/request_log/write/figures.rs"]
mod figures;
#[path = "../../../../src/request_log/write/preallocation.rs"]
mod preallocation;
#[path = "../../../../src/request_log/write/reservation.rs"]
mod reservation;
#[path = "../../../../src/request_log/write/space.rs"]
mod space;
#[path = "../../../../src/request_log/write/space_file.rs"]
mod space_file;
#[path = "../../../../src/request_log/write/succession.rs"]
mod succession;

mod reserving;

pub(crate) use self::space::RESERVED_FOR_SMALL_ENTRIES;
