//! Progress bars: only on a terminal.

use std::fs;
use std::process::{Command, Stdio};

use crate::log::{Log, Workdir};
use crate::support::terminal::Terminal;

/// Runs the tool with stderr on a terminal; returns what it wrote there.
fn on_terminal(columns: u16, workdir: &Workdir, arguments: &[&str]) -> String {
    let terminal = Terminal::new(columns);
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver-log"));
    command.args(arguments).current_dir(workdir.path(""));
    command.env("TERM", "xterm").env_remove("NO_COLOR");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(terminal.line());
    terminal.run(command)
}

#[test]
fn long_work_shows_bytes_per_second_and_time_left_on_a_terminal_only() {
    let log = Log::default().put("a", &vec![7; 1_000_000]).put("b", b"x");
    let workdir = Workdir::new(&log);
    fs::create_dir(workdir.path("d")).unwrap();
    fs::write(workdir.path("d/a"), vec![7; 1_000_000]).unwrap();
    fs::write(workdir.path("d/b"), "x").unwrap();
    for (arguments, doing) in [
        (&["check", "log.txt"][..], &["checking"][..]),
        (
            &["check", "log.txt", "--against", "d"],
            &["checking", "comparing"],
        ),
        (
            &["extract", "log.txt", "1", "-o", "out"],
            &["searching", "writing"],
        ),
        (
            &["replay", "log.txt", "d", "--force"],
            &["reading", "writing"],
        ),
        (&["stats", "log.txt"], &["counting"]),
    ] {
        for columns in [80, 40] {
            let shown = on_terminal(columns, &workdir, arguments);
            for doing in doing {
                let bar = shown.split(['\r', '\n']).find(|line| line.contains(doing));
                let bar = bar.unwrap_or_else(|| panic!("{arguments:?}: no {doing} in {shown:?}"));
                assert!(bar.contains("/s, ") && bar.contains(" left"), "{bar:?}");
                let bar = bar.replace("\u{1b}[2K", "");
                assert!(bar.trim_end().chars().count() <= columns.into(), "{bar:?}");
                assert_eq!(bar.contains('['), columns == 80, "{bar:?}");
            }
        }
        let run = workdir.run(arguments);
        assert_eq!(
            (run.status, &run.stderr[..]),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}
