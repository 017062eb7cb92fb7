//! A hostile page in the same browser: its requests to the server, and uploaded documents.

use serde_json::{Value, json};

use super::webdriver::Browser;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::write;

/// A server that takes uploads and whose CORS fields admit pages of all sites.
fn open_to_all(options: &[&str]) -> Server {
    let fields = [
        "--listing",
        "--writable",
        "--header",
        "Access-Control-Allow-Origin: *",
        "--header",
        "Access-Control-Allow-Methods: GET, PUT, DELETE",
    ];
    Setup::web(&[&fields, options].concat())
        .files(|root| write(root, "victim.txt", "precious"))
        .start()
}

/// Another site with one page.
fn other_site() -> Server {
    Setup::web(&[])
        .files(|root| write(root, "index.html", "<title>other</title>"))
        .start()
}

/// Makes the page send a request; returns the status, or `null` if the browser hides it.
fn fetch(browser: &Browser, address: &str, options: &Value) -> Value {
    browser.run_async(&format!(
        "fetch('{address}', {options}).then(response => done(response.status), () => done(null))"
    ))
}

#[test]
fn page_of_another_site_changes_nothing() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let server = open_to_all(&[]);
    let other = other_site();
    let port = other.address().port();
    let victim = format!("http://{}/victim.txt", server.address());
    // The same site and another origin, and another site.
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/"));
        assert_eq!(browser.run("return document.title"), json!("other"));
        let read = fetch(&browser, &victim, &json!({ "method": "GET" }));
        assert_eq!(read, json!(200), "{host}: the server lets it read");
        for method in ["PUT", "DELETE"] {
            let options = json!({ "method": method, "body": "evil" });
            assert_eq!(fetch(&browser, &victim, &options), json!(403), "{host}");
        }
        let blind = json!({ "method": "POST", "body": "evil", "mode": "no-cors" });
        fetch(&browser, &victim, &blind);
        assert_eq!(server.content("victim.txt"), b"precious", "{host}");
    }
    assert_eq!(server.names(), ["victim.txt"]);
    let log = server.log();
    assert!(
        log.contains("FAIL: PUT victim.txt HTTP/1.1 --- response 403"),
        "{log}"
    );
    assert!(
        log.contains("FAIL: POST victim.txt HTTP/1.1 --- response 403"),
        "{log}"
    );
    // The server's own page may.
    browser.open(&format!("http://{}/", server.address()));
    let options = json!({ "method": "PUT", "body": "mine" });
    assert_eq!(fetch(&browser, &victim, &options), json!(204));
}

#[test]
fn page_that_leads_its_name_to_the_server_reaches_nothing() {
    let rules = "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP files.example 127.0.0.1";
    let Some(browser) = Browser::start_with(&[rules]) else {
        return;
    };
    let server = open_to_all(&["--allow-host", "files.example"]);
    let port = server.address().port();
    let victim = format!("http://evil.example:{port}/victim.txt");
    browser.open(&victim);
    let heading = "return document.querySelector('h1')?.innerText";
    assert_eq!(browser.run(heading), json!("421 Misdirected Request"));
    let other = other_site();
    browser.open(&format!("http://evil.example:{}/", other.address().port()));
    for method in ["GET", "PUT", "DELETE"] {
        let body = (method == "PUT").then_some("evil");
        let options = json!({ "method": method, "body": body });
        let found = fetch(&browser, &victim, &options);
        // The browser sends a preflight request, and the server does not permit it.
        let expected = if method == "GET" {
            json!(421)
        } else {
            Value::Null
        };
        assert_eq!(found, expected, "{method}");
    }
    assert_eq!(server.content("victim.txt"), b"precious");
    browser.open(&format!("http://files.example:{port}/"));
    let files = "return Array.from(document.querySelectorAll('tbody a'), a => a.innerText)";
    assert_eq!(browser.run(files), json!(["victim.txt"]));
}

#[test]
fn uploaded_document_runs_no_script_unless_it_is_trusted() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let script = "document.documentElement.setAttribute('class', 'ran')";
    let html = format!("<!doctype html><title>page</title><script>{script}</script>");
    let svg = format!("<svg xmlns='http://www.w3.org/2000/svg'><script>{script}</script></svg>");
    let xhtml = format!(
        "<html xmlns='http://www.w3.org/1999/xhtml'><body><script>{script}</script></body></html>"
    );
    for (options, expected) in [(&[][..], Value::Null), (&["--trust-content"], json!("ran"))] {
        let server = open_to_all(options);
        for (name, content) in [
            ("page.html", &html),
            ("image.svg", &svg),
            ("page.xhtml", &xhtml),
            ("feed.xml", &xhtml),
        ] {
            assert_eq!(
                server
                    .put(&format!("/{name}"), "", content.as_bytes())
                    .status,
                201
            );
            browser.open(&format!("http://{}/{name}", server.address()));
            let class = "return document.documentElement.getAttribute('class')";
            assert_eq!(browser.run(class), expected, "{name} {options:?}");
        }
    }
}
