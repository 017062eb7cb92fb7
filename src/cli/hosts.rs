//! Accepted host names: those of the machine, and those of `--allow-host`.

use std::collections::BTreeSet;

use rustix::system::uname;
use thiserror::Error;

/// The typed text is not a host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum HostNameError {
    #[error("it must be a name without a port, such as files.example")]
    Port,
    #[error("it must be the name of a host, such as files.example")]
    Name,
}

/// A name as browsers send it: letters, digits, hyphens and dots, with other letters in their ASCII form.
pub(super) fn host_name(typed: &str) -> Result<String, HostNameError> {
    if typed.contains([':', '/']) {
        return Err(HostNameError::Port);
    }
    let mut labels = typed.strip_suffix('.').unwrap_or(typed).split('.');
    let is_label = |label: &str| {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(is_of_name)
    };
    if labels.all(is_label) {
        Ok(typed.to_owned())
    } else {
        Err(HostNameError::Name)
    }
}

/// The name of this machine, as uname(2) has it; its first label; and that in the domain `local` (RFC 6762 §3).
pub(crate) fn names_of_machine() -> BTreeSet<String> {
    let system = uname();
    names_of(&system.nodename().to_string_lossy())
}

fn names_of(node: &str) -> BTreeSet<String> {
    let Ok(node) = host_name(node) else {
        return BTreeSet::new();
    };
    let short = node.split('.').next().unwrap_or(&node).to_owned();
    BTreeSet::from([format!("{short}.local"), short, node])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_labels_and_no_port() {
        for (typed, expected) in [
            ("files.example", Ok(())),
            ("files.example.", Ok(())),
            ("box", Ok(())),
            ("xn--bcher-kva.example", Ok(())),
            ("under_score", Ok(())),
            ("192.0.2.1", Ok(())),
            ("files.example:8000", Err(HostNameError::Port)),
            ("http://files.example", Err(HostNameError::Port)),
            ("[::1]", Err(HostNameError::Port)),
            ("", Err(HostNameError::Name)),
            (".", Err(HostNameError::Name)),
            ("a..b", Err(HostNameError::Name)),
            (".example", Err(HostNameError::Name)),
            ("*", Err(HostNameError::Name)),
            ("b\u{fc}cher.example", Err(HostNameError::Name)),
            ("a b", Err(HostNameError::Name)),
        ] {
            assert_eq!(host_name(typed).map(drop), expected, "{typed}");
        }
    }

    #[test]
    fn machine_has_its_name_short_and_local() {
        for (node, expected) in [
            ("box", &["box", "box.local"][..]),
            ("box.example.org", &["box", "box.example.org", "box.local"]),
            ("(none)", &[]),
            ("", &[]),
        ] {
            let found: Vec<_> = names_of(node).into_iter().collect();
            assert_eq!(found, expected, "{node}");
        }
    }
}
