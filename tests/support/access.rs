//! The access log of a server, read back.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::home::Home;
use crate::support::wait::eventually;

/// The name of the access log, beside the root.
pub(crate) const ACCESS_LOG: &str = "access.log";

/// Where it is.
pub(crate) fn path(home: &Home) -> PathBuf {
    home.path().join(ACCESS_LOG)
}

/// Its lines, once there are so many.
#[track_caller]
pub(crate) fn lines(home: &Home, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    eventually("the access log has its lines", || {
        let text = fs::read_to_string(path(home)).unwrap();
        lines = text.split_inclusive('\n').map(str::to_owned).collect();
        lines.len() >= count && text.ends_with('\n')
    });
    assert_eq!(lines.len(), count, "{lines:?}");
    lines
        .iter()
        .map(|line| line.trim_end_matches('\n').to_owned())
        .collect()
}

/// The objects of its lines, if it is one of JSON, in the order of connections and requests.
#[track_caller]
pub(crate) fn objects(home: &Home, count: usize) -> Vec<Value> {
    let lines = lines(home, count);
    let objects = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let mut objects: Vec<Value> = objects.collect();
    // Those of several workers are not in order.
    objects.sort_by_key(|object| ["connection", "request"].map(|key| object[key].as_u64()));
    objects
}
