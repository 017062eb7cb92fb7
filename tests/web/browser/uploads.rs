//! Uploads: their display, and protection from a second click.

use std::fs;

use serde_json::json;

use super::webdriver::Browser;
use super::{Files, NAMES, SUMMARY, site};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::write;

/// So slow that an upload of some megabytes does not end by itself.
const SLOW: i64 = 20_000;

/// The state of the first upload, and its buttons.
const FIRST: &str = "const item = document.querySelector('#uploads li'); \
    return [item.className, item.querySelector('.start')?.innerText ?? '']";

/// Where the middle of an element is.
fn middle_of(selector: &str) -> String {
    format!(
        "const box = document.querySelector('{selector}').getBoundingClientRect(); \
         return [box.x + box.width / 2, box.y + box.height / 2]"
    )
}

fn empty_site() -> Server {
    Setup::web(&["--listing", "--writable"])
        .files(|_| {})
        .start()
}

#[test]
fn files_are_stored_listed_and_replaced_on_demand() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site();
    browser.open_site(&site);
    let files = Files::new();
    let content = vec![b'x'; 300_000];
    let first = files.write("first upload.bin", &content);
    let second = files.write("second #2?.html", "<p>");
    browser.choose(&[&first, &second]);
    browser.wait_for(SUMMARY, &json!("2 of 2 uploaded"));
    assert!(fs::read(site.home().root().join("first upload.bin")).unwrap() == content);
    let both = "return ['first upload.bin', 'second #2?.html'].every(name => \
                Array.from(document.querySelectorAll('tbody a'), a => a.innerText).includes(name))";
    browser.wait_for(both, &json!(true));

    // The file exists now, and stays as it is until the user chooses to replace it.
    files.write("first upload.bin", "smaller");
    browser.choose(&[&first]);
    browser.wait_for(SUMMARY, &json!("2 of 3 uploaded, 1 failed"));
    assert!(fs::read(site.home().root().join("first upload.bin")).unwrap() == content);
    browser.click("#uploads .failed .start");
    browser.wait_for(SUMMARY, &json!("3 of 3 uploaded"));
    let stored = fs::read(site.home().root().join("first upload.bin")).unwrap();
    assert_eq!(stored, b"smaller");
    // The row has its new size, and still all of its columns.
    let row = "const row = document.querySelector('a[href=\"./first%20upload.bin\"]').closest('tr'); \
               return [row.cells[1].innerText, row.cells.length]";
    browser.wait_for(row, &json!(["7 B", 3]));

    // The user removes finished rows, and the focus is not lost.
    browser.click("#clear-finished");
    let left = "return document.querySelectorAll('#uploads li').length";
    assert_eq!(browser.run(left), json!(0));
    assert_eq!(
        browser.run("return document.activeElement.id"),
        json!("upload")
    );
    browser.wait_for(SUMMARY, &json!(""));
    browser.assert_quiet();
}

#[test]
fn second_click_on_cancel_starts_nothing() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = empty_site();
    browser.open_site(&site);
    browser.limit_uploads(SLOW);
    let files = Files::new();
    browser.choose(&[files.write("large.bin", vec![b'x'; 4_000_000])]);
    browser.wait_for(FIRST, &json!(["sending", ""]));
    browser.point_and_click("#uploads .cancel", 2);
    browser.wait_for(FIRST, &json!(["cancelled", "Try again"]));
    browser.click_again();
    browser.wait_for(SUMMARY, &json!("0 of 1 uploaded, 1 cancelled"));
    assert_eq!(browser.run(FIRST), json!(["cancelled", "Try again"]));

    // Nor does a second press of a key. The row takes the focus.
    browser.click("#uploads .start");
    browser.wait_for(FIRST, &json!(["sending", ""]));
    browser.run("document.querySelector('#uploads .cancel').focus()");
    browser.press("\u{e007}\u{e007} ");
    browser.wait_for(FIRST, &json!(["cancelled", "Try again"]));
    let focused = "return document.activeElement === document.querySelector('#uploads li')";
    assert_eq!(browser.run(focused), json!(true));
    browser.limit_uploads(-1);
    browser.point_and_click("#uploads .start", 2);
    browser.wait_for(SUMMARY, &json!("1 of 1 uploaded"));
    browser.wait_for(NAMES, &json!(["large.bin"]));
    browser.assert_quiet();
}

#[test]
fn refusal_puts_no_replace_under_the_pointer() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = empty_site();
    browser.open_site(&site);
    browser.limit_uploads(SLOW / 4);
    // Another client stores the file after the listing was shown.
    write(&site.home().root(), "report.txt", "theirs");
    let files = Files::new();
    browser.choose(&[files.write("report.txt", vec![b'o'; 150_000])]);
    browser.wait_for(FIRST, &json!(["sending", ""]));
    let cancel = middle_of("#uploads .cancel");
    let at = browser.run(&cancel);
    browser.point_and_click("#uploads .cancel", 0);
    browser.limit_uploads(-1);
    browser.wait_for(FIRST, &json!(["failed", "Replace"]));
    assert_eq!(browser.run(&cancel), at, "the row has moved");
    let under = format!(
        "return document.elementFromPoint({}, {}).tagName",
        at[0], at[1]
    );
    assert_ne!(browser.run(&under), json!("BUTTON"));
    browser.click_again();
    browser.click_again();
    browser.wait_for(SUMMARY, &json!("0 of 1 uploaded, 1 failed"));
    assert_eq!(
        fs::read(site.home().root().join("report.txt")).unwrap(),
        b"theirs"
    );
    // Nor at any state of it: the two never overlap.
    for width in [390, 1280] {
        browser.resize(width, 844);
        let overlap = "const of = name => document.querySelector('#uploads ' + name).getBoundingClientRect(); \
            const [a, b] = [of('.cancel'), of('.start')]; \
            return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom";
        assert_eq!(browser.run(overlap), json!(false), "{width}");
    }
    browser.assert_quiet();
}

#[test]
fn many_uploads_leave_the_listing_in_sight_and_fill_it_one_by_one() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site();
    browser.open_site(&site);
    browser.resize(1280, 900);
    let files = Files::new();
    let paths: Vec<_> = (0..300)
        .map(|number| files.write(&format!("small {number}.txt"), "x"))
        .collect();
    let large = files.write("large.bin", vec![b'x'; 20_000_000]);
    browser.limit_uploads(3 * SLOW);
    browser.choose(&[&[large][..], &paths].concat());
    // Files are in the listing before all uploads have ended.
    let shown = "return Array.from(document.querySelectorAll('tbody a'), a => a.innerText).includes('small 1.txt')";
    browser.wait_for(shown, &json!(true));
    assert_eq!(browser.run(FIRST), json!(["sending", ""]));
    let top = "return document.querySelector('table').getBoundingClientRect().top";
    assert!(browser.run(top).as_f64().unwrap() < 800.0);
    browser.wait_for(SUMMARY, &json!("300 of 301 uploaded"));
    assert!(browser.run(top).as_f64().unwrap() < 800.0);
    let widths = "return new Set(Array.from(document.querySelectorAll('#uploads progress'), bar => bar.offsetWidth)).size";
    assert_eq!(browser.run(widths), json!(1));
    // While it scrolls, the keyboard reaches it.
    assert_eq!(
        browser.run("return document.getElementById('uploads').tabIndex"),
        json!(0)
    );
    // When a row shrinks, no other button moves under the pointer.
    browser.click("#uploads .cancel");
    browser.wait_for(SUMMARY, &json!("300 of 301 uploaded, 1 cancelled"));
    let at = browser.run(&middle_of("#clear-finished"));
    browser.point_and_click("#clear-finished", 2);
    browser.wait_for(SUMMARY, &json!(""));
    let under = format!("return document.elementFromPoint({}, {}).id", at[0], at[1]);
    assert_eq!(browser.run(&under), json!("upload"));
    // It does when the pointer has left.
    browser.point_and_click("h1", 0);
    browser.wait_for(
        "return document.getElementById('upload').offsetHeight < 100",
        &json!(true),
    );
    browser.assert_quiet();
}

#[test]
fn failures_have_reasons_and_no_full_bar() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = Setup::web(&["--listing", "--writable", "--max-body", "1000"])
        .files(|root| {
            write(root, "taken/x", "x");
            write(root, "there.txt", "x");
        })
        .start();
    browser.open_site(&site);
    let files = Files::new();
    browser.choose(&[
        files.write("taken", "x"),
        files.write("there.txt", "x"),
        files.write("fits.txt", "x"),
        files.write("large.txt", vec![b'x'; 2000]),
    ]);
    browser.wait_for(SUMMARY, &json!("1 of 4 uploaded, 3 failed"));
    let states = "return Array.from(document.querySelectorAll('#uploads li'), item => \
        [item.className, item.querySelector('.state > span').innerText, \
         getComputedStyle(item.querySelector('progress')).visibility])";
    let failed = |reason: &str| json!(["failed", reason, "hidden"]);
    assert_eq!(
        browser.run(states),
        json!([
            failed("A directory with this name already exists."),
            failed("A file with this name already exists."),
            ["done", "Stored", "visible"],
            failed("The file is too large for this server."),
        ])
    );
    browser.click("#clear-finished");
    browser.click("#clear-failed");
    browser.wait_for(SUMMARY, &json!(""));
    browser.assert_quiet();
}
