//! The appearance: in light and dark mode, in forced colours, on a phone.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::webdriver::Browser;
use super::{Files, SUMMARY, site};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::write;

impl Browser {
    /// How many colours there are in a part of an element, `left, top, width, height` in terms of its own.
    pub(super) fn colours(&self, selector: &str, part: &str) -> u64 {
        let picture = self.picture(selector);
        let script = format!(
            "const picture = new Image(); \
             picture.onload = () => {{ \
                 const {{ width, height }} = picture; \
                 const canvas = new OffscreenCanvas(width, height).getContext('2d'); \
                 canvas.drawImage(picture, 0, 0); \
                 const pixels = new Uint32Array(canvas.getImageData({part}).data.buffer); \
                 done(new Set(pixels).size); \
             }}; \
             picture.src = 'data:image/png;base64,{picture}';"
        );
        self.run_async(&script).as_u64().unwrap()
    }
}

/// A page with uploads in every state: done, sending, failed, cancelled and waiting.
pub(super) fn uploads_in_every_state(browser: &Browser, site: &Server, files: &Files) {
    browser.open_site(site);
    let done = files.write(
        "done, with a name that is longer than a telephone is wide.txt",
        "x",
    );
    browser.choose(&[&done]);
    browser.wait_for(SUMMARY, &json!("1 of 1 uploaded"));
    browser.limit_uploads(20_000);
    write(&site.home().root(), "conflict.txt", "x");
    let mut paths = vec![
        files.write("zebra.txt", "x"),
        files.write("conflict.txt", "x"),
    ];
    for number in 1..=5 {
        paths.push(files.write(&format!("large {number}.bin"), vec![b'x'; 3_000_000]));
    }
    browser.choose(&paths);
    browser.wait_for(SUMMARY, &json!("1 of 8 uploaded, 2 failed"));
    let bars = "return Array.from(document.querySelectorAll('.sending progress')).some(bar => bar.value > .02)";
    browser.wait_for(bars, &json!(true));
    browser.run("document.querySelector('#uploads li:last-child .cancel').click()");
    browser.wait_for(SUMMARY, &json!("1 of 8 uploaded, 2 failed, 1 cancelled"));
    for state in ["done", "sending", "failed", "cancelled", "waiting"] {
        let count = format!("return document.querySelectorAll('#uploads .{state}').length > 0");
        assert_eq!(browser.run(&count), json!(true), "{state}");
    }
}

const SCHEMES: [(&str, &[(&str, &str)]); 4] = [
    ("light", &[("prefers-color-scheme", "light")]),
    ("dark", &[("prefers-color-scheme", "dark")]),
    (
        "forced-dark",
        &[
            ("forced-colors", "active"),
            ("prefers-color-scheme", "dark"),
        ],
    ),
    (
        "forced-light",
        &[
            ("forced-colors", "active"),
            ("prefers-color-scheme", "light"),
        ],
    ),
];

/// Whether the button for finished uploads begins where the text above it does, and the one for failed uploads ends
/// where its row does.
const BUTTONS_AT_EDGES: &str = "\
    const place = id => document.getElementById(id).getBoundingClientRect(); \
    return place('clear-finished').left === place('summary').left \
        && Math.abs(place('clear-failed').right - place('progress').right) < 1";

/// Screenshots are written to the directory in `SCREENSHOT_DIR`.
#[test]
fn pages_fit_every_screen_and_scheme() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let (site, files) = (site(), Files::new());
    let read_only = Setup::web(&["--listing"]).files(|_| {}).start();
    let address = |site: &Server, target: &str| format!("http://{}/{target}", site.address());
    let pages = [
        ("uploads", None),
        ("directory", Some(address(&site, "photos/"))),
        ("empty", Some(address(&read_only, ""))),
        ("404", Some(address(&site, "photos/not there"))),
    ];
    for (page, address) in pages {
        match address {
            None => uploads_in_every_state(&browser, &site, &files),
            Some(address) => {
                browser.run("window.onbeforeunload = null");
                browser.open(&address);
            }
        }
        for (scheme, features) in SCHEMES {
            browser.emulate(features);
            for width in [390, 1280] {
                browser.resize(width, 844);
                browser.run("document.querySelector('#uploads')?.scrollTo(0, 0)");
                let fits = "const root = document.documentElement; return root.scrollWidth <= root.clientWidth";
                assert_eq!(browser.run(fits), json!(true), "{page} {scheme} {width}");
                if page == "uploads" && width == 390 {
                    assert_eq!(browser.run(BUTTONS_AT_EDGES), json!(true), "{scheme}");
                }
                if let Some(directory) = std::env::var_os("SCREENSHOT_DIR") {
                    let name = format!("{page}-{scheme}-{width}.png");
                    fs::write(PathBuf::from(directory).join(name), browser.screenshot()).unwrap();
                }
            }
        }
    }
}

#[test]
fn icons_and_bars_can_be_seen_in_every_scheme() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let (site, files) = (site(), Files::new());
    uploads_in_every_state(&browser, &site, &files);
    let icon = "0, 0, 24, height";
    for (scheme, features) in SCHEMES {
        browser.emulate(features);
        for link in ["a[href='./photos/']", "a[href='./zebra.txt']"] {
            assert!(browser.colours(link, icon) > 1, "{scheme}: {link}");
        }
        for state in ["sending", "done"] {
            // The middle of the bar, without its ends.
            let bar = format!("#uploads .{state} progress");
            let across = "0, height / 2, width, 1";
            let whole = browser.colours(&bar, "0, 0, width, height");
            assert!(whole > 1, "{scheme}: {bar}");
            if state == "sending" {
                assert!(browser.colours(&bar, across) > 1, "{scheme}: {bar}");
            }
        }
    }
}
