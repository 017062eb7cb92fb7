//! The page of `--status` in a real browser, in light and dark.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::webdriver::Browser;
use crate::support::setup::Setup;

#[test]
fn status_page_plots_the_last_minutes_in_light_and_dark() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let mut server = Setup::web(&["--status", "127.0.0.1:0"]).start();
    let line = server.line();
    let address = line.strip_prefix("status on ").unwrap();
    for scheme in ["light", "dark"] {
        browser.emulate(&[("prefers-color-scheme", scheme)]);
        browser.open(&format!("{address}/"));
        let lines = "return Array.from(document.querySelectorAll('polyline'), \
                     line => line.getAttribute('points') !== null)";
        browser.wait_for(lines, &json!(vec![true; 8]));
        let state = "return document.getElementById('state').innerText.endsWith(', serving')";
        browser.wait_for(state, &json!(true));
        let ground = "return getComputedStyle(document.body).backgroundColor";
        let expected = match scheme {
            "light" => "rgb(255, 255, 255)",
            _ => "rgb(20, 23, 26)",
        };
        assert_eq!(browser.run(ground), json!(expected));
        // Of a figure that was drawn there are at least its ground, its text and its line.
        assert!(browser.colours("figure", "0, 0, width, height") > 2);
        if let Some(directory) = std::env::var_os("SCREENSHOT_DIR") {
            let name = format!("status-{scheme}.png");
            fs::write(PathBuf::from(directory).join(name), browser.screenshot()).unwrap();
        }
    }
    browser.assert_quiet();
}
