//! axe-core finds no fault in the pages: the rules of WCAG A and AA, best practices, and the contrast of AAA.
//!
//! `.ci/run` installs axe-core with npm below `target`; without it this is skipped, except in CI.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::look::uploads_in_every_state;
use super::webdriver::Browser;
use super::{Files, site};
use crate::support::requirements::skip;

const AXE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/target/axe/node_modules/axe-core/axe.min.js"
);

/// The violations, each with its markup.
fn violations(browser: &Browser, axe: &str) -> Value {
    browser.run(axe);
    browser.run_async(
        "axe.run(document, { \
             runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice', 'wcag2aaa'], \
             rules: { 'color-contrast-enhanced': { enabled: true } }, \
         }).then(results => done({ \
             found: results.violations.map(rule => [rule.id, rule.nodes.map(node => node.html)]), \
             contrast: results.passes.some(rule => rule.id === 'color-contrast-enhanced'), \
         }), error => done(String(error)));",
    )
}

#[test]
fn pages_break_no_rule_of_accessibility() {
    let Ok(axe) = fs::read_to_string(Path::new(AXE)) else {
        skip(&format!("there is no {AXE}"));
        return;
    };
    let Some(browser) = Browser::start() else {
        return;
    };
    let (site, files) = (site(), Files::new());
    let none = json!({ "found": [], "contrast": true });
    for page in ["uploads", "photos/", "photos/not there"] {
        if page == "uploads" {
            uploads_in_every_state(&browser, &site, &files);
            // axe-core does not ask for the names of these.
            let named = "return Array.from(document.querySelectorAll('progress')).every(bar => bar.ariaLabel)";
            assert_eq!(browser.run(named), json!(true));
        } else {
            browser.open(&format!("http://{}/{page}", site.address()));
        }
        for scheme in ["light", "dark"] {
            browser.emulate(&[("prefers-color-scheme", scheme)]);
            for width in [390, 1280] {
                browser.resize(width, 844);
                assert_eq!(violations(&browser, &axe), none, "{page} {scheme} {width}");
            }
        }
    }
}
