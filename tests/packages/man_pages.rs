//! Man pages as man(1) shows them.

use std::fs;
use std::process::Command;

use crate::packages::made;
use crate::support::process::finish;
use crate::support::requirements::is_there;

#[test]
fn man_shows_every_page_without_a_warning() {
    if !is_there("man") {
        return;
    }
    let mut pages = 0;
    for entry in fs::read_dir(made().join("man")).unwrap() {
        let path = entry.unwrap().path();
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l"]).arg(&path);
        man.envs([("LC_ALL", "C.UTF-8"), ("MANWIDTH", "80")]);
        let output = finish(man, b"");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {stderr}", path.display());
        assert_eq!(stderr, "", "{}", path.display());
        let text = String::from_utf8(output.stdout).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let words: Vec<_> = text.split_whitespace().collect();
        let start = format!("NAME {name} - ");
        assert!(words.join(" ").contains(&start), "{start}: {text}");
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO"] {
            assert!(
                text.lines().any(|line| line == heading),
                "{heading}: {text}"
            );
        }
        pages += 1;
    }
    assert!(pages > 9, "{pages}");
}
