//! A browser without a window, driven through chromedriver with the W3C's `WebDriver` protocol.
//!
//! It has only the parts for these tests: the protocol is JSON over HTTP/1.1, with one connection per command.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::requirements::skip;

/// How long a command may take; a browser that starts on a busy machine takes its time.
const TIMEOUT: Duration = Duration::from_secs(240);

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// The key under which an element's reference is sent (W3C `WebDriver` §12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one page.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// The address of its developer tools.
    debugger: String,
    profile: TempDir,
}

impl Browser {
    /// Starts one; `None` if there is no browser here, which is an error only where `CI` is `true`.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with these arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Option<Self> {
        if !Path::new(CHROMIUM).exists() || !Path::new(CHROMEDRIVER).exists() {
            skip(&format!("there is no {CHROMIUM} with {CHROMEDRIVER}"));
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        // It takes a free port of IPv4, and ends if another process has the same one of IPv6.
        let (driver, port) = (0..10).find_map(|_| start_driver()).unwrap();
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            debugger: String::new(),
            profile,
        };
        browser.open_session(arguments);
        Some(browser)
    }

    fn open_session(&mut self, further: &[&str]) {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let mut arguments = vec![
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &profile,
        ];
        arguments.extend(further);
        let options = json!({ "binary": CHROMIUM, "args": arguments });
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let made = self.command(
            "POST",
            "",
            &json!({ "capabilities": { "alwaysMatch": wanted } }),
        );
        self.session = format!("/{}", made["sessionId"].as_str().unwrap());
        let debugger = &made["capabilities"]["goog:chromeOptions"]["debuggerAddress"];
        debugger.as_str().unwrap().clone_into(&mut self.debugger);
    }

    /// Where it speaks the protocol of its developer tools: host and port.
    pub(crate) fn debugger(&self) -> &str {
        &self.debugger
    }

    pub(crate) fn open(&self, address: &str) {
        self.command("POST", "/url", &json!({ "url": address }));
    }

    /// Runs the body of a function in the page, and returns its result.
    pub(crate) fn run(&self, script: &str) -> Value {
        let arguments = json!({ "script": script, "args": [] });
        self.command("POST", "/execute/sync", &arguments)
    }

    /// The same for a function that hands its result to the callback `done`.
    pub(crate) fn run_async(&self, script: &str) -> Value {
        let script = format!("const done = arguments[0]; {script}");
        let arguments = json!({ "script": script, "args": [] });
        self.command("POST", "/execute/async", &arguments)
    }

    /// Waits until a script returns `expected`.
    #[track_caller]
    pub(crate) fn wait_for(&self, script: &str, expected: &Value) {
        let start = Instant::now();
        loop {
            let found = self.run(script);
            if found == *expected {
                return;
            }
            assert!(
                start.elapsed() < TIMEOUT,
                "{script}: {found}, not {expected}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn element(&self, selector: &str) -> String {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.command("POST", "/element", &query);
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.command("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Moves the pointer to the middle of an element, and presses its button so often without moving it again.
    pub(crate) fn point_and_click(&self, selector: &str, clicks: usize) {
        let origin = json!({ ELEMENT: self.element(selector) });
        let mut actions =
            vec![json!({ "type": "pointerMove", "duration": 0, "origin": origin, "x": 0, "y": 0 })];
        for _ in 0..clicks {
            actions.push(json!({ "type": "pointerDown", "button": 0 }));
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
        }
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": actions });
        self.command("POST", "/actions", &json!({ "actions": [mouse] }));
    }

    /// Presses the button of the pointer where it is.
    pub(crate) fn click_again(&self) {
        let press =
            json!([{ "type": "pointerDown", "button": 0 }, { "type": "pointerUp", "button": 0 }]);
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": press });
        self.command("POST", "/actions", &json!({ "actions": [mouse] }));
    }

    /// Presses keys one after the other, wherever the focus is.
    pub(crate) fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.command("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// Types text; into a file input, the paths of files, one on each line.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        let text = json!({ "text": text });
        self.command("POST", &format!("/element/{element}/value"), &text);
    }

    /// A command of the browser's own protocol.
    pub(crate) fn devtools(&self, name: &str, parameters: &Value) {
        let command = json!({ "cmd": name, "params": parameters });
        self.command("POST", "/goog/cdp/execute", &command);
    }

    /// Messages of the page's console; the policy's violations are among them.
    pub(crate) fn console(&self) -> Value {
        self.command("POST", "/se/log", &json!({ "type": "browser" }))
    }

    /// The page as a PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let picture = self.command("GET", "/screenshot", &Value::Null);
        STANDARD.decode(picture.as_str().unwrap()).unwrap()
    }

    /// An element as a PNG, in base64.
    pub(crate) fn picture(&self, selector: &str) -> String {
        let element = self.element(selector);
        let path = format!("/element/{element}/screenshot");
        let picture = self.command("GET", &path, &Value::Null);
        picture.as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn command(&self, method: &str, path: &str, parameters: &Value) -> Value {
        let (status, value) = self.exchange(method, path, parameters);
        assert_eq!(status, 200, "{path} {parameters}: {value}");
        value
    }

    fn exchange(&self, method: &str, path: &str, parameters: &Value) -> (u16, Value) {
        let content = match method {
            "POST" => parameters.to_string(),
            _ => String::new(),
        };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        write!(
            stream,
            "{method} /session{}{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{content}",
            self.session,
            self.port,
            content.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let status = line[9..12].parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap();
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut content = vec![0; length];
        reader.read_exact(&mut content).unwrap();
        let mut answer: Value = serde_json::from_slice(&content).unwrap();
        (status, answer["value"].take())
    }
}

/// Starts a driver; `None` if it ends before it listens.
fn start_driver() -> Option<(Child, u16)> {
    let mut driver = Command::new(CHROMEDRIVER)
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let port = BufReader::new(driver.stdout.take().unwrap())
        .lines()
        .find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').parse().unwrap())
        });
    if port.is_none() {
        driver.wait().unwrap();
    }
    Some((driver, port?))
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.exchange("DELETE", "", &Value::Null);
        }
        // The browser with it, should it still be there.
        let _ = kill_process_group(Pid::from_child(&self.driver), Signal::KILL);
        let _ = self.driver.wait();
    }
}
