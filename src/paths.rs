//! The paths of a command line with their uses. `own_files` conceals the files from clients, and `sandbox` keeps them
//! accessible to the process.
//!
//! A file that is only opened before the server serves needs no row.

use std::path::{Path, PathBuf};

use crate::cli::{AccessLogTarget, Certificate, Config, ListenerPlace};
use httpserver::tls::{CertificateFiles, self_signed_key};
use httpserver::web::Access;

/// A path and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// The option that names it.
    pub(crate) option: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) purpose: Purpose,
}

/// The use of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The directory that is served.
    Root(Access),
    /// The request log or the state of its sealing key: written, renamed and reopened.
    Log,
    /// The access log, which may also be a pipe or a device.
    AccessLog,
    /// A certificate, a key or users: read again.
    Read,
    /// A certificate or a key in the directory of `--tls-self-signed`: read again, and generated again.
    SelfSigned,
    /// A file for other programs: created and removed.
    State,
    /// A socket: removed at shutdown.
    Socket,
}

/// All paths that the server uses while it runs. An option with a path of its own has its row here.
pub(crate) fn named_paths(config: &Config) -> Vec<NamedPath> {
    let mut paths = Vec::new();
    let mut push = |option, path: Option<&Path>, purpose| {
        paths.extend(path.map(|path| NamedPath {
            option,
            path: path.to_path_buf(),
            purpose,
        }));
    };
    let access = config.web.as_ref().map(|options| options.access);
    let access = access.unwrap_or(Access::Writable);
    push("root", Some(&config.root), Purpose::Root(access));
    let log = config.log.as_ref().map(|(log, _)| &**log);
    push("log", log, Purpose::Log);
    let sealing = config.sealing.as_ref();
    let key_state = sealing.and_then(|sealing| sealing.key_state.as_deref());
    push("seal-key", key_state, Purpose::Log);
    if let Some(AccessLogTarget::File(path)) = config.access_log.as_ref().map(|log| &log.to) {
        push("access-log", Some(path), Purpose::AccessLog);
    }
    match &config.certificate {
        Some(Certificate::Files(CertificateFiles { certificate, key })) => {
            push("tls-cert", Some(certificate), Purpose::Read);
            push("tls-key", Some(key), Purpose::Read);
        }
        Some(Certificate::SelfSigned(directory)) => {
            let key = self_signed_key(directory);
            push("tls-self-signed", Some(&key), Purpose::SelfSigned);
        }
        None => {}
    }
    push("users", config.users.as_deref(), Purpose::Read);
    let (ready, summary) = (&config.harness.ready_file, &config.harness.summary);
    push("ready-file", ready.as_deref(), Purpose::State);
    push("summary", summary.as_deref(), Purpose::State);
    for listener in &config.listeners {
        push("listen", socket(&listener.place), Purpose::Socket);
    }
    let status = config.status.as_ref().and_then(socket);
    push("status", status, Purpose::Socket);
    paths
}

/// The path of a socket in the file system.
fn socket(place: &ListenerPlace) -> Option<&Path> {
    match place {
        ListenerPlace::Unix { path, .. } => Some(path),
        // A passed socket is removed by the program that bound it.
        ListenerPlace::Internet(_) | ListenerPlace::Passed { .. } => None,
    }
}
