//! sslyze, a scanner of TLS servers, finds no fault by Mozilla's rules and its own.
//!
//! `.ci/run` installs it with pip below `target`; without it this is skipped, except in CI.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::home::Home;
use crate::support::process::finish;
use crate::support::requirements::skip;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tls::Authority;

const SSLYZE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/sslyze/bin/sslyze");

/// The output and the findings of sslyze for a server with a certificate that a file certifies.
fn scan(server: &Server, trusted: &str) -> Option<(String, Value)> {
    if !Path::new(SSLYZE).exists() {
        skip(&format!("{SSLYZE} is not there"));
        return None;
    }
    let mut sslyze = Command::new(SSLYZE);
    sslyze.args(["--mozilla_config", "intermediate"]);
    sslyze.args(["--early_data", "--json_out", "found.json"]);
    sslyze.args(["--certinfo_ca_file", trusted]);
    sslyze.arg(format!(
        "localhost:{}{{127.0.0.1}}",
        server.address().port()
    ));
    sslyze.current_dir(server.path());
    let output = finish(sslyze, b"");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = fs::read(server.path().join("found.json"));
    let found: Value = serde_json::from_slice(&found.unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    Some((said, found["server_scan_results"][0]["scan_result"].clone()))
}

/// Where a result stands, and what it must be.
fn expected() -> Vec<(&'static str, Value)> {
    vec![
        (
            "/ssl_2_0_cipher_suites/result/is_tls_version_supported",
            json!(false),
        ),
        (
            "/ssl_3_0_cipher_suites/result/is_tls_version_supported",
            json!(false),
        ),
        (
            "/tls_1_0_cipher_suites/result/is_tls_version_supported",
            json!(false),
        ),
        (
            "/tls_1_1_cipher_suites/result/is_tls_version_supported",
            json!(false),
        ),
        (
            "/tls_1_2_cipher_suites/result/is_tls_version_supported",
            json!(true),
        ),
        (
            "/tls_1_3_cipher_suites/result/is_tls_version_supported",
            json!(true),
        ),
        ("/tls_compression/result/supports_compression", json!(false)),
        (
            "/tls_1_3_early_data/result/supports_early_data",
            json!(false),
        ),
        (
            "/openssl_ccs_injection/result/is_vulnerable_to_ccs_injection",
            json!(false),
        ),
        (
            "/tls_fallback_scsv/result/supports_fallback_scsv",
            json!(true),
        ),
        (
            "/heartbleed/result/is_vulnerable_to_heartbleed",
            json!(false),
        ),
        (
            "/robot/result/robot_result",
            json!("NOT_VULNERABLE_RSA_NOT_SUPPORTED"),
        ),
        (
            "/session_renegotiation/result/is_vulnerable_to_client_renegotiation_dos",
            json!(false),
        ),
        (
            "/session_renegotiation/result/supports_secure_renegotiation",
            json!(true),
        ),
        (
            "/tls_extended_master_secret/result/supports_ems_extension",
            json!(true),
        ),
    ]
}

#[test]
fn scanner_finds_nothing() {
    let home = Home::new();
    let authority = Authority::new();
    authority.issue(&["localhost"]).place(home.path());
    fs::write(home.path().join("root.pem"), &authority.root).unwrap();
    let options = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--web"];
    let server = Setup::at(&home, &options).start();
    let Some((said, found)) = scan(&server, "root.pem") else {
        return;
    };
    assert!(said.contains("OK - Compliant"), "{said}");
    for (place, value) in expected() {
        assert_eq!(found.pointer(place), Some(&value), "{place}\n{said}");
    }
}

#[test]
fn scanner_finds_nothing_in_a_self_signed_certificate_that_is_trusted() {
    let server = Setup::at(&Home::new(), &["--tls-self-signed", "tls"]).start();
    if let Some((said, _)) = scan(&server, "tls/cert.pem") {
        assert!(said.contains("OK - Compliant"), "{said}");
    }
}
