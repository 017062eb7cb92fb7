//! Load that shows the promises of the server: a crowd of abusers does not delay a normal client, no connection is
//! refused or reset, and the cost of a request does not grow with the number of connections and files.
//!
//!     cargo build --release && cargo run --release --example crowd -- [crowd|storm|burst|growth|beside|handshakes|passwords]
//!
//! It starts the real server with files of its own on a free port, and prints a table. Its exit status is 1 if a
//! promise is broken. Latencies mean something on a machine that does nothing else.
//!
//! | module | what it shows |
//! |---|---|
//! | `crowd` | idle connections, dripped heads, stalled uploads and unread answers around a normal client |
//! | `storm` | many short connections |
//! | `burst` | many connections at once |
//! | `growth` | the cost of a request beside idle connections and among many files |
//! | `beside`, `busy` | one connection that makes the server work hard, of each kind, beside a normal client |
//! | `handshakes` | half-open and dripping TLS handshakes around a normal client inside TLS |
//! | `passwords` | a flood of wrong passwords around a normal client |
//! | `abuser`, `abusers`, `normal`, `swarm` | the clients: those who abuse, one that waits for each answer, many in a loop |
//! | `secure` | a client inside TLS, and a certificate for its server |
//! | `server`, `report` | the server under test and its figures; percentiles and verdicts |

mod abuser;
mod abusers;
mod beside;
mod burst;
mod busy;
mod crowd;
mod growth;
mod handshakes;
mod normal;
mod passwords;
mod report;
mod secure;
mod server;
mod storm;
mod swarm;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::report::Verdict;

/// Any error; what fails here is the test's own equipment, and ends it.
type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// A normal client beside thousands that abuse the server
    Crowd,
    /// Many short connections, none refused or reset
    Storm,
    /// Many connections at once, none refused
    Burst,
    /// Cost per request beside idle connections, latency among many files
    Growth,
    /// A normal client beside one connection that makes the server work hard, of each kind
    Beside,
    /// A normal client inside TLS beside handshakes that are half-open, or come a byte a second
    Handshakes,
    /// A normal client beside a flood of wrong passwords from many addresses
    Passwords,
}

/// Shows what the server promises under load.
#[derive(Debug, Parser)]
#[command(name = "crowd")]
struct Options {
    /// The demonstration
    #[arg(value_enum, default_value_t = Mode::Crowd)]
    mode: Mode,

    /// The server's binary [default: httpserver beside this example's directory]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,

    /// Where the server's files are made [default: /dev/shm; growth: where temporary files go]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Worker threads of the server [default: 4 for storm, burst and growth, 1 and then 4 for beside, else 1]
    #[arg(short = 'N', long)]
    threads: Option<usize>,

    /// beside: only the busy connections whose names have this in them
    #[arg(long, value_name = "WORDS")]
    only: Vec<String>,

    /// crowd, growth: idle persistent connections
    #[arg(long, default_value_t = 10_000)]
    idle: usize,

    /// handshakes: clients that stop in the middle of a handshake
    #[arg(long, default_value_t = 2_000)]
    half_open: usize,

    /// handshakes, passwords: seconds for each measurement
    #[arg(long, default_value_t = 8)]
    seconds: u64,

    /// passwords: wrong passwords a second
    #[arg(long, default_value_t = 200)]
    guesses: u32,

    /// crowd, handshakes: clients that send a head, or a handshake, byte by byte
    #[arg(long, default_value_t = 500)]
    dripping: usize,

    /// crowd: bytes a second from each of them
    #[arg(long, value_name = "BYTES", default_value_t = 10)]
    rate: u16,

    /// crowd: uploads that stall midway
    #[arg(long, default_value_t = 200)]
    stalled: usize,

    /// crowd: clients that ask for 10 MiB and do not read
    #[arg(long, default_value_t = 200)]
    deaf: usize,

    /// crowd: seconds for a head, more content, and the taking of an answer
    #[arg(long, default_value_t = 5)]
    deadline: u64,

    /// crowd: seconds between two requests
    #[arg(long, default_value_t = 15)]
    idle_deadline: u64,

    /// storm: short connections in all
    #[arg(long, default_value_t = 20_000)]
    short: usize,

    /// storm, growth: connections that are active at a time
    #[arg(long, default_value_t = 64)]
    active: usize,

    /// burst: connections at once
    #[arg(long, default_value_t = 4_000)]
    connects: usize,

    /// growth: requests in one round
    #[arg(long, default_value_t = 200_000)]
    requests: usize,

    /// growth: files in the root
    #[arg(long, default_value_t = 100_000)]
    files: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let shown = raise_descriptors().and_then(|()| match options.mode {
        Mode::Crowd => crowd::show(&options),
        Mode::Storm => storm::show(&options),
        Mode::Burst => burst::show(&options),
        Mode::Growth => growth::show(&options),
        Mode::Beside => beside::show(&options),
        Mode::Handshakes => handshakes::show(&options),
        Mode::Passwords => passwords::show(&options),
    });
    match shown {
        Ok(Verdict::Kept) => ExitCode::SUCCESS,
        Ok(Verdict::Broken) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("crowd: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Raises the soft limit on descriptors to the hard one, for this process and the server it starts.
fn raise_descriptors() -> Result<(), Failure> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
