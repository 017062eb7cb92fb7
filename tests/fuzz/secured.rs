//! The same connections inside TLS: records arrive in pieces, and the outcome must be the same as without TLS.
//!
//! A client of rustls encrypts the stream of a scenario, and a wire in memory carries the records: like a socket in
//! edge-triggered mode towards the server, and with little room towards the client.

use std::cell::RefCell;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, OnceLock};

use httpserver::classic::Classic;
use httpserver::connection::{Dialect, Entrance, EntranceProtocol, HttpService, ProxyProtocol};
use httpserver::server::{
    After, Interest, Next, Service, Session, StepClock, Stopping, Transport, Turn, WakeReason,
};
use httpserver::tls::{CertificateFiles, TlsServer};
use proptest::prelude::*;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::cases;
use crate::checks::connection::{
    Ending, Outcome, Scenario, TIMEOUTS, World, check_scenario, examine, initial_files,
};
use crate::checks::site::{self, SiteOutcome};
use crate::connection::scenarios;
use crate::site::scenarios as site_scenarios;

/// Plain bytes that the client encrypts at a time, records aside: more than the longest record.
const PIECE: usize = 40_000;

/// A server, and clients of TLS 1.2 and 1.3.
struct Parties {
    server: Arc<TlsServer>,
    clients: [Arc<ClientConfig>; 2],
}

fn parties() -> &'static Parties {
    static PARTIES: OnceLock<Parties> = OnceLock::new();
    PARTIES.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = CertificateFiles {
            certificate: directory.path().join("cert.pem"),
            key: directory.path().join("key.pem"),
        };
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let server = TlsServer::load(files).unwrap();
        let certificate: CertificateDer<'static> = made.cert.der().clone();
        let clients = [&TLS12, &TLS13].map(|version| {
            let mut roots = RootCertStore::empty();
            roots.add(certificate.clone()).unwrap();
            let provider = Arc::new(ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            Arc::new(config)
        });
        Parties {
            server: Arc::new(server),
            clients,
        }
    })
}

/// The bytes in transit.
#[derive(Default)]
struct Wire {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    /// Whether the client has ended its side.
    ended: bool,
    /// Bytes that the client's side still takes.
    room: usize,
    finished: bool,
}

struct Socket(RefCell<Wire>);

impl Transport for Socket {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        if wire.to_server.is_empty() {
            return if wire.ended {
                Ok(0)
            } else {
                Err(ErrorKind::WouldBlock.into())
            };
        }
        let count = wire.to_server.len().min(buffer.len());
        buffer[..count].copy_from_slice(&wire.to_server[..count]);
        wire.to_server.drain(..count);
        Ok(count)
    }

    fn send(&self, bytes: &[u8], _: After) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        assert!(
            !bytes.is_empty() && !wire.finished,
            "sends nothing, or after its end"
        );
        let count = bytes.len().min(wire.room);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        wire.room -= count;
        wire.to_client.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn send_file(&self, _: BorrowedFd<'_>, _: u64, _: usize) -> io::Result<usize> {
        unreachable!("a file goes through records")
    }

    fn end_sending(&self) -> io::Result<()> {
        self.0.borrow_mut().finished = true;
        Ok(())
    }

    fn acknowledge(&self) {}
}

/// The fate of the client's records in transit.
#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    /// This byte of the records is altered.
    Altered(usize),
    /// At most this many bytes of them arrive.
    Cut(usize),
}

/// The client's side.
struct Client<'s> {
    tls: ClientConnection,
    fault: Fault,
    /// Bytes that were put on the wire.
    fed: usize,
    /// Bytes that are not encrypted yet.
    plain: &'s [u8],
    /// Encrypted bytes that are not on the wire yet.
    records: Vec<u8>,
    closed: bool,
    received: Vec<u8>,
    sizes: Vec<usize>,
    at: usize,
}

impl Client<'_> {
    fn size(&mut self) -> usize {
        self.at += 1;
        self.sizes[self.at % self.sizes.len()]
    }

    /// Puts another piece of records on the wire, or the end; false if the end is there already.
    fn feed(&mut self, wire: &mut Wire) -> bool {
        if wire.ended {
            return false;
        }
        if !self.tls.is_handshaking() && self.records.is_empty() {
            if self.plain.is_empty() && !self.closed {
                self.tls.send_close_notify();
                self.closed = true;
            }
            let (now, later) = self.plain.split_at(self.plain.len().min(PIECE));
            self.tls.writer().write_all(now).unwrap();
            self.plain = later;
        }
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.records).unwrap();
        }
        let mut count = self.size().min(self.records.len());
        if let Fault::Cut(at) = self.fault {
            count = count.min(at - self.fed);
        }
        if let Fault::Altered(at) = self.fault
            && (self.fed..self.fed + count).contains(&at)
        {
            self.records[at - self.fed] ^= 0x21;
        }
        self.fed += count;
        wire.to_server.extend(self.records.drain(..count));
        let is_cut = matches!(self.fault, Fault::Cut(at) if at == self.fed);
        let is_over = self.closed && self.records.is_empty();
        // A server that has the header of a longer record waits for the rest of it, and its client for a response,
        // until one of them gives up; a client that got an alert sends no more bytes.
        let gives_up = count == 0 && !matches!(self.fault, Fault::None);
        wire.ended = is_over || is_cut || gives_up;
        count > 0 || wire.ended
    }

    /// Reads the bytes from the server.
    fn take(&mut self, wire: &mut Wire) {
        let mut sent = &wire.to_client[..];
        while !sent.is_empty() {
            self.tls.read_tls(&mut sent).unwrap();
            if let Err(error) = self.tls.process_new_packets() {
                assert!(!matches!(self.fault, Fault::None), "{error}");
                break;
            }
            let mut plain = [0; 16 * 1024];
            while let Ok(count @ 1..) = self.tls.reader().read(&mut plain) {
                self.received.extend_from_slice(&plain[..count]);
            }
        }
        wire.to_client.clear();
    }
}

/// The behaviour of a TLS client.
#[derive(Debug, Clone)]
struct Manner {
    /// The number of a version: of 1.2 or of 1.3.
    version: usize,
    /// Bytes that move at a time.
    sizes: Vec<usize>,
    fault: Fault,
}

/// Serves a scenario of the classic dialect inside TLS.
fn run(scenario: &Scenario, manner: Manner) -> Outcome {
    let world = World::new(initial_files());
    let service = HttpService::new(Classic::new(world.open(), scenario.max_body), TIMEOUTS);
    let sent = serve(service, &scenario.stream, manner);
    let (log, files) = world.end();
    Outcome { sent, log, files }
}

/// Serves a scenario of the web dialect inside TLS, and checks that responses, log and files agree.
fn run_site(scenario: &Scenario, manner: Manner) -> SiteOutcome {
    let world = site::world_of_site();
    let service = site::service_of(&world, scenario.max_body);
    let sent = serve(service, &scenario.stream, manner);
    site::examine_site(scenario.ending, &sent, world)
}

/// Serves a stream inside TLS to its end; returns the bytes that the client receives.
fn serve<D: Dialect>(service: HttpService<D>, stream: &[u8], manner: Manner) -> Vec<u8> {
    let parties = parties();
    let entrance = Entrance {
        proxy_protocol: ProxyProtocol::NotSpoken,
        protocol: EntranceProtocol::Https(Arc::clone(&parties.server)),
    };
    let service = service.listening(vec![entrance]);
    let Manner {
        version,
        sizes,
        fault,
    } = manner;
    let name = ServerName::try_from("localhost").unwrap();
    let config = Arc::clone(&parties.clients[version]);
    let mut client = Client {
        tls: ClientConnection::new(config, name).unwrap(),
        fault,
        fed: 0,
        plain: stream,
        records: Vec::new(),
        closed: false,
        received: Vec::new(),
        sizes,
        at: 0,
    };
    let socket = Socket(RefCell::default());
    let mut session = service.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)).into(), 0);
    let mut buffers = [service.buffers(), service.buffers()];
    for number in 0.. {
        assert!(number < 200_000, "nothing moves any more");
        let worker = number % 2;
        let reason = if socket.0.borrow().ended {
            WakeReason::HungUp
        } else {
            WakeReason::Ready
        };
        let clock = StepClock::default();
        let turn = if session.may_block() {
            Turn::new_blocking(reason, Stopping::No, worker, &clock)
        } else {
            Turn::new(reason, Stopping::No, worker, &clock)
        };
        session.process(&socket, &mut buffers[worker], &turn);
        service.commit(worker);
        let next = session.flush(&socket, &mut buffers[worker], &turn);
        let mut wire = socket.0.borrow_mut();
        client.take(&mut wire);
        match next {
            Next::Close => break,
            Next::Yield => {}
            Next::Wait(Interest::Read, _) => {
                assert!(wire.to_server.is_empty(), "waits for what has come");
                assert!(client.feed(&mut wire), "waits after the end");
            }
            Next::Wait(Interest::Waker, _) => unreachable!("there are no passwords"),
            Next::Wait(Interest::Write, _) => {
                assert_eq!(wire.room, 0, "waits for room that there is");
                wire.room = client.size();
            }
        }
        // The handshake has room, whatever it sends.
        if client.tls.is_handshaking() {
            wire.room = wire.room.max(1);
        }
    }
    drop(session);
    client.received
}

fn count_entries(outcome: &Outcome) -> usize {
    let lines = outcome.log.split(|&byte| byte == b'\n');
    lines.filter(|line| *line == b"========").count()
}

/// Clients that move few bytes at a time, or many, until the end.
fn manners() -> impl Strategy<Value = Manner> {
    let sizes = prop_oneof![1_usize..40, 1_000_usize..70_000];
    (0_usize..2, prop::collection::vec(sizes, 1..5)).prop_map(|(version, mut sizes)| {
        sizes.push(70_000); // limits the time
        Manner {
            version,
            sizes,
            fault: Fault::None,
        }
    })
}

/// The same with records that are altered or cut off, early or late.
fn broken_manners() -> impl Strategy<Value = Manner> {
    let places = prop_oneof![0_usize..600, 0_usize..200_000];
    (manners(), places, any::<bool>()).prop_map(|(manner, at, alters)| Manner {
        fault: if alters {
            Fault::Altered(at)
        } else {
            Fault::Cut(at)
        },
        ..manner
    })
}

/// The scenario with this ending and without delays.
fn ending(ending: Ending, scenario: Scenario) -> Scenario {
    Scenario {
        ending,
        chances: Vec::new(),
        ..scenario
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn tls_changes_nothing(scenario in scenarios(), manner in manners()) {
        let scenario = ending(Ending::End, scenario);
        let plain = check_scenario(&scenario);
        let secured = run(&scenario, manner);
        prop_assert!(plain.sent == secured.sent, "{:?}\n{:?}", plain.sent.escape_ascii().to_string(), secured.sent.escape_ascii().to_string());
        prop_assert!(plain.files == secured.files);
        prop_assert_eq!(count_entries(&plain), count_entries(&secured));
    }

    /// The log, the responses and the stored files agree on the requests that arrived before the fault.
    #[test]
    fn records_that_are_altered_or_cut_off_do_no_harm(scenario in scenarios(), manner in broken_manners()) {
        let scenario = ending(Ending::Reset, scenario);
        examine(&scenario, &run(&scenario, manner));
    }

    /// Dates and entity tags differ between runs, so the outcomes are compared, not the responses.
    #[test]
    fn tls_changes_nothing_of_a_site(scenario in site_scenarios(), manner in manners()) {
        let scenario = ending(Ending::End, scenario);
        let plain = site::check_scenario(&scenario);
        prop_assert!(plain == run_site(&scenario, manner));
    }

    #[test]
    fn records_that_are_altered_or_cut_off_do_a_site_no_harm(scenario in site_scenarios(), manner in broken_manners()) {
        let scenario = ending(Ending::Reset, scenario);
        run_site(&scenario, manner);
    }
}
