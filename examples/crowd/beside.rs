//! A normal client alone, and beside one connection of each kind that makes the server work hard, with one worker.
//!
//! Where the clients need all processors, most of its longest waits are those for a processor. So they are compared with
//! the longest beside nothing, and the server itself says how much processor time the longest turn of a connection took.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::report::{Latencies, Promises, Verdict, micros};
use crate::server::{FILE, FILE_LEN, Server, directory_in_memory, get};
use crate::{Failure, Options};

/// How long the normal client is measured beside each of the others.
const TIME: Duration = Duration::from_secs(4);

/// No client waits longer because of one other connection, and no turn takes more processor time.
const MOST: Duration = Duration::from_millis(10);

/// Entries of the directory that is listed.
const ENTRIES: usize = 10_000;

/// The file of which ranges are asked for, and its bytes.
const RANGED: &str = "large";
const RANGED_LEN: u64 = 64 * 1024 * 1024;

/// What one connection sends, again and again.
struct Busy {
    name: &'static str,
    stream: Vec<u8>,
}

/// What one measurement found.
struct Measurement {
    latencies: Latencies,
    /// The longest turn of a connection, in processor time.
    turn: Duration,
}

pub(crate) fn show(options: &Options) -> Result<Verdict, Failure> {
    println!("latency of a GET of 1 KiB in us, beside one connection that sends; the longest turn");
    println!(
        "{:<24} {:>8} {:>8} {:>8} {:>8}",
        "", "p50", "p99", "longest", "turn"
    );
    let mut alone = find("nothing", options, None)?.latencies.longest();
    let (mut slowest, mut longest) = (("nothing", Duration::ZERO), ("nothing", Duration::ZERO));
    for busy in kinds() {
        let found = find(busy.name, options, Some(&busy))?;
        if found.latencies.longest() > slowest.1 {
            slowest = (busy.name, found.latencies.longest());
        }
        if found.turn > longest.1 {
            longest = (busy.name, found.turn);
        }
    }
    alone = alone.max(find("nothing again", options, None)?.latencies.longest());
    let mut promises = Promises::new();
    let figure = |(name, time): (&str, Duration)| format!("{} us, {name}", micros(time).trim());
    promises.check(
        longest.1 <= MOST,
        "no turn takes more than 10 ms",
        &figure(longest),
    );
    promises.check(
        slowest.1 <= alone + MOST,
        "no request waits 10 ms longer than beside nothing",
        &figure(slowest),
    );
    Ok(promises.verdict())
}

/// Measures beside `busy`, with a server of its own, and prints what is found.
fn find(name: &str, options: &Options, busy: Option<&Busy>) -> Result<Measurement, Failure> {
    let directory = directory_in_memory(options)?;
    let path = |name| directory.path().join(name).display().to_string();
    let (log, summary) = (path("log"), path("summary"));
    let more = [
        "--web",
        "--writable",
        "--listing",
        "--log",
        &log,
        "--summary",
        &summary,
    ];
    let more = more.map(str::to_owned);
    let mut server = Server::start(options, directory, options.threads.unwrap_or(1), &more)?;
    fill(&server)?;
    let latencies = match busy {
        Some(busy) => beside(server.address(), busy)?,
        None => measure(server.address(), &AtomicBool::new(false))?,
    };
    server.end()?;
    let summary: serde_json::Value = serde_json::from_str(&fs::read_to_string(summary)?)?;
    let turn = summary["longest_turn_processor_us"]
        .as_u64()
        .ok_or("the summary does not have the longest turn")?;
    let found = Measurement {
        latencies,
        turn: Duration::from_micros(turn),
    };
    println!(
        "{name:<24} {} {} {} {}",
        micros(found.latencies.percentile(50)),
        micros(found.latencies.percentile(99)),
        micros(found.latencies.longest()),
        micros(found.turn)
    );
    Ok(found)
}

fn fill(server: &Server) -> io::Result<()> {
    let list = server.path("root").join("list");
    fs::create_dir(&list)?;
    for number in 0..ENTRIES {
        File::create(list.join(format!("entry-{number:05}.txt")))?;
    }
    File::create(server.path("root").join(RANGED))?.set_len(RANGED_LEN)
}

fn kinds() -> Vec<Busy> {
    let request =
        |line: &str, fields: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    let many = |count, line: &str, fields: &str| request(line, fields).repeat(count).into_bytes();
    let part = RANGED_LEN / 16;
    let ranges: Vec<_> = (0..16)
        .map(|number| format!("{}-{}", number * part, (number + 1) * part - 100))
        .collect();
    let chunks = request("PUT /chunks", "Transfer-Encoding: chunked\r\n");
    let chunks = [
        chunks.as_bytes(),
        &b"1\r\nx\r\n".repeat(300_000),
        b"0\r\n\r\n",
    ]
    .concat();
    // Its content does not come, so that the directories are removed again.
    let deep = request(
        &format!("PUT {}/f", "/d".repeat(2_030)),
        "Content-Length: 9\r\n",
    );
    let put = request("PUT /put", "Content-Length: 1000\r\n") + &"x".repeat(1_000);
    let large = request("PUT /put", "Content-Length: 67108864\r\n");
    let large = [large.as_bytes(), &vec![b'x'; 64 << 20]].concat();
    let pairs = request("PUT /gone", "Content-Length: 1\r\n") + "x" + &request("DELETE /gone", "");
    let tags: Vec<_> = (0..1_500).map(|number| format!("\"{number}\"")).collect();
    let busy = |name, stream| Busy { name, stream };
    vec![
        busy("32 listings of 10,000", many(32, "GET /list/", "")),
        busy("chunks of one byte", chunks),
        busy(
            "16 ranges",
            many(
                1,
                &format!("GET /{RANGED}"),
                &format!("Range: bytes={}\r\n", ranges.join(",")),
            ),
        ),
        busy("2,030 directories", deep.into_bytes()),
        busy("uploads of 1 KB", put.repeat(320).into_bytes()),
        busy("an upload of 64 MiB", large),
        busy("uploads and DELETEs", pairs.repeat(160).into_bytes()),
        busy("refused requests", many(320, "TRACE /", "")),
        busy(
            "long conditions",
            many(
                320,
                &format!("GET /{FILE}"),
                &format!("If-None-Match: {}\r\n", tags.join(",")),
            ),
        ),
    ]
}

/// What the normal client finds beside a busy connection.
fn beside(server: SocketAddr, busy: &Busy) -> Result<Latencies, Failure> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let working = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                send(server, &busy.stream)?;
            }
            io::Result::Ok(())
        });
        let found = measure(server, &over);
        over.store(true, Ordering::Relaxed);
        working.join().map_err(|_| "the busy client panicked")??;
        Ok(found?)
    })
}

/// Sends the stream and its end, and takes what comes back.
fn send(server: SocketAddr, stream: &[u8]) -> io::Result<()> {
    let mut receiving = TcpStream::connect(server)?;
    let mut sending = receiving.try_clone()?;
    thread::scope(|scope| {
        scope.spawn(move || {
            // A server that refuses need not take all of it.
            let _ = sending.write_all(stream);
            let _ = sending.shutdown(Shutdown::Write);
        });
        match io::copy(&mut receiving, &mut io::sink()) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            done => done.map(drop),
        }
    })
}

/// GETs one after the other on one connection, until the time is over.
fn measure(server: SocketAddr, over: &AtomicBool) -> io::Result<Latencies> {
    let mut connection = TcpStream::connect(server)?;
    connection.set_nodelay(true)?;
    let request = get(FILE, "");
    let (begin, mut all) = (Instant::now(), Vec::new());
    while begin.elapsed() < TIME && !over.load(Ordering::Relaxed) {
        let sent = Instant::now();
        connection.write_all(&request)?;
        receive(&mut connection)?;
        all.push(sent.elapsed());
    }
    Ok(Latencies::new(all))
}

/// Receives one whole response with the small file.
fn receive(connection: &mut TcpStream) -> io::Result<()> {
    let mut received = Vec::new();
    let mut buffer = [0; 4 * FILE_LEN];
    loop {
        match connection.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => received.extend_from_slice(&buffer[..count]),
        }
        let head = received.windows(4).position(|four| four == b"\r\n\r\n");
        if head.is_some_and(|head| received.len() == head + 4 + FILE_LEN) {
            return if received.starts_with(b"HTTP/1.1 200 ") {
                Ok(())
            } else {
                Err(io::Error::other("another status than 200"))
            };
        }
    }
}
