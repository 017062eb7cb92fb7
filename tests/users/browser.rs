//! Users at a real browser: what they see, what they store, and what they are refused.
//!
//! A browser without a window asks nobody for a password, so it is given the field that it would send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{THREE, setup};
use crate::support::server::Server;
use crate::support::tree::write;
use crate::web::browser::webdriver::Browser;
use crate::web::browser::{Files, SUMMARY};

const USER: &str = "return document.querySelector('.user')?.innerText";

fn site(users: &str) -> Server {
    setup(users, &["--web", "--listing", "--writable"])
        .files(|root| write(root, "old.txt", "old"))
        .start()
}

/// Has the browser send these credentials from now on.
fn log_in(browser: &Browser, credentials: &str) {
    let field = format!("Basic {}", STANDARD.encode(credentials));
    browser.devtools("Network.enable", &json!({}));
    let fields = json!({ "headers": { "Authorization": field } });
    browser.devtools("Network.setExtraHTTPHeaders", &fields);
}

#[test]
fn user_stores_what_is_new_and_is_not_offered_to_replace() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site(THREE);
    browser.open(&format!("http://{}/", site.address()));
    assert_eq!(browser.run(USER), json!("Log in"));
    let section = "return document.getElementById('upload') !== null";
    assert_eq!(browser.run(section), json!(false));

    log_in(&browser, "ann:secret");
    browser.open(&format!("http://{}/?login", site.address()));
    browser.wait_for(USER, &json!("Logged in as ann"));
    assert_eq!(browser.run("return location.search"), json!(""));
    let files = Files::new();
    let new = files.write("new.txt", "new");
    let old = files.write("old.txt", "newer");
    let both = [new.to_str().unwrap(), old.to_str().unwrap()].join("\n");
    browser.type_into("#files", &both);
    browser.wait_for(SUMMARY, &json!("1 of 2 uploaded, 1 failed"));
    assert_eq!(site.content("new.txt"), b"new");
    let offered = "return document.querySelector('#uploads .start')?.innerText ?? null";
    assert_eq!(browser.run(offered), json!(null));
    assert_eq!(site.content("old.txt"), b"old");
}

#[test]
fn missing_right_is_refused() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site("ann:QUICK:read\n");
    log_in(&browser, "ann:secret");
    browser.open(&format!("http://{}/", site.address()));
    browser.wait_for(USER, &json!("Logged in as ann"));
    let stored = browser.run_async(
        "fetch('x.txt', { method: 'PUT', body: 'x' }).then(response => done(response.status))",
    );
    assert_eq!(stored, json!(403));
    assert!(!site.file("x.txt").exists());
}
