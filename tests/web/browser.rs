//! The listing in a real browser: its script runs, sorts and uploads, and nothing of it is against its own policy.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, write};
use crate::web::webdriver::Browser;

/// The names in the table, from top to bottom.
const NAMES: &str = "return Array.from(document.querySelectorAll('tbody a'), a => a.innerText)";

fn site() -> Server {
    Setup::web(&["--listing", "--writable"]).files(|root| {
        for (name, length, day) in [
            ("Annual report 2025.pdf", 2_345_678, 20_300),
            ("zebra.txt", 12, 20_500),
            ("middle & <b>bold.md", 4_096, 20_400),
            ("photos/one.jpg", 10, 20_200),
            (
                "a rather long name that does not fit on one line of a telephone, whatever its size.tar.gz",
                987_654_321,
                20_100,
            ),
        ] {
            write(root, name, "");
            let file = fs::File::options()
                .write(true)
                .open(root.join(name))
                .unwrap();
            file.set_len(length).unwrap();
            date(root, name, day * 86_400 + 43_200);
        }
    }).start()
}

#[test]
fn the_listing_sorts_uploads_and_opens() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site();
    let address = format!("http://{}/", site.address());
    browser.open(&address);
    let long =
        "a rather long name that does not fit on one line of a telephone, whatever its size.tar.gz";
    let (pdf, markdown) = ("Annual report 2025.pdf", "middle & <b>bold.md");
    assert_eq!(
        browser.run(NAMES),
        json!(["photos/", long, pdf, markdown, "zebra.txt"])
    );
    browser.click("thead .size button");
    let by_size = json!(["photos/", long, pdf, markdown, "zebra.txt"]);
    assert_eq!(browser.run(NAMES), by_size);
    browser.click("thead .size button");
    assert_eq!(
        browser.run(NAMES),
        json!(["photos/", "zebra.txt", markdown, pdf, long])
    );
    browser.click("thead .time button");
    assert_eq!(
        browser.run(NAMES),
        json!(["photos/", "zebra.txt", markdown, pdf, long])
    );
    browser.click("thead .name button");

    let here = tempfile::tempdir().unwrap();
    let content = vec![b'x'; 300_000];
    write(here.path(), "first upload.bin", &content);
    write(
        here.path(),
        "second #2?.html",
        "<!doctype html><title>Opened</title><p>opened",
    );
    let paths: Vec<String> = ["first upload.bin", "second #2?.html"]
        .iter()
        .map(|name| here.path().join(name).display().to_string())
        .collect();
    browser.type_into("#files", &paths.join("\n"));
    let progress = "return document.getElementById('progress').innerText";
    browser.wait_for(progress, &json!("2 of 2 uploaded"));
    assert!(fs::read(site.root().join("first upload.bin")).unwrap() == content);
    let both = "return ['first upload.bin', 'second #2?.html'].every(name => \
                Array.from(document.querySelectorAll('tbody a'), a => a.innerText).includes(name))";
    browser.wait_for(both, &json!(true));
    screenshots(&browser);

    // A second time it is there already, and stays as it is until somebody says otherwise.
    write(here.path(), "first upload.bin", "smaller");
    browser.type_into("#files", &paths[0]);
    browser.wait_for(progress, &json!("2 of 3 uploaded, 1 not"));
    assert!(fs::read(site.root().join("first upload.bin")).unwrap() == content);
    let row = "Array.from(document.querySelectorAll('tbody tr'), row => row.innerText)\
               .find(text => text.includes('first upload.bin'))";
    let before = browser.run(&format!("return {row}"));
    browser.click("#uploads .failed button");
    browser.wait_for(progress, &json!("3 of 3 uploaded"));
    assert_eq!(
        fs::read(site.root().join("first upload.bin")).unwrap(),
        b"smaller"
    );
    // Its links are others once the table shows that.
    browser.wait_for(&format!("return {row} !== {before}"), &json!(true));

    let violations = browser.console();
    assert_eq!(violations, json!([]));
    browser.click("a[href='./second%20%232%3F.html']");
    browser.wait_for("return document.title", &json!("Opened"));
    browser.open(&address);
    browser.click("a.directory");
    browser.wait_for(NAMES, &json!(["one.jpg"]));
}

/// Pictures of the page into the directory that `HTTPSERVER_SCREENSHOTS` names, for people to look at.
fn screenshots(browser: &Browser) {
    let Some(directory) = std::env::var_os("HTTPSERVER_SCREENSHOTS").map(PathBuf::from) else {
        return;
    };
    for scheme in ["light", "dark"] {
        for width in [390, 1280] {
            let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
            browser.devtools(
                "Emulation.setEmulatedMedia",
                &json!({ "features": [feature] }),
            );
            let metrics = json!({
                "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600,
            });
            browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
            let wide = browser.run("return document.documentElement.scrollWidth");
            assert_eq!(wide, json!(width), "it is wider than the window");
            let name = format!("{scheme}-{width}.png");
            fs::write(directory.join(name), browser.screenshot()).unwrap();
        }
    }
    browser.devtools("Emulation.clearDeviceMetricsOverride", &json!({}));
}
