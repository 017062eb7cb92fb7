//! Sorting, opening, and the state that a refresh keeps.

use std::fs;

use serde_json::json;

use super::webdriver::Browser;
use super::{Files, LONG, MARKDOWN, NAMES, PDF, site};
use crate::support::setup::Setup;
use crate::support::tree::write;

#[test]
fn listing_sorts_and_opens() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site();
    write(
        &site.home().root(),
        "page #2?.html",
        "<!doctype html><title>Opened</title>",
    );
    browser.open_site(&site);
    let page = "page #2?.html";
    let by_name = json!(["photos/", LONG, PDF, MARKDOWN, page, "zebra.txt"]);
    let by_size = json!(["photos/", LONG, PDF, MARKDOWN, page, "zebra.txt"]);
    let reversed = json!(["photos/", "zebra.txt", page, MARKDOWN, PDF, LONG]);
    let by_time = json!(["photos/", page, "zebra.txt", MARKDOWN, PDF, LONG]);
    assert_eq!(browser.run(NAMES), by_name);
    for (column, expected) in [
        ("size", &by_size),
        ("size", &reversed),
        ("time", &by_time),
        ("name", &by_name),
        ("name", &reversed),
        ("name", &by_name),
    ] {
        browser.click(&format!("thead .{column} button"));
        assert_eq!(browser.run(NAMES), *expected, "{column}");
    }
    browser.assert_quiet();
    browser.click("a[href='./page%20%232%3F.html']");
    browser.wait_for("return document.title", &json!("Opened"));
    browser.open_site(&site);
    browser.click("a[href$='/']");
    browser.wait_for(NAMES, &json!(["one.jpg"]));
    browser.click("nav a");
    browser.wait_for(NAMES, &by_name);
}

#[test]
fn error_page_leads_back() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = site();
    let lost = format!("http://{}/photos/album/lost.jpg", site.address());
    browser.open(&lost);
    assert_eq!(browser.run("return document.title"), json!("404 Not Found"));
    browser.click("nav li:nth-child(2) a");
    browser.wait_for("return location.pathname", &json!("/photos/album/"));
    browser.wait_for("return document.title", &json!("404 Not Found"));
    browser.click("nav li:nth-child(2) a");
    browser.wait_for(NAMES, &json!(["one.jpg"]));
    browser.open(&lost);
    browser.click("nav a");
    browser.wait_for("return document.title", &json!("Index of /"));
    browser.assert_quiet();
}

#[test]
fn numbers_in_names_stand_by_value() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = Setup::web(&["--listing"])
        .files(|root| {
            for name in [
                "photo-10.jpg",
                "photo-2.jpg",
                "Photo-1.jpg",
                "part 10/x",
                "part 9/x",
            ] {
                write(root, name, "same");
            }
        })
        .start();
    browser.open_site(&site);
    let order = [
        "part 9/",
        "part 10/",
        "Photo-1.jpg",
        "photo-2.jpg",
        "photo-10.jpg",
    ];
    assert_eq!(browser.run(NAMES), json!(order));
    browser.click("thead .name button");
    let reversed = [
        "part 10/",
        "part 9/",
        "photo-10.jpg",
        "photo-2.jpg",
        "Photo-1.jpg",
    ];
    assert_eq!(browser.run(NAMES), json!(reversed));
    // Among files of one size names decide.
    browser.click("thead .size button");
    assert_eq!(browser.run(NAMES), json!(order));
    browser.assert_quiet();
}

#[test]
fn refresh_keeps_focus_order_and_scroll_position() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = Setup::web(&["--listing", "--writable"])
        .files(|root| {
            for number in 0..100 {
                write(root, &format!("file {number}.txt"), vec![b'x'; number]);
            }
        })
        .start();
    browser.open_site(&site);
    browser.click("thead .size button");
    browser.run(
        "window.kept = document.querySelector('a[href=\"./file%2050.txt\"]'); \
         kept.focus(); kept.scrollIntoView({ block: 'center' }); window.at = kept.getBoundingClientRect().top",
    );
    // Meanwhile others have added, changed and removed files.
    fs::remove_file(site.home().root().join("file 10.txt")).unwrap();
    write(&site.home().root(), "file 20.txt", vec![b'x'; 5000]);
    let files = Files::new();
    browser.choose(&[files.write("largest.bin", vec![b'x'; 9000])]);
    let first = "return document.querySelector('tbody a').innerText";
    browser.wait_for(first, &json!("largest.bin"));
    let names = browser.run(NAMES);
    assert_eq!(names[1], "file 20.txt");
    assert_eq!(names.as_array().unwrap().len(), 100);
    let stated = "return document.querySelector('a[href=\"./file%2020.txt\"]').closest('tr').cells[1].innerText";
    assert_eq!(browser.run(stated), json!("4.9 KiB"));
    let is_kept = "return document.activeElement === kept && kept.isConnected";
    assert_eq!(browser.run(is_kept), json!(true));
    let moved = "return Math.abs(kept.getBoundingClientRect().top - at)";
    assert!(
        browser.run(moved).as_f64().unwrap() < 80.0,
        "{}",
        browser.run(moved)
    );

    // A row that is gone leaves the focus with the listing.
    fs::remove_file(site.home().root().join("file 50.txt")).unwrap();
    browser.choose(&[files.write("again.bin", "x")]);
    let focused = "return kept.isConnected ? 'still there' : document.activeElement.id";
    browser.wait_for(focused, &json!("listing"));
    browser.assert_quiet();
}

#[test]
fn header_keeps_its_rule_while_it_sticks() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let site = Setup::web(&["--listing"])
        .files(|root| {
            for number in 0..100 {
                write(root, &format!("file {number}.txt"), "");
            }
        })
        .start();
    browser.open_site(&site);
    browser.resize(1000, 600);
    browser.run("scrollTo(0, 1000)");
    let top = browser.run("return document.querySelector('thead th').getBoundingClientRect().top");
    assert_eq!(top, json!(0));
    // A browser may leave collapsed borders in place of a removed row.
    let borders = "return getComputedStyle(document.querySelector('table')).borderCollapse";
    assert_eq!(browser.run(borders), json!("separate"));
    let colours = browser.colours("thead .name", "0, height - 2, width, 2");
    assert_eq!(colours, 2, "the rule and the ground");
}
