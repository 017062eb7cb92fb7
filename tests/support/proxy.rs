//! A real reverse proxy before a server: nginx or `haproxy`, without privileges, with its files in a directory of its own.
//!
//! Both name their client in `X-Forwarded-For`. Both are set up to use a connection to the server again for any client, as soon as HTTP lets them.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::process::isolate;
use crate::support::requirements::is_there;
use crate::support::wait::GUARD;

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    /// A `haproxy` that passes TCP connections on, after a PROXY header of this version.
    Header(u8),
}

/// A proxy that accepts connections, until it is dropped.
pub(crate) struct Proxy {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Haproxy];

    fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy | Self::Header(_) => "haproxy",
        }
    }

    fn configuration(self, listen: SocketAddr, server: SocketAddr, directory: &Path) -> String {
        let directory = directory.display();
        match self {
            Self::Nginx => format!(
                "daemon off;
                master_process off;
                pid {directory}/pid;
                error_log stderr;
                events {{ worker_connections 64; }}
                http {{
                    access_log off;
                    client_body_temp_path {directory}/body;
                    proxy_temp_path {directory}/proxy;
                    fastcgi_temp_path {directory}/fastcgi;
                    uwsgi_temp_path {directory}/uwsgi;
                    scgi_temp_path {directory}/scgi;
                    upstream files {{ server {server}; keepalive 8; }}
                    server {{
                        listen {listen};
                        location / {{
                            proxy_pass http://files;
                            proxy_http_version 1.1;
                            proxy_set_header Connection '';
                            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        }}
                    }}
                }}\n"
            ),
            Self::Haproxy => format!(
                "global
                    maxconn 64
                    nbthread 1
                defaults
                    mode http
                    timeout connect 60s
                    timeout client 60s
                    timeout server 60s
                    http-reuse always
                    option forwardfor
                frontend public
                    bind {listen}
                    default_backend files
                backend files
                    server one {server}\n"
            ),
            Self::Header(version) => format!(
                "global
                    maxconn 64
                    nbthread 1
                defaults
                    mode tcp
                    timeout connect 60s
                    timeout client 60s
                    timeout server 60s
                listen public
                    bind {listen}
                    server one {server} check inter 100ms {}\n",
                if version == 1 {
                    "send-proxy"
                } else {
                    "send-proxy-v2"
                }
            ),
        }
    }

    fn command(self, configuration: &Path) -> Command {
        let mut command = Command::new(self.program());
        match self {
            // -e: where to say what is wrong before the configuration is read.
            Self::Nginx => command.args(["-e", "stderr", "-c"]).arg(configuration),
            Self::Haproxy | Self::Header(_) => command.args(["-db", "-f"]).arg(configuration),
        };
        command
    }
}

impl Proxy {
    /// Starts one before a server; `None`, with a line on stderr, where the program is missing.
    #[track_caller]
    pub(crate) fn start(kind: Kind, server: SocketAddr) -> Option<Self> {
        Self::configured(kind, |listen, directory| {
            kind.configuration(listen, server, directory)
        })
    }

    /// Starts a `haproxy` with a configuration that listens at an address, and may use a directory of its own.
    #[track_caller]
    pub(crate) fn haproxy(configuration: impl Fn(SocketAddr, &Path) -> String) -> Option<Self> {
        Self::configured(Kind::Haproxy, configuration)
    }

    #[track_caller]
    fn configured(kind: Kind, configuration: impl Fn(SocketAddr, &Path) -> String) -> Option<Self> {
        if !is_there(kind.program()) {
            return None;
        }
        // Neither program can leave the choice of a port to the system: another may take it meanwhile.
        for _ in 0..20 {
            if let Some(proxy) = Self::try_start(kind, &configuration) {
                return Some(proxy);
            }
        }
        panic!("{} does not start", kind.program());
    }

    fn try_start(kind: Kind, configuration: impl Fn(SocketAddr, &Path) -> String) -> Option<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("configuration");
        fs::write(&path, configuration(address, directory.path())).unwrap();
        let mut command = kind.command(&path);
        isolate(&mut command);
        let stderr = File::create(directory.path().join("stderr")).unwrap();
        command.stdout(Stdio::null()).stderr(stderr);
        let mut proxy = Self {
            child: command.spawn().unwrap(),
            address,
            directory,
        };
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            if proxy.child.try_wait().unwrap().is_some() {
                eprintln!("{}", proxy.stderr());
                return None;
            }
            assert!(start.elapsed() < GUARD, "{}", proxy.stderr());
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        // This proxy accepted, unless it has ended because the port was taken.
        proxy.child.try_wait().unwrap().is_none().then_some(proxy)
    }

    /// A new connection to it.
    #[track_caller]
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// The directory of its own.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.directory.path().join("stderr")).unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the proxy's stderr\n{}---", self.stderr());
        }
    }
}
