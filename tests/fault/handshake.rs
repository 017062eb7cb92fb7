//! Each system call of a TLS handshake fails in turn: its connection is closed or continues, and others are served.

use crate::fault::carrier::Carrier;
use crate::support::home::Home;
use crate::support::message::name;
use crate::support::strace;

/// Which call since the connection came, how it fails, and whether the connection continues.
#[rustfmt::skip]
const ROWS: &[(&str, &str, &[&str], bool)] = &[
    // The hello of the client, and what follows the answer to it.
    ("recvfrom", "1", &["EIO", "ECONNRESET", "ENOMEM"], false),
    ("recvfrom", "2", &["EIO", "ECONNRESET", "ENOMEM"], false),
    ("recvfrom", "1..3", &["EINTR"], true),
    ("sendto", "1", &["EIO", "EPIPE", "ECONNRESET", "ENOMEM"], false),
    ("sendto", "1", &["EINTR", "EAGAIN"], true),
    // It only hastens an acknowledgement.
    ("setsockopt", "1+", &["ENOPROTOOPT"], true),
];

#[test]
fn failing_handshake_harms_its_own_connection_only() {
    if !strace::is_usable() {
        return;
    }
    for &(syscall, when, errors, goes_on) in ROWS {
        for error in errors {
            let home = Home::new();
            let options = ["-N", "1", "--durable"];
            let mut server = Carrier::Tls.setup(&home, &options).start();
            home.place(&name(1), b"content");
            let mut first = Carrier::Tls.connect(&server);
            assert_eq!(first.get(&name(1)).unwrap().status, 200);
            server.wait_until_asleep(server.only_worker());
            let how = format!("error={error}:when={when}");
            let injection = server.inject(server.only_worker(), syscall, &how);
            let mut client = Carrier::Tls.connect(&server);
            let status = client.get(&name(1)).map(|response| response.status);
            let injected = injection.end();
            let row = format!("{syscall} {when} {error}: {status:?}, {injected} injected");
            assert_eq!(status, goes_on.then_some(200), "{row}");
            assert!(injected > 0 || syscall == "setsockopt", "{row}");
            // Other clients are served as before.
            assert_eq!(first.get(&name(1)).unwrap().status, 200, "{row}");
            let mut next = Carrier::Tls.connect(&server);
            assert_eq!(next.put(&name(2), b"next").unwrap().status, 201, "{row}");
            drop((first, client, next));
            server.stop();
            assert_eq!(home.journal().torn, 0, "{row}");
            assert_eq!(home.content(&name(2)), b"next", "{row}");
        }
    }
}
