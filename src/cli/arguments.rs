//! Combines the arguments with the options for the root and the listeners, and determines which values are in force.

use super::environment::FromEnvironment;
use super::in_force::{Arguments, Resolved};
use super::positionals::{self, Positionals};
use super::typed::Typed;
use super::usage_error::UsageError;

/// The result of the arguments and the options, without replaced listeners, and the sources of the values in force.
pub(super) fn take(
    typed: &mut Typed,
    environment: &[FromEnvironment],
    sockets: &[String],
) -> Result<(Positionals, Resolved), UsageError> {
    let is_set = |id: &str| environment.iter().any(|option| option.id == id);
    let set_root = typed.serve.root.take_if(|_| is_set("root"));
    let mut positionals = positionals::read(
        &typed.arguments,
        typed.web.dialect(),
        typed.serve.root.as_deref(),
        typed.listen.address_rule(&typed.unnamed_sockets(sockets)),
        typed.tls.default_security(),
        &positionals::look,
    )?;
    // An address on the command line wins.
    if positionals.listen.is_some() && is_set("listen") {
        typed.listen.clear();
    }
    let unnamed = typed.unnamed_sockets(sockets);
    let passed = unnamed
        .iter()
        .map(|&index| format!("systemd:{}", sockets[index]));
    let resolved = Resolved::new(
        Arguments {
            count: typed.arguments.len(),
            root: positionals.root.as_deref(),
            root_of_option: typed.serve.root.as_deref(),
            root_of_variable: set_root.as_deref(),
            passed: passed.collect(),
            listen: positionals
                .listen
                .as_ref()
                .map(|(listen, _)| listen.to_string()),
        },
        typed.listen.typed(),
        environment,
    );
    positionals.root = positionals.root.or(set_root);
    Ok((positionals, resolved))
}
