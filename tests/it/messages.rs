//! Command lines with their complete output: stdout, stderr and exit status, literally.

use std::fs;
use std::process::Command;

use crate::support::home::Home;
use crate::support::process::finish;
use crate::support::server::Server;

/// A command line after `httpserver `, in a directory with the directory `public` and the file `page.html`.
struct Row {
    line: &'static str,
    /// `{port}` is a number, `{cause}` the message of this machine's resolver, and `{addresses}` the lines with this
    /// machine's addresses.
    stdout: &'static str,
    stderr: &'static str,
    status: i32,
}

/// Command lines that are refused.
const fn refused(line: &'static str, stderr: &'static str) -> Row {
    Row {
        line,
        stdout: "",
        stderr,
        status: 1,
    }
}

/// Command lines that start a server, which SIGTERM stops.
const fn runs(line: &'static str, stdout: &'static str) -> Row {
    Row {
        line,
        stdout,
        stderr: "",
        status: 0,
    }
}

const RUN: &[Row] = &[
    runs("0", "listening on http://127.0.0.1:{port}\n"),
    runs("127.0.0.1 0", "listening on http://127.0.0.1:{port}\n"),
    runs("0 127.0.0.1", "listening on http://127.0.0.1:{port}\n"),
    runs("127.0.0.1:0", "listening on http://127.0.0.1:{port}\n"),
    runs(":0", "listening on http://127.0.0.1:{port}\n"),
    runs("localhost:0", "listening on http://127.0.0.1:{port}\n"),
    runs(
        "http://localhost:0",
        "listening on http://127.0.0.1:{port}\n",
    ),
    runs(
        "HTTP://127.0.0.1:0/",
        "listening on http://127.0.0.1:{port}\n",
    ),
    runs(
        "http://127.0.0.2 0",
        "listening on http://127.0.0.2:{port}\n",
    ),
    runs("0.0.0.0 0", "listening on http://0.0.0.0:{port}\n"),
    runs("--web 0", "listening on http://127.0.0.1:{port}\n"),
    runs("--web public 0", "listening on http://127.0.0.1:{port}\n"),
    runs("--web ./public 0", "listening on http://127.0.0.1:{port}\n"),
    Row {
        stderr: "{addresses}",
        ..runs(
            "--web ./public 0.0.0.0 0",
            "listening on http://0.0.0.0:{port}\n",
        )
    },
    runs("--web public :0", "listening on http://127.0.0.1:{port}\n"),
    runs(
        "0 ./public --web --listing",
        "listening on http://127.0.0.1:{port}\n",
    ),
    runs("--root public 0", "listening on http://127.0.0.1:{port}\n"),
    runs(
        "--web --spa page.html --root . 0",
        "listening on http://127.0.0.1:{port}\n",
    ),
    runs(
        "-N 2 --max-body 10M --queue 9 0",
        "listening on http://127.0.0.1:{port}\n",
    ),
    runs(
        "--idle-timeout 2m --head-timeout 500ms 0",
        "listening on http://127.0.0.1:{port}\n",
    ),
    runs(
        "--drain-timeout 0.5 --body-timeout 10s -- 0",
        "listening on http://127.0.0.1:{port}\n",
    ),
];

const REFUSED: &[Row] = &[
    refused(
        "",
        "httpserver: an address is missing: type one, as in 'httpserver 127.0.0.1 8080', or a directory, as in \
         'httpserver --web ./public'\n",
    ),
    refused(
        "-N 0 8080",
        "httpserver: '0' is not a value for -N (--threads): it must be at least 1\n",
    ),
    refused(
        "-N eight 8080",
        "httpserver: 'eight' is not a value for -N (--threads): it must be a whole number, such as 8, or auto\n",
    ),
    refused(
        "-N -1 8080",
        "httpserver: '-1' is not a value for -N (--threads): it must be at least 1\n",
    ),
    refused(
        "-N 18446744073709551615 8080",
        "httpserver: '18446744073709551615' is not a value for -N (--threads): it must be at most 4096\n",
    ),
    refused(
        "8080 -N",
        "httpserver: -N (--threads) needs a value: type '-N 8'\n",
    ),
    refused(
        "-N 1 --threads 2 8080",
        "httpserver: -N (--threads) is given twice: type it once\n",
    ),
    refused(
        "-p 8080",
        "httpserver: there is no option '-p': type the port after the address, as in 'httpserver 127.0.0.1 8080'\n",
    ),
    refused(
        "--port=8080",
        "httpserver: there is no option '--port': type the port after the address, as in 'httpserver 127.0.0.1 8080'\n",
    ),
    refused(
        "--bind 0.0.0.0 8080",
        "httpserver: there is no option '--bind': type the address as an argument, as in 'httpserver 0.0.0.0 8080'\n",
    ),
    refused(
        "--directory public 8080",
        "httpserver: there is no option '--directory': type '--root DIR'\n",
    ),
    refused(
        "--auth u:p 8080",
        "httpserver: there is no option '--auth': type '--users FILE'; 'httpserver --hash-password' makes a hash for a line of FILE\n",
    ),
    refused(
        "--lisitng 8080",
        "httpserver: there is no option '--lisitng': did you mean '--listing'?\n",
    ),
    refused(
        "--wbe ./public",
        "httpserver: there is no option '--wbe': did you mean '--web'?\n",
    ),
    refused(
        "-n 8 8080",
        "httpserver: there is no option '-n': did you mean '-N'?\n",
    ),
    refused(
        "--foo 8080",
        "httpserver: there is no option '--foo': 'httpserver -h' lists the options\n",
    ),
    refused(
        "--timeout 5 8080",
        "httpserver: there is no option '--timeout': did you mean '--idle-timeout'?\n",
    ),
    refused(
        "--writeable 8080",
        "httpserver: there is no option '--writeable': did you mean '--writable'?\n",
    ),
    refused(
        "--workers 5 8080",
        "httpserver: there is no option '--workers': type '-N 8' for eight worker threads\n",
    ),
    refused(
        "--daemon 8080",
        "httpserver: there is no option '--daemon': type 'nohup httpserver … &', or start it as a service of systemd\n",
    ),
    refused(
        "--web --header= 8080",
        "httpserver: --header needs a value: type \"--header 'NAME: VALUE'\"\n",
    ),
    refused(
        "-x 8080",
        "httpserver: there is no option '-x': 'httpserver -h' lists the options\n",
    ),
    refused(
        "--listing 8000",
        "httpserver: --listing needs --web: type both\n",
    ),
    refused(
        "--header 'A: b' 8000",
        "httpserver: --header needs --web: type both\n",
    ),
    refused(
        "--qr 0.0.0.0 8000",
        "httpserver: --qr needs --web: type both\n",
    ),
    refused(
        "--web ./public --qr localhost:8000",
        "httpserver: --qr needs an address that other machines can reach: type 0.0.0.0 instead of 'localhost:8000'\n",
    ),
    refused(
        "--listing=8000 --web",
        "httpserver: --listing takes no value, and has '8000': type a space instead of '=', or leave it out\n",
    ),
    refused(
        "--log-append 8080",
        "httpserver: --log-append needs --log: type both\n",
    ),
    refused(
        "8080 -l",
        "httpserver: -l (--log) needs a value: type '-l FILE'\n",
    ),
    refused(
        "-l 127.0.0.1 8080",
        "httpserver: '127.0.0.1' is not a value for -l (--log): it is an address or a port; type './127.0.0.1' if a \
         file is to have this name\n",
    ),
    refused(
        "-l 8080",
        "httpserver: '8080' is not a value for -l (--log): it is an address or a port; type './8080' if a file is to \
         have this name\n",
    ),
    refused(
        "-l -N 8 8080",
        "httpserver: -l (--log) needs a value: type '-l FILE'\n",
    ),
    refused(
        "--log= 8080",
        "httpserver: -l (--log) needs a value: type '-l FILE'\n",
    ),
    refused(
        "--root= 8080",
        "httpserver: --root needs a value: type '--root DIR'\n",
    ),
    refused(
        "127.0.0.1 65536",
        "httpserver: '65536' is not a port: type a number from 0 to 65535\n",
    ),
    refused(
        "65536",
        "httpserver: '65536' is not a port: type a number from 0 to 65535\n",
    ),
    refused(
        "127.0.0.1 http",
        "httpserver: 'http' is not a port: type a number from 0 to 65535\n",
    ),
    refused(
        "127.0.0.1 +1",
        "httpserver: '+1' is not a port: type a number from 0 to 65535\n",
    ),
    refused(
        "127.0.0.1:",
        "httpserver: '127.0.0.1:' has no port after its colon: type one, as in '127.0.0.1:8080'\n",
    ),
    refused(
        "localhost:",
        "httpserver: 'localhost:' has no port after its colon: type one, as in 'localhost:8080'\n",
    ),
    refused(
        "localhost:http",
        "httpserver: 'http' in 'localhost:http' is not a port: type a number from 0 to 65535\n",
    ),
    // It is an IPv6 address, which no machine has.
    refused(
        "::1:8080",
        "httpserver: cannot listen on [::1:8080]:80: {cause}; type '[::1]:8080' if its last group is the port\n",
    ),
    refused(
        "--listen ::1:8080",
        "httpserver: '::1:8080' is not a value for --listen: it has no port: type one after the address, as in \
         '[::1]:8080'\n",
    ),
    refused(
        "--listen x:y",
        "httpserver: 'x:y' is not a value for --listen: 'y' in 'x:y' is not a port: type a number from 0 to 65535\n",
    ),
    refused(
        "--status localhost 0",
        "httpserver: 'localhost' is not a value for --status: it has no port: type one after the address, as in \
         'localhost:8080'\n",
    ),
    refused(
        "-80",
        "httpserver: there is no option '-8': a number from 0 to 65535 is a port\n",
    ),
    refused(
        "127.0.0.1:99999",
        "httpserver: '99999' in '127.0.0.1:99999' is not a port: type a number from 0 to 65535\n",
    ),
    refused(
        "127.0.0.1 0 0",
        "httpserver: there are two ports, '0' and '0': type one\n",
    ),
    refused(
        "127.0.0.1:0 8080",
        "httpserver: there are two ports, '0' and '8080': type one\n",
    ),
    refused(
        "127.0.0.1 localhost",
        "httpserver: there are two addresses, '127.0.0.1' and 'localhost': type one\n",
    ),
    refused(
        "\"$UNSET\" 8080",
        "httpserver: an argument is empty: type an address, such as 127.0.0.1, or leave it out\n",
    ),
    refused(
        "name.invalid 8080",
        "httpserver: 'name.invalid' is not a host ({cause}): type an IP address, 'localhost' or a host name\n",
    ),
    refused(
        "$'a\\nb' 8080",
        "httpserver: 'a\\nb' is not a host ({cause}): type an IP address, 'localhost' or a host name\n",
    ),
    refused(
        "'*:8080'",
        "httpserver: '*:8080' is not a host: type 0.0.0.0 for every address of this machine\n",
    ),
    refused(
        "https://localhost:8443",
        "httpserver: 'https://localhost:8443' needs a certificate: type --tls-cert and --tls-key, too, or --tls-self-signed\n",
    ),
    refused(
        "http://localhost:8080/files",
        "httpserver: 'http://localhost:8080/files' has more than an address: type 'http://localhost:8080'\n",
    ),
    refused(
        "./public 8080",
        "httpserver: './public' is a directory: type '--web ./public' to serve it to browsers, or '--root ./public' \
         for names of 27 characters\n",
    ),
    refused(
        "--web public ./public",
        "httpserver: there are two roots, 'public' and './public': type one\n",
    ),
    refused(
        "--web ./public --root public",
        "httpserver: there are two roots, 'public' and './public': type one\n",
    ),
    refused(
        "--web absent.invalid",
        "httpserver: 'absent.invalid' is neither a directory nor a host ({cause}): type one that exists\n",
    ),
    refused(
        "--web absent 127.0.0.1 0",
        "httpserver: 'absent' is neither a directory nor a port, and '127.0.0.1' is the address already\n",
    ),
    refused(
        "--web ./absent 0",
        "httpserver: cannot serve './absent': No such file or directory; make it first, or type another\n",
    ),
    refused(
        "--web ./page.html 0",
        "httpserver: cannot serve './page.html': Not a directory; type the directory that holds it\n",
    ),
    refused(
        "--web page.html",
        "httpserver: 'page.html' is not a directory: type the directory that holds it\n",
    ),
    refused(
        "--root page.html 0",
        "httpserver: cannot serve 'page.html': Not a directory; type the directory that holds it\n",
    ),
    refused(
        "--web=./public 0",
        "httpserver: --web takes no value, and has './public': type a space instead of '=', or leave it out\n",
    ),
    refused(
        "--web public --spa nope.html 0",
        "httpserver: cannot serve 'nope.html' of --spa from 'public': no such file\n",
    ),
    refused(
        "--web public --spa ../page.html 0",
        "httpserver: '../page.html' is not a value for --spa: it must be the path of a file in the root, such as \
         index.html\n",
    ),
    refused(
        "--web --header Cache-Control 0",
        "httpserver: 'Cache-Control' is not a value for --header: it must be of the form 'Name: value'\n",
    ),
    refused(
        "--web --cache '*.css' 0",
        "httpserver: '*.css' is not a value for --cache: it must be of the form 'GLOB=VALUE', such as \
         '*.css=max-age=3600'\n",
    ),
    refused(
        "--web --cache 'a[=no-store' 0",
        "httpserver: 'a[=no-store' is not a value for --cache: the pattern 'a[' is wrong at character 2: invalid range \
         pattern\n",
    ),
    refused(
        "--web --cache '**=max-age=1h' 0",
        "httpserver: '**=max-age=1h' is not a value for --cache: 'max-age' needs a number of seconds, as in \
         'max-age=3600'\n",
    ),
    refused(
        "--web --cache '**=no-store' --header Cache-Control:no-cache 0",
        "httpserver: --cache and --header 'Cache-Control: …' set the same field: type --cache '**=VALUE' for all files \
         in place of the header\n",
    ),
    refused(
        "--web --mime log 0",
        "httpserver: 'log' is not a value for --mime: it must be of the form 'EXT=TYPE', such as 'log=text/plain'\n",
    ),
    refused(
        "--max-body 10MB 0",
        "httpserver: '10MB' is not a value for --max-body: it must be a number of bytes, or a whole number of K, M or \
         G, such as 64K or 10M\n",
    ),
    refused(
        "--max-body -5 0",
        "httpserver: '-5' is not a value for --max-body: it must not be negative\n",
    ),
    refused(
        "--max-body 99999999999G 0",
        "httpserver: '99999999999G' is not a value for --max-body: it must be at most 18446744073709551615\n",
    ),
    refused(
        "--queue 18446744073709551615 0",
        "httpserver: '18446744073709551615' is not a value for --queue: it must be at most 1048576\n",
    ),
    refused(
        "--max-connections 0 0",
        "httpserver: '0' is not a value for --max-connections: it must be at least 1\n",
    ),
    refused(
        "--idle-timeout soon 0",
        "httpserver: 'soon' is not a value for --idle-timeout: it must be a number of seconds, or have a unit: 500ms, \
         10s, 2m or 1h\n",
    ),
    refused(
        "--head-timeout 0 0",
        "httpserver: '0' is not a value for --head-timeout: it must be longer than 0\n",
    ),
    refused(
        "--drain-timeout 10000h 0",
        "httpserver: '10000h' is not a value for --drain-timeout: it must be at most a year, which is 8760h\n",
    ),
    refused(
        "--idle-timeout \"$(printf '\\377')\" 0",
        "httpserver: a value is not UTF-8: only the names of files and directories may have other bytes\n",
    ),
    refused(
        "-l absent/log.txt 0",
        "httpserver: cannot open the log absent/log.txt: No such file or directory\n",
    ),
    refused(
        "-l public 0",
        "httpserver: cannot use public as a log: it is a directory; type the name of a file in it, such as \
         public/log.txt\n",
    ),
    refused(
        "-l public/ 0",
        "httpserver: cannot use public/ as a log: it is a directory; type the name of a file in it, such as \
         public/log.txt\n",
    ),
    refused(
        "-l /dev/null 0",
        "httpserver: cannot use /dev/null as a log: it is not a regular file\n",
    ),
    refused(
        "--access-log absent/x 0",
        "httpserver: cannot use absent/x of --access-log: No such file or directory\n",
    ),
    refused(
        "--access-log public 0",
        "httpserver: cannot use public of --access-log: it is a directory; type the name of a file\n",
    ),
    refused(
        "--ready-file public 0",
        "httpserver: cannot use public of --ready-file: it is a directory; type the name of a file\n",
    ),
    refused(
        "--ready-fd 99 0",
        "httpserver: cannot use descriptor 99 of --ready-fd: it is not open: open it for the server, as in 'httpserver \
         --ready-fd 3 3>file'\n",
    ),
    refused(
        "--tls-key key.pem 0",
        "httpserver: --tls-key needs --tls-cert: type both\n",
    ),
    refused(
        "--tls-cert absent --tls-key absent 0",
        "httpserver: cannot read absent: No such file or directory; type the name of a file in PEM format, or \
         --tls-self-signed DIR instead\n",
    ),
    refused(
        "--web ./public --tls-cert public --tls-key absent 0",
        "httpserver: cannot read public: Is a directory; type the name of a file in it\n",
    ),
    refused(
        "--web ./public --tls-cert page.html --tls-key absent 0",
        "httpserver: page.html has no certificate: type the file that begins with '-----BEGIN CERTIFICATE-----'\n",
    ),
    refused(
        "--users absent 0",
        "httpserver: cannot read the users in 'absent': No such file or directory\n",
    ),
    refused(
        "-l log.txt --seal --seal-key page.html 0",
        "httpserver: cannot use page.html as the state of a sealing key: it is not the state of a sealing key, which \
         `httpserver-log seal-key` makes\n",
    ),
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    refused(
        "192.0.2.1 0",
        "httpserver: cannot listen on 192.0.2.1:0: Cannot assign requested address; type an address of this machine, \
         or 0.0.0.0 for all\n",
    ),
    refused(
        "0 >/dev/full",
        "httpserver: cannot print on stdout where the server listens: No space left on device; type -q to start \
         without\n",
    ),
    refused(
        "-h >/dev/full",
        "httpserver: cannot write to standard output: No space left on device\n",
    ),
];

const PRINT: &[Row] = &[
    Row {
        line: "--version",
        stdout: concat!("httpserver ", env!("CARGO_PKG_VERSION"), "\n"),
        stderr: "",
        status: 0,
    },
    Row {
        line: "-V",
        stdout: concat!("httpserver ", env!("CARGO_PKG_VERSION"), "\n"),
        stderr: "",
        status: 0,
    },
    Row {
        line: "-N 0 --help | head -c 9",
        stdout: "",
        stderr: "httpserver: '0' is not a value for -N (--threads): it must be at least 1\n",
        status: 0,
    },
    // A closed pipe is not an error.
    Row {
        line: "--help | head -c 9",
        stdout: "A thread-",
        stderr: "",
        status: 0,
    },
];

fn home() -> Home {
    let home = Home::new();
    fs::create_dir(home.file("public")).unwrap();
    fs::write(home.file("page.html"), "<!doctype html>").unwrap();
    home
}

fn shell(home: &Home, line: &str) -> Command {
    let mut command = Command::new("bash");
    let line = format!(
        "httpserver() {{ exec {:?} \"$@\"; }}; httpserver {line}",
        env!("CARGO_BIN_EXE_httpserver")
    );
    command.args(["-c", &line]).current_dir(home.root());
    command
}

/// Whether `text` is `pattern`, in which each placeholder stands for some characters of a line.
fn fits(pattern: &str, text: &str) -> bool {
    let Some(start) = pattern.find('{') else {
        return text == pattern;
    };
    let (name, rest) = pattern[start..].split_once('}').unwrap();
    let is_part = |c: char| match name {
        "{port" => c.is_ascii_digit(),
        "{cause" => c != '\n',
        "{addresses" => true,
        other => panic!("no placeholder: {other}"),
    };
    let Some(text) = text.strip_prefix(&pattern[..start]) else {
        return false;
    };
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.take_while(|&end| text[..end].chars().all(is_part))
        .any(|end| fits(rest, &text[end..]))
}

#[test]
fn patterns_fit_what_they_stand_for() {
    for (pattern, text, expected) in [
        ("a\n", "a\n", true),
        ("a\n", "a", false),
        ("http://x:{port}\n", "http://x:8080\n", true),
        ("http://x:{port}\n", "http://x:\n", false),
        ("http://x:{port}\n", "http://x:80a\n", false),
        ("http://x:{port}\n", "http://x:80\n80\n", false),
        ("({cause}): {port}\n", "(a) b): 1\n", true),
        ("({cause})\n", "(a\nb)\n", false),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern:?} {text:?}");
    }
}

#[test]
fn usual_command_lines_start_a_server() {
    for row in RUN {
        let home = home();
        let mut server = Server::start(home.clone(), shell(&home, row.line));
        let first = format!("listening on http://{}\n", server.address());
        assert!(fits(row.stdout, &first), "{}: {first:?}", row.line);
        server.stop();
        let stderr = server.stderr();
        assert!(fits(row.stderr, &stderr), "{}: stderr {stderr:?}", row.line);
    }
}

#[test]
fn a_wrong_line_gets_one_sentence_and_status_1() {
    let home = home();
    for row in REFUSED.iter().chain(PRINT) {
        let output = finish(shell(&home, row.line), b"");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(fits(row.stdout, &stdout), "{}: stdout {stdout:?}", row.line);
        assert!(fits(row.stderr, &stderr), "{}: stderr {stderr:?}", row.line);
        assert_eq!(output.status.code(), Some(row.status), "{}", row.line);
    }
}

#[test]
fn sentences_are_one_line_without_words_of_the_language() {
    for row in REFUSED {
        let sentence = row.stderr.strip_prefix("httpserver: ").unwrap();
        assert_eq!(sentence.find('\n'), Some(sentence.len() - 1), "{sentence}");
        for word in [
            "os error",
            "non-zero",
            "digit",
            "NonZero",
            "parse",
            "argument '",
            "-- -",
        ] {
            assert!(!sentence.contains(word), "{sentence}");
        }
    }
}
