//! The rights of users by method and path.

use std::sync::Barrier;
use std::thread;

use super::{THREE, ask, basic, put, setup};
use crate::support::client::Client;
use crate::support::message::name;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::tree::write;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

const ANN: &str = "ann:secret";
const BOB: &str = "bob:secret";

fn site(users: &str) -> Server {
    setup(users, &["--web", "--writable", "--listing"])
        .files(|root| {
            write(root, "old.txt", "old");
            write(root, "bob/old.txt", "old");
            write(root, "bobby/old.txt", "old");
        })
        .start()
}

#[test]
fn three_lines_give_rights_to_three_kinds_of_users() {
    let site = site(THREE);
    for (line, nobody, ann, bob) in [
        ("GET /old.txt", 200, 200, 200),
        ("HEAD /old.txt", 200, 200, 200),
        ("GET /", 200, 200, 200),
        ("GET /bob/old.txt", 200, 200, 200),
        ("OPTIONS /bob/old.txt", 204, 204, 204),
        ("PUT /new.txt", 401, 201, 403),
        ("PUT /old.txt", 401, 403, 403),
        ("DELETE /old.txt", 401, 403, 403),
        ("PUT /bob/new.txt", 401, 201, 201),
        ("PUT /bob/old.txt", 401, 403, 204),
        ("DELETE /bob/old.txt", 401, 403, 204),
        ("PUT /bobby/old.txt", 401, 403, 403),
        ("PUT /bobby/new.txt", 401, 201, 403),
        ("PUT /bob/deep/er/new.txt", 401, 201, 201),
        ("PUT /x/../bob/new.txt", 400, 400, 400),
        ("PUT /%62ob/new.txt", 401, 201, 201),
        ("PUT //bob/./new.txt", 401, 201, 201),
        ("GET /nothing", 404, 404, 404),
        ("POST /bob/new.txt", 405, 405, 405),
    ] {
        for (credentials, expected) in [("", nobody), (ANN, ann), (BOB, bob)] {
            write(&site.root(), "old.txt", "old");
            write(&site.root(), "bob/old.txt", "old");
            for new in ["new.txt", "bob/new.txt", "bobby/new.txt"] {
                let _ = std::fs::remove_file(site.file(new));
            }
            let _ = std::fs::remove_dir_all(site.file("bob/deep"));
            let response = ask(&site, line, credentials, "Content-Length: 0\r\n", b"");
            assert_eq!(response.status, expected, "{line} {credentials}");
            let challenge = response.field("WWW-Authenticate");
            let expected = (expected == 401).then_some("Basic realm=\"files\", charset=\"UTF-8\"");
            assert_eq!(challenge, expected, "{line} {credentials}");
            let is_listing = line == "GET /" && response.status == 200;
            let caching = if is_listing {
                "private, no-cache"
            } else {
                "private"
            };
            assert_eq!(response.field("Cache-Control"), Some(caching), "{line}");
        }
    }
}

#[test]
fn user_without_the_right_to_read_learns_nothing() {
    let site = site("ann:QUICK:read:/bob\neve:QUICK:none\n");
    for line in [
        "GET /old.txt",
        "GET /nothing",
        "GET /bob/old.txt",
        "GET /",
        "GET /.secret",
        "HEAD /old.txt",
    ] {
        assert_eq!(ask(&site, line, "", "", b"").status, 401, "{line}");
        assert_eq!(
            ask(&site, line, "eve:secret", "", b"").status,
            403,
            "{line}"
        );
    }
    for (target, status) in [
        ("/bob/old.txt", 200),
        ("/bob/nothing", 404),
        ("/bob", 301),
        ("/old.txt", 403),
        ("/bobby/old.txt", 403),
        ("/bobby", 403),
        ("/nothing", 403),
    ] {
        let response = ask(&site, &format!("GET {target}"), ANN, "", b"");
        assert_eq!(response.status, status, "{target}");
    }
}

#[test]
fn page_for_absent_files_is_sent_only_to_those_who_may_read_it() {
    let site = site("ann:QUICK:read:/bob\nbob:QUICK:read\n");
    write(&site.root(), "404.html", "the site's own page");
    for (credentials, is_own) in [(ANN, false), (BOB, true)] {
        let response = ask(&site, "GET /bob/nothing", credentials, "", b"");
        assert_eq!(response.status, 404, "{credentials}");
        let expected = response.body == b"the site's own page";
        assert_eq!(expected, is_own, "{credentials}");
    }
}

#[test]
fn listing_shows_what_may_be_read_and_offers_what_may_be_done() {
    let site = site(
        "*::read:/pub\nann:QUICK:read,create\nbob:QUICK:read,create,replace:/bob\nown:QUICK:read,replace\n",
    );
    write(&site.root(), "pub/a.txt", "a");
    let names = |target: &str, credentials: &str| {
        let response = ask(
            &site,
            &format!("GET {target}"),
            credentials,
            "Accept: application/json\r\n",
            b"",
        );
        assert_eq!(response.status, 200, "{target} {credentials}");
        let data: serde_json::Value = serde_json::from_str(response.text()).unwrap();
        let entries = data["entries"].as_array().unwrap();
        let names = entries
            .iter()
            .map(|entry| entry["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("/", ""), "pub");
    assert_eq!(names("/pub/", ""), "a.txt");
    assert_eq!(names("/", ANN), "bob bobby pub old.txt");
    assert_eq!(names("/", BOB), "bob pub");
    assert_eq!(names("/bob/", BOB), "old.txt");
    assert_eq!(ask(&site, "GET /bob/", "", "", b"").status, 401);

    let page = |target: &str, credentials: &str| {
        let response = ask(&site, &format!("GET {target}"), credentials, "", b"");
        response.text().to_owned()
    };
    for (target, credentials, creates, replaces) in [
        ("/pub/", "", false, false),
        ("/", ANN, true, false),
        ("/", BOB, false, false),
        ("/bob/", BOB, true, true),
        ("/", "own:secret", false, true),
    ] {
        let page = page(target, credentials);
        let section = page
            .lines()
            .find(|line| line.starts_with("<section id=\"upload\""));
        let offers = |right: &str| section.is_some_and(|section| section.contains(right));
        assert_eq!(offers("data-create"), creates, "{target} {credentials}");
        assert_eq!(offers("data-replace"), replaces, "{target} {credentials}");
        assert_eq!(
            section.is_some(),
            creates || replaces,
            "{target} {credentials}"
        );
    }
    assert!(page("/pub/", "").contains("<a href=\"./../?login\">Log in</a>"));
    assert!(page("/", ANN).contains("Logged in as <bdi>ann</bdi>"));
}

/// A long listing is kept; each user has a text of their own.
#[test]
fn kept_listing_is_sent_only_to_those_who_may_see_the_same() {
    let site = site("*::read:/pub\nann:QUICK:read\nbob:QUICK:read:/bob\neve:QUICK:read\n");
    for number in 0..200 {
        write(&site.root(), &format!("pub/{number}/x"), "x");
        write(&site.root(), &format!("secret-{number}"), "x");
        write(&site.root(), &format!("bob/{number}"), "x");
    }
    let requests = [
        ("/", ANN),
        ("/", "eve:secret"),
        ("/", BOB),
        ("/", ""),
        ("/pub/", ANN),
        ("/pub/", ""),
        ("/bob/", BOB),
    ];
    let get = |(target, credentials): (&str, &str), accept: &str| {
        let response = ask(&site, &format!("GET {target}"), credentials, accept, b"");
        assert_eq!(response.status, 200, "{target} {credentials}");
        response.text().to_owned()
    };
    for accept in ["", "Accept: application/json\r\n"] {
        let first = requests.map(|request| get(request, accept));
        for _ in 0..2 {
            assert!(requests.map(|request| get(request, accept)) == first);
        }
        for ((target, credentials), text) in requests.iter().zip(&first) {
            let sees_all = matches!(*credentials, ANN | "eve:secret");
            assert_eq!(
                text.contains("secret-7"),
                sees_all && *target == "/",
                "{target} {credentials}"
            );
            let name = credentials.split(':').next().unwrap();
            let logged_in = format!("Logged in as <bdi>{name}</bdi>");
            assert_eq!(
                text.contains(&logged_in),
                accept.is_empty() && !name.is_empty(),
                "{credentials}"
            );
        }
    }
}

#[test]
fn link_of_a_listing_logs_in() {
    let site = site(THREE);
    assert_eq!(ask(&site, "GET /?login", "", "", b"").status, 401);
    let response = ask(&site, "GET /?login", ANN, "", b"");
    assert_eq!(
        (response.status, response.field("Location")),
        (303, Some("./"))
    );
    // Without users it is a query like any other.
    let plain = crate::support::setup::Setup::web(&["--listing"]).start();
    assert_eq!(plain.get("/?login").status, 200);
}

#[test]
fn responses_are_private_and_vary_by_user() {
    let plain = site(THREE);
    for line in [
        "GET /old.txt",
        "GET /nothing",
        "GET /",
        "PUT /x",
        "OPTIONS *",
    ] {
        let bytes = plain.request(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = String::from_utf8_lossy(&bytes);
        assert!(head.contains("\r\nVary: Authorization\r\n"), "{head}");
        assert!(head.contains("\r\nCache-Control: private"), "{head}");
    }
    let own = setup(THREE, &["--web", "--header", "Cache-Control: no-store"]).start();
    let response = own.get("/nothing");
    assert_eq!(response.field("Cache-Control"), Some("no-store"));
}

#[test]
fn classic_dialect_has_the_same_rights() {
    let (old, new) = (name("old"), name("new"));
    let users = format!("*::read\nann:QUICK:create\nbob:ARGON::/{old}\n");
    let server = setup(&users, &[]).start();
    for (method, name, nobody, ann, bob) in [
        ("GET", &old, 200, 200, 200),
        ("PUT", &old, 401, 403, 201),
        ("PUT", &new, 401, 201, 403),
        ("DELETE", &old, 500, 500, 500),
    ] {
        for (credentials, expected) in [("", nobody), (ANN, ann), (BOB, bob)] {
            server.place(&old, b"old");
            let _ = std::fs::remove_file(server.file(&new));
            let fields = "Content-Length: 0\r\n";
            let response = ask(
                &server,
                &format!("{method} /{name}"),
                credentials,
                fields,
                b"",
            );
            assert_eq!(response.status, expected, "{method} {name} {credentials}");
            // One field more than without users, where RFC 9110 §15.5.2 demands it.
            let expected = match expected {
                401 => &["Content-Length", "WWW-Authenticate"][..],
                _ => &["Content-Length"],
            };
            assert_eq!(response.names(), expected, "{method} {name} {credentials}");
        }
    }
    let failed = format!("FAIL: PUT {old} HTTP/1.1 --- response 401\n========\n");
    assert!(server.log().contains(&failed), "{}", server.log());
}

/// A PUT without a length is answered with an empty file, which is then replaced by the content: that takes no further
/// right.
#[test]
fn upload_without_length_needs_the_right_to_create_only() {
    let server = setup("ann:QUICK:create\n", &[]).start();
    let target = name("streamed");
    let head = format!("PUT /{target} HTTP/1.1\r\nHost: a\r\n{}\r\n", basic(ANN));
    let bytes = server.exchange(format!("{head}content"));
    assert_eq!(Response::parse(&bytes).status, 201);
    assert_eq!(server.content(&target), b"content");
    let bytes = server.exchange(format!("{head}other"));
    assert_eq!(Response::parse(&bytes).status, 403);
    assert_eq!(server.content(&target), b"content");
}

#[test]
fn upload_is_refused_before_its_content_comes() {
    let site = site(THREE);
    for (credentials, status) in [("", 401), (ANN, 403), ("ann:wrong", 401)] {
        let login = if credentials.is_empty() {
            String::new()
        } else {
            basic(credentials)
        };
        let head = format!(
            "PUT /old.txt HTTP/1.1\r\nHost: a\r\n{login}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        );
        let mut client = site.connect();
        client.send(head);
        let response = Response::parse(&client.response());
        assert_eq!(response.status, status, "{credentials}");
    }
    let mut client = site.connect();
    client.send(format!(
        "PUT /new.txt HTTP/1.1\r\nHost: a\r\n{}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        basic(ANN)
    ));
    assert_eq!(client.take(CONTINUE.len()), CONTINUE);
    client.send("hello");
    assert_eq!(Response::parse(&client.response()).status, 201);
}

/// If two uploads both find no file, one creates the file. The other would replace it, and has no right to.
#[test]
fn race_to_create_has_one_winner() {
    let site = site("ann:QUICK:read,create\n");
    put(&site, "/warm.txt", ANN, b"");
    for round in 0..20 {
        let target = format!("/race-{round}.txt");
        let clients: Vec<Client> = ["one", "two", "six"]
            .iter()
            .map(|content| {
                let mut client = site.connect();
                // All are begun before any of them ends.
                client.send(format!(
                    "PUT {target} HTTP/1.1\r\nHost: a\r\n{}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n",
                    basic(ANN)
                ));
                assert_eq!(client.take(CONTINUE.len()), CONTINUE);
                client.send(&content[..2]);
                client
            })
            .collect();
        let barrier = Barrier::new(clients.len());
        let statuses: Vec<u16> = thread::scope(|scope| {
            let uploads: Vec<_> = clients
                .into_iter()
                .zip(["e", "o", "x"])
                .map(|(mut client, last)| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        client.send(last);
                        Response::parse(&client.response()).status
                    })
                })
                .collect();
            uploads
                .into_iter()
                .map(|upload| upload.join().unwrap())
                .collect()
        });
        let winners = statuses.iter().filter(|&&status| status == 201).count();
        let losers = statuses.iter().filter(|&&status| status == 403).count();
        assert_eq!((winners, losers), (1, 2), "{statuses:?}");
    }
}

#[test]
fn rules_for_caches_leave_no_response_to_other_users() {
    let rules = [
        "--web",
        "--listing",
        "--cache",
        "*.txt=public, max-age=60, s-maxage=9",
    ];
    let site = setup(THREE, &rules)
        .files(|root| {
            write(root, "old.txt", "old");
            write(root, "dir/a.css", "");
        })
        .start();
    for (line, expected) in [
        ("GET /old.txt", "private, max-age=60"),
        ("GET /dir/a.css", "private"),
        ("GET /dir/", "private, no-cache"),
        ("GET /dir", "private, no-cache"),
        ("GET /?login", "private"),
        ("GET /nothing", "private"),
    ] {
        let response = ask(&site, line, "", "", b"");
        assert_eq!(response.field("Cache-Control"), Some(expected), "{line}");
    }
    let response = ask(&site, "GET /?login", ANN, "", b"");
    assert_eq!(response.status, 303);
    assert_eq!(response.field("Cache-Control"), Some("private, no-cache"));
}

/// A clean URL needs the rights to its page, and does not reveal whether a page exists.
#[test]
fn clean_url_needs_the_rights_of_its_page() {
    let users = "*::read\n*::none:/secret.html\n*::none:/closed\nann:QUICK:read:/secret.html\nann::read:/closed/page.html\n";
    let site = setup(users, &["--web", "--clean-urls"])
        .files(|root| {
            for name in [
                "page.html",
                "secret.html",
                "secret/a.txt",
                "closed/page.html",
            ] {
                write(root, name, name);
            }
        })
        .start();
    for (target, nobody, ann) in [
        ("/page", 200, 200),
        ("/secret.html", 401, 200),
        // Without the right to the page, the clean URL leads to the directory of this name.
        ("/secret", 301, 200),
        ("/closed/page", 401, 200),
        ("/closed/page.html", 401, 200),
        ("/closed/other", 401, 403),
        ("/nothing", 404, 404),
    ] {
        let line = format!("GET {target}");
        for (credentials, expected) in [("", nobody), (ANN, ann)] {
            let response = ask(&site, &line, credentials, "", b"");
            assert_eq!(response.status, expected, "{target} {credentials}");
        }
    }
    std::fs::remove_dir_all(site.file("secret")).unwrap();
    std::fs::remove_file(site.file("secret.html")).unwrap();
    assert_eq!(ask(&site, "GET /secret", "", "", b"").status, 401);
    assert_eq!(ask(&site, "GET /secret", ANN, "", b"").status, 404);
}
