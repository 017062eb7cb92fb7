//! Addresses such as `//x`, `/x/.` and `/./`: redirects and links from there stay on this server and have the right
//! targets.

use crate::support::curl::curl;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::write;

/// A directory with a name that could be a host's.
fn site() -> Server {
    Setup::web(&["--listing", "--writable"])
        .files(|root| {
            write(root, "evil.example/inner/file", "inner");
            write(root, "evil.example/file", "outer");
            write(root, "file", "root");
        })
        .start()
}

/// The target of a link on the address `base` (RFC 3986 §5.2).
fn resolve(base: &str, link: &str) -> String {
    let whole = format!("{}{link}", &base[..=base.rfind('/').unwrap()]);
    let mut resolved: Vec<&str> = Vec::new();
    let mut components = whole[1..].split('/').peekable();
    while let Some(component) = components.next() {
        match component {
            "." | "%2e" => {}
            ".." => drop(resolved.pop()),
            name => {
                resolved.push(name);
                continue;
            }
        }
        if components.peek().is_none() {
            resolved.push("");
        }
    }
    format!("/{}", resolved.join("/"))
}

/// The links of a page, with or without quotes.
fn links(page: &str) -> Vec<String> {
    let (_, body) = page.split_once("<body").unwrap_or(("", page));
    let links = body.split("<a href=").skip(1);
    links
        .map(|rest| {
            let rest = rest.trim_start_matches('"');
            rest[..rest.find(['"', '>']).unwrap()].to_owned()
        })
        .collect()
}

/// An address without its empty components and `.`.
fn canonical(address: &str) -> String {
    let mut canonical = String::new();
    for component in address.split('/') {
        if !component.is_empty() && component != "." {
            canonical.push('/');
            canonical.push_str(component);
        }
    }
    if address.ends_with('/') {
        canonical.push('/');
    }
    canonical
}

#[test]
fn redirect_to_a_directory_names_no_host() {
    let site = site();
    for (target, location) in [
        ("/evil.example", "./evil.example/"),
        ("//evil.example", "./evil.example/"),
        ("///evil.example", "./evil.example/"),
        ("/./evil.example", "./evil.example/"),
        ("/%2e//evil.example", "./evil.example/"),
        ("//evil.example?next=//evil", "./evil.example/?next=//evil"),
        ("//evil.example//inner", "./inner/"),
        ("//evil.example/./inner", "./inner/"),
        ("http://a//evil.example", "./evil.example/"),
    ] {
        let response = site.get(target);
        assert_eq!(response.status, 301, "{target}");
        assert_eq!(response.field("Location"), Some(location), "{target}");
        if target.starts_with('/') {
            let path = target.split('?').next().unwrap();
            let found = site.get(&resolve(path, location));
            assert_eq!(found.status, 200, "{target}");
        }
    }
    // With a dot or a slash at its end it names the directory already.
    for target in [
        "/evil.example/.",
        "//evil.example//",
        "/evil.example/./",
        "//",
        "/.",
        "/./",
    ] {
        assert_eq!(site.get(target).status, 200, "{target}");
    }
}

#[test]
fn curl_follows_a_redirect_to_this_server() {
    let site = site();
    for target in [
        "//evil.example",
        "/./evil.example",
        "//evil.example/./inner",
    ] {
        let arguments = [
            "-sSL",
            "--path-as-is",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{url_effective}",
        ];
        let said = String::from_utf8(curl(&site, &arguments, target)).unwrap();
        let expected = format!("200 http://{}", site.address());
        assert!(said.starts_with(&expected), "{target}: {said}");
        assert!(said.ends_with('/'), "{target}: {said}");
    }
}

#[test]
fn links_of_a_listing_lead_to_their_entries() {
    let site = site();
    for (target, up) in [
        ("/", &[][..]),
        ("//", &[]),
        ("/./", &[]),
        ("/.", &[]),
        ("/evil.example/", &["/"]),
        ("//evil.example/", &["/"]),
        ("/evil.example//", &["/"]),
        ("/evil.example/.", &["/"]),
        ("/evil.example/%2e/", &["/"]),
        ("/evil.example/inner//", &["/", "/evil.example/"]),
        ("//evil.example//inner/.", &["/", "/evil.example/"]),
        ("/.///evil.example/./inner//./", &["/", "/evil.example/"]),
    ] {
        let page = site.ask(&format!("GET {target}"), "Accept: text/html\r\n", b"");
        assert_eq!(page.status, 200, "{target}");
        let links = links(page.text());
        assert!(!links.is_empty());
        let mut above = Vec::new();
        for link in &links {
            assert!(
                link.starts_with("./") || link.starts_with("../"),
                "{target}: {link}"
            );
            let resolved = resolve(target, link);
            assert_eq!(site.get(&resolved).status, 200, "{target}: {link}");
            if link.starts_with("../") {
                above.push(canonical(&resolved));
            }
        }
        assert_eq!(above, up, "{target}: {links:?}");
        let data = site.ask(
            &format!("GET {target}"),
            "Accept: application/json\r\n",
            b"",
        );
        let data: serde_json::Value = serde_json::from_str(data.text()).unwrap();
        let entries = data["entries"].as_array().unwrap();
        assert!(!entries.is_empty());
        for entry in entries {
            let link = entry["href"].as_str().unwrap();
            assert!(link.starts_with("./"), "{target}: {link}");
            let resolved = resolve(target, link);
            assert_eq!(site.get(&resolved).status, 200, "{target}: {link}");
            assert!(
                links.iter().any(|of_page| of_page == link),
                "{target}: {link}"
            );
        }
    }
}

#[test]
fn links_of_an_error_page_lead_to_this_server() {
    let site = site();
    for (target, expected) in [
        ("//evil.example", &[][..]),
        ("//evil.example/nothing", &["/", "/evil.example/"]),
        ("//evil.example//nothing/", &["/", "/evil.example/"]),
        ("/evil.example/./nothing//", &["/", "/evil.example/"]),
    ] {
        let response = site.get(target);
        let links = links(response.text());
        let found: Vec<String> = links
            .iter()
            .map(|link| canonical(&resolve(target, link)))
            .collect();
        assert_eq!(found, expected, "{target}: {links:?}");
    }
}

/// An address of empty components only is long, and its page is not longer by much.
#[test]
fn empty_components_do_not_make_a_page_long() {
    let site = site();
    let plain = site.get("/evil.example/inner/").body.len();
    let slashes = "/".repeat(7_000);
    for target in [
        format!("{slashes}evil.example/inner/"),
        format!("/evil.example/inner{slashes}"),
    ] {
        let page = site.get(&target);
        assert_eq!(page.status, 200);
        assert!(page.body.len() < plain + 100, "{}", page.body.len());
    }
}
