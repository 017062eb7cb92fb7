//! Users with a real browser: they log in by its dialog, and can see and store files according to their rights.

use serde_json::{Value, json};

use super::{THREE, setup};
use crate::support::server::Server;
use crate::support::tree::write;
use crate::web::browser::dialogue::Dialogue;
use crate::web::browser::webdriver::Browser;
use crate::web::browser::{Files, SUMMARY};

const USER: &str = "return document.querySelector('.user')?.innerText";

fn lay(root: &std::path::Path) {
    write(root, "old.txt", "old");
    write(root, "bob/his.txt", "his");
}

fn site(users: &str) -> Server {
    setup(users, &["--web", "--listing", "--writable"])
        .files(lay)
        .start()
}

/// The status of a request that the page makes.
fn fetch(browser: &Browser, method: &str, target: &str) -> Value {
    let body = if method == "PUT" { ", body: 'x'" } else { "" };
    browser.run_async(&format!(
        "fetch('{target}', {{ method: '{method}'{body} }}).then(response => done(response.status))"
    ))
}

/// The first button that starts an upload again, if there is one.
const OFFERED: &str = "return document.querySelector('#uploads .start')?.innerText ?? null";

#[test]
fn user_logs_in_by_the_dialogue_stores_what_is_new_and_is_refused_the_rest() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site(THREE);
    log_in_and_work(&browser, &format!("http://{}/", site.address()), &site);
}

/// The same inside TLS, with a certificate that the browser was told to trust.
#[cfg(feature = "tls")]
#[test]
fn user_logs_in_inside_tls() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use rcgen::PublicKeyData;
    use sha2::{Digest, Sha256};

    use crate::support::home::Home;
    use crate::support::setup::Setup;
    use crate::support::tls::Certificate;

    let home = Home::new();
    super::write_users(&home, THREE);
    let certificate = Certificate::new(&["localhost", "127.0.0.1"]);
    certificate.place(home.path());
    let trusted = Sha256::digest(certificate.key.subject_public_key_info());
    let trust = format!(
        "--ignore-certificate-errors-spki-list={}",
        STANDARD.encode(trusted)
    );
    let Some(browser) = Browser::start_with(&[&trust]) else {
        return;
    };
    let options = "--tls-cert cert.pem --tls-key key.pem --users users --web --listing --writable";
    let options: Vec<_> = options.split(' ').collect();
    let site = Setup::at(&home, &options).files(lay).start();
    log_in_and_work(&browser, &format!("https://{}/", site.address()), &site);
}

fn log_in_and_work(browser: &Browser, address: &str, site: &Server) {
    let dialogue = Dialogue::attend(browser, &[("ann", "wrong"), ("ann", "secret")]);
    browser.open(address);
    assert_eq!(browser.run(USER), json!("Log in"));
    let section = "return document.getElementById('upload') !== null";
    assert_eq!(browser.run(section), json!(false));
    assert_eq!(fetch(browser, "GET", "old.txt"), json!(200));
    assert_eq!(dialogue.asked(), [""; 0], "who reads is not asked");

    browser.click(".user a");
    browser.wait_for(USER, &json!("Logged in as ann"));
    assert_eq!(
        dialogue.asked(),
        ["basic files"; 2],
        "a wrong one, and the right one"
    );
    assert_eq!(browser.run("return location.search"), json!(""));
    let files = Files::new();
    let new = files.write("new.txt", "new");
    let old = files.write("old.txt", "newer");
    let both = [new.to_str().unwrap(), old.to_str().unwrap()].join("\n");
    browser.type_into("#files", &both);
    browser.wait_for(SUMMARY, &json!("1 of 2 uploaded, 1 failed"));
    assert_eq!(site.content("new.txt"), b"new");
    assert_eq!(browser.run(OFFERED), json!(null));
    assert_eq!(site.content("old.txt"), b"old");
    for (method, target, status) in [
        ("PUT", "old.txt", 403),
        ("DELETE", "old.txt", 403),
        ("DELETE", "bob/his.txt", 403),
        ("PUT", "bob/new.txt", 201),
        ("GET", "bob/his.txt", 200),
    ] {
        let found = fetch(browser, method, target);
        assert_eq!(found, json!(status), "{method} {target}");
    }
    assert_eq!(site.content("bob/his.txt"), b"his");
    assert_eq!(dialogue.asked().len(), 2, "the browser remembers");
    let log = site.log();
    assert!(log.contains("PUT new.txt length 3"), "{log}");
}

#[test]
fn person_who_cancels_the_dialogue_is_told_what_is_missing() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site("ann:QUICK:read\n");
    let dialogue = Dialogue::attend(&browser, &[]);
    browser.open(&format!("http://{}/", site.address()));
    assert_eq!(dialogue.asked(), ["basic files"]);
    let text = browser.run("return document.body.innerText");
    assert!(text.as_str().unwrap().contains("401"), "{text}");
    // The next attempt, with the right password, logs in. This user may read, but not upload.
    drop(dialogue);
    let dialogue = Dialogue::attend(&browser, &[("ann", "secret")]);
    browser.open(&format!("http://{}/", site.address()));
    browser.wait_for(USER, &json!("Logged in as ann"));
    assert_eq!(dialogue.asked(), ["basic files"]);
    assert_eq!(fetch(&browser, "PUT", "x.txt"), json!(403));
    assert!(!site.file("x.txt").exists());
}
