//! Certificates: good ones, bad ones, those that are loaded again, and those that the server makes itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::process::Signal;
use rustls::pki_types::CertificateDer;

use crate::support::home::Home;
use crate::support::message::{get, name};
use crate::support::process::{finish, run};
use crate::support::requirements::is_there;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tls::{Certificate, TlsClient, config};
use crate::support::wait::eventually;
use rustls::version::TLS13;

use super::{config_of, connect};

/// The certificate that a server shows to a client that trusts those in `trusted`.
fn shown(server: &Server, trusted: &str) -> Option<CertificateDer<'static>> {
    let config = config(&server.path().join(trusted), &TLS13);
    let mut client = TlsClient::connect(server.address(), &config);
    let stream = &mut client.stream;
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).ok()?;
    }
    let chain = stream.conn.peer_certificates()?;
    Some(chain[0].clone().into_owned())
}

#[test]
fn hang_up_loads_the_certificate_for_new_connections() {
    let server = Setup::tls(&["-N", "1"]).start();
    let mut old = connect(&server);
    old.send(get(""));
    old.response();
    let first = shown(&server, "cert.pem").unwrap();
    fs::copy(
        server.path().join("cert.pem"),
        server.path().join("first.pem"),
    )
    .unwrap();
    let second = Certificate::new(&["localhost"]);
    second.place(server.path());
    assert_eq!(shown(&server, "first.pem"), Some(first));
    server.signal(Signal::HUP);
    eventually("the new certificate is shown", || {
        shown(&server, "cert.pem").is_some_and(|shown| shown == second.der)
    });
    assert!(
        server
            .stderr()
            .contains("the certificate in cert.pem is loaded again: SHA-256 ")
    );
    // One that is there goes on.
    old.send(get(""));
    assert_eq!(old.response().status, 200);
}

#[test]
fn bad_certificate_keeps_the_old_one() {
    let server = Setup::tls(&[]).start();
    fs::copy(
        server.path().join("cert.pem"),
        server.path().join("first.pem"),
    )
    .unwrap();
    let first = shown(&server, "first.pem").unwrap();
    for (file, content, said) in [
        ("cert.pem", String::new(), "cert.pem is empty"),
        (
            "key.pem",
            Certificate::new(&["b"]).key.serialize_pem(),
            "the key in key.pem is not that of",
        ),
    ] {
        let path = server.path().join(file);
        let before = fs::read(&path).unwrap();
        fs::write(&path, content).unwrap();
        server.signal(Signal::HUP);
        let said = format!("the certificate that was loaded before stays: {said}");
        eventually("it is said", || server.stderr().contains(&said));
        assert_eq!(shown(&server, "first.pem"), Some(first.clone()));
        fs::write(&path, before).unwrap();
    }
    fs::remove_file(server.path().join("cert.pem")).unwrap();
    server.signal(Signal::USR1);
    let said = "stays: cannot read cert.pem: No such file or directory";
    eventually("it is said", || server.stderr().contains(said));
    assert_eq!(shown(&server, "first.pem"), Some(first));
}

#[test]
fn same_certificate_keeps_the_sessions() {
    let server = Setup::tls(&[]).start();
    server.signal(Signal::HUP);
    let said = "the certificate in cert.pem is the same as before";
    eventually("it is said", || server.stderr().contains(said));
    let mut client = connect(&server);
    client.send(get(""));
    client.response();
    assert!(!server.stderr().contains("loaded again"));
}

/// Runs openssl in a directory; it must succeed.
#[track_caller]
fn openssl(home: &Home, arguments: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(home.path());
    let output = finish(command, b"");
    assert!(output.status.success(), "{arguments}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A file with the certificate, one with the key, and what is said about them, or how that begins.
const BAD_PAIRS: [(&str, &str, &str); 18] = [
    (
        "absent",
        "key.pem",
        "cannot read absent: No such file or directory",
    ),
    (
        "cert.pem",
        "absent",
        "cannot read absent: No such file or directory",
    ),
    (
        "directory",
        "key.pem",
        "cannot read directory: Is a directory",
    ),
    (
        "empty",
        "key.pem",
        "empty is empty: type the name of another file",
    ),
    (
        "cert.pem",
        "empty",
        "empty is empty: type the name of another file",
    ),
    (
        "cert.der",
        "key.pem",
        "cert.der is not PEM but DER: convert it with 'openssl x509 -inform DER -in FILE'",
    ),
    (
        "cert.pem",
        "key.der",
        "key.der is not PEM but DER: convert it with 'openssl pkey -inform DER -in FILE'",
    ),
    (
        "both.p12",
        "key.pem",
        "both.p12 is not PEM but PKCS #12: convert it with 'openssl pkcs12 -nodes -in FILE'",
    ),
    (
        "cert.pem",
        "encrypted.pem",
        "the key in encrypted.pem is encrypted: decrypt it with 'openssl pkey -in FILE'",
    ),
    (
        "cert.pem",
        "old-encrypted.pem",
        "the key in old-encrypted.pem is encrypted: decrypt it with 'openssl pkey -in FILE'",
    ),
    (
        "cert.pem",
        "other-key.pem",
        "the key in other-key.pem is not that of the first certificate in cert.pem: the server's own must come first",
    ),
    (
        "key.pem",
        "key.pem",
        "key.pem has no certificate: type the file that begins with '-----BEGIN CERTIFICATE-----'",
    ),
    (
        "text",
        "key.pem",
        "text has no certificate: type the file that begins with '-----BEGIN CERTIFICATE-----'",
    ),
    (
        "cert.pem",
        "cert.pem",
        "cert.pem has no private key: type the file that has a line '-----BEGIN PRIVATE KEY-----'",
    ),
    (
        "cert.pem",
        "short.pem",
        "the key in short.pem is not supported: use RSA of 2048 bits or more, ECDSA of P-256 or P-384, or Ed25519",
    ),
    ("cut.pem", "key.pem", "cut.pem is damaged: "),
    ("no-base64.pem", "key.pem", "no-base64.pem is damaged: "),
    (
        "no-certificate.pem",
        "key.pem",
        "the certificate in no-certificate.pem cannot be used: ",
    ),
];

#[test]
fn bad_pairs_are_errors_that_say_what_to_do() {
    if !is_there("openssl") {
        return;
    }
    let home = Home::new();
    Certificate::new(&["localhost"]).place(home.path());
    let place = |name: &str, content: &str| {
        let path = home.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    place("empty", "");
    place("text", "nothing of PEM\n");
    place(
        "other-key.pem",
        &Certificate::new(&["b"]).key.serialize_pem(),
    );
    let whole = fs::read_to_string(home.path().join("cert.pem")).unwrap();
    place("cut.pem", &whole[..whole.len() / 2]);
    place(
        "no-base64.pem",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
    );
    place(
        "no-certificate.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    openssl(&home, "x509 -in cert.pem -outform DER -out cert.der");
    openssl(&home, "pkey -in key.pem -outform DER -out key.der");
    openssl(
        &home,
        "pkey -in key.pem -aes256 -passout pass:x -out encrypted.pem",
    );
    openssl(
        &home,
        "ec -in key.pem -aes256 -passout pass:x -out old-encrypted.pem",
    );
    openssl(&home, "genrsa -traditional -out short.pem 1024");
    openssl(
        &home,
        "pkcs12 -export -in cert.pem -inkey key.pem -passout pass:x -out both.p12",
    );
    fs::create_dir(home.path().join("directory")).unwrap();
    for (certificate, key, said) in BAD_PAIRS {
        let arguments = [
            "--root",
            "root",
            "--tls-cert",
            certificate,
            "--tls-key",
            key,
            "0",
        ];
        let output = run(&home, &arguments);
        let found = String::from_utf8(output.stderr).unwrap();
        let start = format!("httpserver: {said}");
        assert!(found.starts_with(&start), "{certificate} {key}: {found}");
        assert!(said.ends_with(' ') || found.trim_end() == start, "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
        assert!(!output.status.success());
    }
}

#[test]
fn key_that_everybody_may_read_is_warned_of() {
    let home = Home::new();
    Certificate::new(&["localhost"]).place(home.path());
    let key = home.path().join("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let server = Setup::at(&home, &["--tls-cert", "cert.pem", "--tls-key", "key.pem"]).start();
    let said = "every user of this machine may read the key in key.pem: type 'chmod 600 key.pem'";
    assert!(server.stderr().contains(said));
}

#[test]
fn rsa_and_ed25519_keys_are_served() {
    if !is_there("openssl") {
        return;
    }
    let home = Home::new();
    let subject = "-nodes -x509 -subj /CN=a -addext subjectAltName=DNS:localhost -days 9";
    for kind in ["rsa:2048", "ed25519", "ec -pkeyopt ec_paramgen_curve:P-384"] {
        openssl(
            &home,
            &format!("req -newkey {kind} {subject} -keyout key.pem -out cert.pem"),
        );
        let server = Setup::at(&home, &["--tls-cert", "cert.pem", "--tls-key", "key.pem"]).start();
        let mut command = Command::new("curl");
        command
            .args(["--disable", "-sS", "--cacert", "cert.pem"])
            .current_dir(home.path());
        let port = server.address().port();
        command.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
        command.arg(format!("https://localhost:{port}/"));
        let output = finish(command, b"");
        assert!(output.status.success(), "{kind}: {output:?}");
        drop(server);
        fs::remove_file(home.log_path()).unwrap();
    }
}

#[test]
fn self_signed_certificate_is_made_once_and_has_the_fingerprint_that_is_said() {
    if !is_there("openssl") {
        return;
    }
    let home = Home::new();
    let options = ["--tls-self-signed", "tls", "-N", "1"];
    let mut fingerprints = Vec::new();
    for _ in 0..2 {
        let server = Setup::at(&home, &options).unrecorded().start();
        let config = config(&home.path().join("tls/cert.pem"), &TLS13);
        let mut client = TlsClient::connect(server.address(), &config);
        client.send(get(""));
        assert_eq!(client.response().status, 200);
        let said = openssl(&home, "x509 -in tls/cert.pem -noout -fingerprint -sha256");
        let fingerprint = said.trim_end().rsplit('=').next().unwrap().to_owned();
        assert!(
            server.stderr().contains(&fingerprint),
            "{}",
            server.stderr()
        );
        fingerprints.push(fingerprint);
        fs::write(home.path().join("stderr"), "").unwrap();
    }
    assert_eq!(fingerprints[0], fingerprints[1]);
    let text = openssl(&home, "x509 -in tls/cert.pem -noout -text");
    for name in [
        "DNS:localhost",
        "IP Address:127.0.0.1",
        "IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(text.contains(name), "{text}");
    }
    let key = home.path().join("tls/key.pem");
    assert_eq!(
        fs::metadata(key).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn quiet_start_says_no_fingerprint() {
    let home = Home::new();
    let output = run_briefly(
        &home,
        &["-q", "--root", "root", "--tls-self-signed", "tls", "0"],
    );
    assert_eq!(output, "");
}

/// A certificate without a name would not be replaced when it expires: nothing about it could be verified.
#[test]
fn self_signed_certificate_of_a_unix_socket_is_for_localhost() {
    if !is_there("openssl") {
        return;
    }
    let home = Home::new();
    let options = "--root root --tls-self-signed tls --listen unix:socket,tls";
    run_briefly(&home, &options.split(' ').collect::<Vec<_>>());
    let text = openssl(&home, "x509 -in tls/cert.pem -noout -text");
    assert!(text.contains("DNS:localhost"), "{text}");
}

/// What a server says on stderr that makes its certificate and ends at once.
fn run_briefly(home: &Home, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.args(["--max-time", "1ms"]).args(arguments);
    command.current_dir(home.path());
    let output = finish(command, b"");
    assert!(output.status.success() && home.path().join("tls/cert.pem").exists());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn key_below_the_root_stops_the_start() {
    let home = Home::new();
    Certificate::new(&["localhost"]).place(&home.root());
    let said = "is below the root, whose files are served: move it to a directory outside\n";
    for (arguments, path) in [
        (
            "--tls-cert root/cert.pem --tls-key root/key.pem",
            "root/key.pem",
        ),
        ("--tls-self-signed root/tls", "root/tls/key.pem"),
        ("--tls-self-signed root", "root/key.pem"),
    ] {
        let line = format!("--root root {arguments} 0");
        let output = run(&home, &line.split(' ').collect::<Vec<_>>());
        let found = String::from_utf8(output.stderr).unwrap();
        assert_eq!(found, format!("httpserver: {path} {said}"));
    }
    assert!(!home.file("tls").exists(), "nothing was made");
}

#[test]
fn hard_link_to_the_key_is_concealed() {
    for (options, status) in [(&["--web", "--listing"][..], 404), (&[], 403)] {
        let server = Setup::tls(options);
        let server = server.start();
        let file = name("key");
        fs::hard_link(server.path().join("key.pem"), server.file(&file)).unwrap();
        let config = config_of(&server);
        // What has the key's name now is looked for at the start and at each rotation.
        server.signal(Signal::HUP);
        eventually("it is concealed", || {
            let mut client = TlsClient::connect(server.address(), &config);
            client.send(get(&file));
            client.response().status == status
        });
    }
}
