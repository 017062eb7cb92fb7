//! `/proc/thread-self/stat` of the thread of a worker, which the monitor and the status of the server read.

use std::fs::File;
use std::sync::Arc;

/// Opens the file of the calling thread. Without /proc there is none.
///
/// It is opened once and kept, since `thread-self` leads to the right thread in every PID namespace, and a number does
/// not.
pub(super) fn open() -> Option<Arc<File>> {
    match File::open("/proc/thread-self/stat") {
        Ok(stat) => Some(Arc::new(stat)),
        Err(error) => {
            log::debug!("cannot read the state of a worker's thread: {error}");
            None
        }
    }
}
