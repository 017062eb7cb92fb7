//! The output at startup: the addresses for other machines, their QR code, and the warning about writable servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Command;

use httpserver::qr::{Drawing, Ground};

use crate::support::home::Home;
use crate::support::namespace::in_network_namespace;
use crate::support::process::finish;
use crate::support::requirements::is_there;
use crate::support::setup::Setup;
use crate::support::terminal::Terminal;
use crate::support::tree::write;
use crate::support::wait::eventually;

/// Gives this network namespace an interface `lan0`, and another machine at the other end of its cable, in which
/// `elsewhere` runs commands.
const TWO_MACHINES: &str = "set -e
    ip link set lo up
    ip link add lan0 type veth peer name phone0
    unshare -n sleep 600 & machine=$!
    trap 'kill $machine $server || :' EXIT
    until [ \"$(readlink /proc/$machine/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]; do :; done
    elsewhere() { nsenter -t $machine -n -- \"$@\"; }
    ip link set phone0 netns $machine
    ip address add 192.168.77.5/24 dev lan0
    ip address add fd77::5/64 dev lan0 nodad
    ip link set lan0 up
    elsewhere ip address add 192.168.77.6/24 dev phone0
    elsewhere ip address add fd77::6/64 dev phone0 nodad
    elsewhere ip link set phone0 up
    until ip link show lan0 | grep -q 'state UP'; do :; done
";

/// Serves on a wildcard address, and fetches a file from each printed address on the other machine.
const FETCH: &str = "
    \"$0\" --web ./ \"$1\" 0 --qr >out 2>err & server=$!
    until grep -q '^listening on ' out && grep -q '^reachable at ' err; do kill -0 $server; done
    for url in $(sed -n 's/^reachable at \\(.*\\) (lan0)$/\\1/p' err); do
        elsewhere curl -s -S -m 60 -g \"$url/a.txt\"
    done
    kill $server
    wait $server
    cat out err
";

#[test]
fn printed_address_answers_to_another_machine() {
    if !(is_there("ip") && is_there("nsenter") && is_there("curl")) {
        return;
    }
    for (wildcard, addresses) in [
        ("0.0.0.0", &["192.168.77.5"][..]),
        ("::", &["192.168.77.5", "[fd77::5]"]),
    ] {
        let script = format!("{TWO_MACHINES}{FETCH}");
        let arguments = [env!("CARGO_BIN_EXE_httpserver"), wildcard];
        let Some(mut command) = in_network_namespace(&script, &arguments) else {
            return;
        };
        let home = Home::new();
        write(&home.root(), "a.txt", "fetched\n");
        command.current_dir(home.root());
        let output = finish(command, b"");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{wildcard}: {stderr}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let (listening, port) = stdout.split_once("listening on http://").unwrap();
        let (port, said) = port.split_once('\n').unwrap();
        let (_, port) = port.rsplit_once(':').unwrap();
        assert_eq!(listening, "fetched\n".repeat(addresses.len()), "{stdout}");
        let lines = addresses
            .iter()
            .map(|address| format!("reachable at http://{address}:{port} (lan0)\n"));
        let drawing = Drawing::of(&format!("http://192.168.77.5:{port}")).unwrap();
        let expected = lines
            .chain([drawing.render(Ground::Plain)])
            .collect::<Vec<_>>()
            .concat();
        assert_eq!(said, expected, "{wildcard}");
    }
}

/// A machine without a network.
fn without_network() -> Option<Command> {
    in_network_namespace("ip link set lo up; exec \"$0\" \"$@\"", &[])
}

#[test]
fn machine_without_network_is_reported() {
    let Some(wrapper) = without_network() else {
        return;
    };
    let mut server = Setup::web(&["--qr"])
        .on(Ipv4Addr::UNSPECIFIED)
        .under(wrapper)
        .start();
    let expected = "no other machine can reach it: this machine has no address in a network\n";
    eventually("it says so", || server.stderr() == expected);
    server.stop();
    assert_eq!(server.stderr(), expected);
}

#[test]
fn only_a_site_on_a_wildcard_address_lists_addresses() {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let wildcard = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    for (options, address, is_listed) in [
        (&["--web"][..], wildcard, true),
        (&["--web"], loopback, false),
        (&["--web"], IpAddr::V6(Ipv6Addr::LOCALHOST), false),
        (&[], wildcard, false),
    ] {
        let mut server = Setup::new(options).on(address).start();
        server.stop();
        let stderr = server.stderr();
        let lines = stderr.lines();
        let listed = lines.filter(|line| {
            line.starts_with("reachable at http://") || line.starts_with("no other machine ")
        });
        assert_eq!(listed.count() > 0, is_listed, "{options:?}: {stderr}");
    }
}

#[test]
fn quiet_start_lists_and_draws_nothing() {
    let home = Home::new();
    let terminal = Terminal::new(80);
    let mut command = Command::new("sh");
    let line = "\"$0\" -q --web ./ --qr 0.0.0.0 0 & until grep -q '^SigCgt:.*[4-7c-f]...$' /proc/$!/status; do :; done; kill $!; wait $!";
    command
        .args(["-c", line, env!("CARGO_BIN_EXE_httpserver")])
        .current_dir(home.root())
        .stderr(terminal.line());
    assert_eq!(terminal.run(command), "");
}

/// The output of a server on a terminal of this many columns that listens on an address for other machines.
fn shown(columns: u16, address: IpAddr) -> String {
    let terminal = Terminal::new(columns);
    let mut server = Setup::web(&["--qr"])
        .on(address)
        .stderr(terminal.line())
        .start();
    let screen = terminal.screen();
    server.stop();
    screen.rest().replace("\r\n", "\n")
}

#[test]
fn qr_code_on_a_terminal_is_white_on_black_or_asks_for_more_columns() {
    let own = if_addrs::get_if_addrs().unwrap();
    let own = own.iter().map(if_addrs::Interface::ip);
    let Some(address) = own.filter(IpAddr::is_ipv4).find(|ip| !ip.is_loopback()) else {
        return crate::support::requirements::skip("this machine has no network");
    };
    let wide = shown(80, address);
    assert!(wide.starts_with("\x1b[38;5;231;48;5;16m\u{2588}"), "{wide}");
    assert!(wide.contains("\u{2588}\x1b[0m\n"), "{wide}");
    let narrow = shown(30, address);
    assert!(
        narrow.starts_with("the QR code needs a terminal of 33 columns\n"),
        "{narrow}"
    );
    assert!(!narrow.contains('\u{2588}'), "{narrow}");
}

#[test]
fn open_writes_cause_a_warning_unless_only_this_machine_connects() {
    let warning = " can store and remove files\n";
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let wildcard = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    for (options, address, is_warned) in [
        (&["--writable"][..], wildcard, true),
        (&["--writable"], loopback, false),
        (&[], wildcard, false),
    ] {
        let mut server = Setup::web(options).on(address).start();
        server.stop();
        let stderr = server.stderr();
        assert_eq!(stderr.contains(warning), is_warned, "{options:?}: {stderr}");
    }
}
