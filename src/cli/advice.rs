//! Suggestions for unknown options: options of other servers, and wrong upper or lower case.

use clap::Command;

/// Options of other servers, with the equivalent of this server.
const FOREIGN: [(&[&str], &str); 8] = [
    (
        &["-p", "--port"],
        "type the port after the address, as in 'httpserver 127.0.0.1 8080'",
    ),
    (
        &["-a", "--address", "-b", "--bind", "-H", "--host"],
        "type the address as an argument, as in 'httpserver 0.0.0.0 8080'",
    ),
    (
        &["-d", "--dir", "--directory", "--document-root", "-r"],
        "type '--root DIR'",
    ),
    (
        &["--auth", "-u", "--username", "--password"],
        "type '--users FILE'; 'httpserver --hash-password' makes a hash for a line of FILE",
    ),
    (
        &[
            "--tls",
            "--ssl",
            "--https",
            "--cert",
            "--certfile",
            "--certificate",
            "--ssl-cert",
            "--key",
            "--keyfile",
            "--ssl-key",
            "-S",
            "-C",
            "-K",
        ],
        "type '--tls-cert FILE --tls-key FILE', or '--tls-self-signed DIR' without a certificate",
    ),
    (
        &["--workers", "--worker-threads", "-w", "-t"],
        "type '-N 8' for eight worker threads",
    ),
    (
        &["--daemon", "--daemonize", "--background"],
        "type 'nohup httpserver … &', or start it as a service of systemd",
    ),
    (
        &["--cors"],
        "type --header 'Access-Control-Allow-Origin: *' together with --web",
    ),
];

/// The suggestion for the unknown `option`, which includes its dashes; `similar` is the most similar option.
pub(super) fn instead_of(option: &str, similar: Option<&str>, command: &Command) -> String {
    let foreign = FOREIGN
        .iter()
        .find(|(options, _)| options.contains(&option));
    if let Some((_, advice)) = foreign {
        return (*advice).to_owned();
    }
    if option[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return "a number from 0 to 65535 is a port".to_owned();
    }
    let similar = similar.filter(|similar| is_similar(option, similar));
    let similar = similar.map(str::to_owned);
    if let Some(similar) = similar.or_else(|| with_same_letters(option, command)) {
        return format!("did you mean '{similar}'?");
    }
    if let Some(letter) = other_case(option).filter(|&letter| has_short(command, letter)) {
        return format!("did you mean '-{letter}'?");
    }
    "'httpserver -h' lists the options".to_owned()
}

/// Whether the most similar option could be meant: the parser's measure takes `--root` for similar to `--foo`.
fn is_similar(option: &str, similar: &str) -> bool {
    let (typed, known) = (
        option.trim_start_matches('-'),
        similar.trim_start_matches('-'),
    );
    let is_part = typed.len() > 2 && known.contains(typed);
    let is_as_long = typed.len() <= 2 * known.len() && known.len() <= 2 * typed.len();
    is_part || (is_as_long && typed.chars().next() == known.chars().next())
}

/// The long option with the same letters in another order, such as `--web` for `--wbe`: the parser finds similar words
/// only if they are longer.
fn with_same_letters(option: &str, command: &Command) -> Option<String> {
    let sorted = |word: &str| {
        let mut letters: Vec<_> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let typed = sorted(option.strip_prefix("--")?);
    let mut longs = command.get_arguments().filter_map(clap::Arg::get_long);
    let long = longs.find(|long| sorted(long) == typed)?;
    Some(format!("--{long}"))
}

/// The other case of the letter of a short option.
fn other_case(option: &str) -> Option<char> {
    let mut letters = option.strip_prefix('-')?.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    if letter.is_ascii_lowercase() {
        Some(letter.to_ascii_uppercase())
    } else {
        Some(letter.to_ascii_lowercase())
    }
}

fn has_short(command: &Command, letter: char) -> bool {
    command
        .get_arguments()
        .any(|arg| arg.get_short() == Some(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_of_ours_is_foreign() {
        let command = super::super::command();
        for option in FOREIGN.iter().flat_map(|(options, _)| *options) {
            let is_ours = command.get_arguments().any(|arg| {
                arg.get_long()
                    .is_some_and(|long| format!("--{long}") == *option)
                    || arg
                        .get_short()
                        .is_some_and(|letter| format!("-{letter}") == *option)
            });
            assert!(!is_ours, "{option}");
        }
    }
}
