//! Expiry of certificates: warnings and renewal. Also chains in any order.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use rustls::version::TLS13;

use crate::support::bytes::assert_bytes;
use crate::support::curl::curl_to;
use crate::support::home::Home;
use crate::support::message::{get, name, response};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tls::{Authority, Certificate, TlsClient, config};
use crate::support::wait::eventually;

use super::connect;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const FILES: [&str; 4] = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];

/// Replaces `cert.pem` in a directory by one for the key there, which is valid between these times.
fn place(directory: &Path, begin: SystemTime, end: SystemTime) {
    let key = KeyPair::from_pem(&fs::read_to_string(directory.join("key.pem")).unwrap()).unwrap();
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = begin.into();
    params.not_after = end.into();
    let made = params.self_signed(&key).unwrap();
    fs::write(directory.join("cert.pem"), made.pem()).unwrap();
}

#[test]
fn certificate_that_clients_refuse_is_served_with_a_warning() {
    let home = Home::new();
    Authority::new().issue(&["localhost"]).place(home.path());
    let now = SystemTime::now();
    for (begin, end, said) in [
        (now - 2 * DAY, now - DAY, "has expired: clients refuse it"),
        (
            now + DAY,
            now + 90 * DAY,
            "is not valid yet: clients refuse it",
        ),
        (now - DAY, now + 3 * DAY, "expires within 14 days: renew it"),
    ] {
        place(home.path(), begin, end);
        let server = Setup::at(&home, &FILES).unrecorded().start();
        let said = format!("the certificate in cert.pem {said}");
        assert!(server.stderr().contains(&said), "{}", server.stderr());
        let arguments = ["--insecure", &format!("https://{}/", server.address())];
        let received = curl_to(home.path(), &arguments);
        assert_bytes(&received, &response("200 OK", b""), &said);
    }
    place(home.path(), now - DAY, now + 90 * DAY);
    let server = Setup::at(&home, &FILES).unrecorded().start();
    let complaints = || server.stderr().matches("the certificate in ").count();
    assert_eq!(complaints(), 3, "nothing is said of this one");
    // A reload reports it, too.
    place(home.path(), now - DAY, now + 2 * DAY);
    server.signal(Signal::HUP);
    let said = "expires within 14 days: renew it";
    eventually("it is reported", || {
        server.stderr().matches(said).count() == 2
    });
}

#[test]
fn self_signed_certificate_that_ends_soon_is_replaced_as_the_server_runs() {
    let home = Home::new();
    let server = Setup::at(&home, &["--tls-self-signed", "tls", "-N", "1"]).start();
    let path = home.path().join("tls/cert.pem");
    let key = fs::read(home.path().join("tls/key.pem")).unwrap();
    let first = fs::read(&path).unwrap();
    // One that has a month to go stays.
    server.signal(Signal::HUP);
    let mut client = TlsClient::connect(server.address(), &config(&path, &TLS13));
    client.send(get(""));
    assert_eq!(client.response().status, 200);
    assert_eq!(fs::read(&path).unwrap(), first);

    let now = SystemTime::now();
    place(&home.path().join("tls"), now - DAY, now + 20 * DAY);
    server.signal(Signal::HUP);
    for said in [
        "the certificate tls/cert.pem expires within 30 days: a new one is generated",
        "the certificate in tls/cert.pem is loaded again: SHA-256 ",
    ] {
        eventually(said, || server.stderr().contains(said));
    }
    assert_eq!(fs::read(home.path().join("tls/key.pem")).unwrap(), key);
    let mut client = TlsClient::connect(server.address(), &config(&path, &TLS13));
    client.send(get(""));
    assert_eq!(client.response().status, 200);
    // If another one cannot be made, the old one stays.
    place(&home.path().join("tls"), now - DAY, now + 20 * DAY);
    fs::rename(home.path().join("tls/key.pem"), home.path().join("key.pem")).unwrap();
    server.signal(Signal::HUP);
    let said = "the certificate is not renewed: tls/cert.pem exists without tls/key.pem";
    eventually(said, || server.stderr().contains(said));
    client.send(get(""));
    assert_eq!(client.response().status, 200);
}

#[test]
fn chain_may_have_its_upper_certificates_in_any_order_and_any_line_ends() {
    let authority = Authority::new();
    for (order, first, line_end) in [
        ([0, 1, 2], "", "\n"),
        ([0, 2, 1], "", "\n"),
        // As an editor of Windows leaves it.
        ([0, 1, 2], "\u{feff}", "\r\n"),
    ] {
        let home = Home::new();
        let issued = authority.issue(&["localhost"]);
        issued.place(home.path());
        let own = issued.pem.strip_suffix(&authority.intermediate).unwrap();
        let all = [own, &authority.intermediate, &authority.root];
        let chain = order.map(|number| all[number]).concat();
        let chain = format!(
            "{first}{}",
            chain.replace("\r\n", "\n").replace('\n', line_end)
        );
        fs::write(home.path().join("cert.pem"), chain).unwrap();
        fs::write(home.path().join("root.pem"), &authority.root).unwrap();
        let server = Setup::at(&home, &FILES).start();
        server.place(&name("a"), b"content");
        let port = server.address().port();
        let url = format!("https://localhost:{port}/{}", name("a"));
        let received = curl_to(home.path(), &["-4", "--cacert", "root.pem", &url]);
        assert_bytes(&received, &response("200 OK", b"content"), "chain");
    }
    // Not so the server's own.
    let home = Home::new();
    let issued = authority.issue(&["localhost"]);
    issued.place(home.path());
    let chain = [&*authority.intermediate, &issued.pem].concat();
    fs::write(home.path().join("cert.pem"), chain).unwrap();
    let said = Setup::at(&home, &FILES).refused();
    assert!(said.contains("the server's own must come first"), "{said}");
}

/// Another program copies the files while the server loads them.
#[test]
fn files_that_are_half_written_at_a_reload_change_nothing() {
    let server = Setup::tls(&["-N", "1"]).start();
    let chain = server.path().join("cert.pem");
    let key = server.path().join("key.pem");
    let [old_chain, old_key] = [&chain, &key].map(|path| fs::read(path).unwrap());
    let next = Certificate::new(&["localhost"]);
    let [next_chain, next_key] = [next.pem.clone(), next.key.serialize_pem()];
    let faults = |server: &Server| {
        let said = server.stderr();
        said.matches("the old certificate stays in use: ").count()
    };
    let mut before = 0;
    let mut trusting = None;
    for part in [
        0,
        1,
        27,
        28,
        100,
        next_chain.len() / 2,
        next_chain.len() - 2,
    ] {
        fs::write(&chain, &old_chain).unwrap();
        let old = trusting.get_or_insert_with(|| config(&chain, &TLS13));
        fs::write(&chain, &next_chain[..part]).unwrap();
        server.signal(Signal::HUP);
        eventually("it is reported", || faults(&server) == before + 1);
        before += 1;
        let mut client = TlsClient::connect(server.address(), old);
        client.send(get(""));
        assert_eq!(client.response().status, 200, "{part}");
    }
    fs::write(&chain, &old_chain).unwrap();
    for part in [0, 1, 100, next_key.len() / 2] {
        fs::write(&key, &next_key[..part]).unwrap();
        server.signal(Signal::HUP);
        eventually("it is reported", || faults(&server) == before + 1);
        before += 1;
    }
    fs::write(&key, old_key).unwrap();
    let mut client = connect(&server);
    client.send(get(""));
    assert_eq!(client.response().status, 200);
}
