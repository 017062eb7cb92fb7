//! Completions in the real shells.

use std::collections::BTreeSet;

use crate::packages::made;
use crate::support::options::{explained_in_help, help_of_the_server, help_of_the_tool, printed};
use crate::support::requirements::is_there;

/// Prints what bash completes in the command line `$2 …`.
const BASH: &str = r#"source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
function=$(complete -p "$1") function=${function##*-F } function=${function%% *}
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}""#;

/// Types the command line `$2`, which has one completion, and the tabulator in an interactive zsh, and waits for `$3`.
const ZSH: &str = r#"zmodload zsh/zpty
zpty shell "zsh -f -i"
zpty -w shell "fpath=(${(q)1} \$fpath); PS1=; autoload -Uz compinit; compinit -u -D; echo rea''dy"
zpty -r shell line '*ready*' || exit 1
zpty -w -n shell "$2"$'\t'
zpty -r shell line "*$3*" || exit 1"#;

/// The first word of each line.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.lines().filter_map(|line| line.split('\t').next());
    words.map(str::to_owned).collect()
}

/// The long options that help explains.
fn long_options(help: &str) -> BTreeSet<String> {
    let names = explained_in_help(help).into_iter().flatten();
    names.filter(|name| name.starts_with("--")).collect()
}

#[test]
fn bash_completes_every_option() {
    let bash = |line: &[&str]| {
        let script = made().join("bash").join(line[0]);
        let arguments = [&["-c", BASH, "bash", script.to_str().unwrap()], line].concat();
        words(&printed("bash", &arguments))
    };
    let all = long_options(&help_of_the_server());
    assert_eq!(bash(&["httpserver", "--"]), all);
    assert_eq!(
        bash(&["httpserver", "--web", "--max-b"]),
        words("--max-body")
    );
    let (_, commands) = help_of_the_tool();
    for (name, help) in commands {
        let completed = bash(&["httpserver-log", &name, "--"]);
        assert_eq!(completed, long_options(&help), "{name}");
    }
    assert_eq!(bash(&["httpserver-log", "hist"]), words("history"));
}

#[test]
fn fish_completes_every_option() {
    if !is_there("fish") {
        return;
    }
    let fish = |line: &str| {
        let program = line.split(' ').next().unwrap();
        let script = made().join("fish").join(format!("{program}.fish"));
        let script = format!("source '{}'; complete -C '{line}'", script.display());
        words(&printed("fish", &["--no-config", "-c", &script]))
    };
    assert_eq!(fish("httpserver --"), long_options(&help_of_the_server()));
    assert_eq!(fish("httpserver-log hist"), words("history"));
    let (_, commands) = help_of_the_tool();
    for (name, help) in commands {
        let completed = fish(&format!("httpserver-log {name} --"));
        assert_eq!(completed, long_options(&help), "{name}");
    }
}

#[test]
fn zsh_completes_options_and_commands() {
    if !is_there("zsh") {
        return;
    }
    let directory = made().join("zsh");
    for (line, completed) in [
        ("httpserver --max-b", "--max-body"),
        ("httpserver --header x --web --tls-s", "--tls-self-signed"),
        ("httpserver-log hist", "history"),
        ("httpserver-log check --grow", "--grown-from"),
    ] {
        let directory = directory.to_str().unwrap();
        printed("zsh", &["-f", "-c", ZSH, "zsh", directory, line, completed]);
    }
}
