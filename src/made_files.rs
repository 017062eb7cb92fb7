//! Generated files of packages: man pages and completions, from the definition of the options. A test writes them; no
//! program contains this module. The `cli` of each program provides the contents.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, ValueHint};
use clap_complete::Shell;

/// The variable with the directory for these files.
const DIRECTORY: &str = "PACKAGING_DIR";

/// Writes a file to the directory in [`DIRECTORY`]; does nothing if the variable is not set.
pub(crate) fn keep(file: &str, content: &[u8]) {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let path = Path::new(&directory).join(file);
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write(&path, content)
    };
    write().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The completion script of a program for each shell, with the path under which the shell looks for it.
pub(crate) fn completions(command: &Command) -> Vec<(PathBuf, Vec<u8>)> {
    let program = command.get_name();
    let command = command.clone().mut_args(|arg| {
        let names: Vec<_> = arg.get_value_names().unwrap_or_default().to_vec();
        match names.first().map(clap::builder::Str::as_str) {
            Some("DIR") => arg.value_hint(ValueHint::DirPath),
            // In zsh a colon would end the name.
            Some(name) if name.contains(':') => arg.value_name("VALUE"),
            _ if arg.is_positional() => arg.value_hint(ValueHint::AnyPath),
            _ => arg,
        }
    });
    [
        (Shell::Bash, "bash", program.to_owned()),
        (Shell::Zsh, "zsh", format!("_{program}")),
        (Shell::Fish, "fish", format!("{program}.fish")),
    ]
    .into_iter()
    .map(|(shell, directory, file)| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command.clone(), program, &mut script);
        if shell == Shell::Bash {
            script = with_one_name(&script, program);
        }
        (Path::new(directory).join(file), script)
    })
    .collect()
}

/// Corrects a bash script for a program with a `-` in its name: `clap_complete` 4.6.11 sets one form of the name, and tests
/// for another.
fn with_one_name(script: &[u8], program: &str) -> Vec<u8> {
    let script = String::from_utf8_lossy(script);
    let [set, sought] = ["__", "__subcmd__"].map(|dash| program.replace('-', dash));
    script.replace(&sought, &set).into_bytes()
}
