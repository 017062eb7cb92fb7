//! Simulates a user at the dialog for name and password (HTTP authentication).
//!
//! A headless browser shows no dialog. Its developer tools report the dialog, and accept the answer. After that the
//! browser handles the password as usual: it sends it, asks again if it was wrong, and stores it for the site.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::webdriver::Browser;
use super::websocket::WebSocket;

/// See the module's description. It ends when this is dropped.
pub(crate) struct Dialogue {
    asked: Arc<Mutex<Vec<String>>>,
    end: Box<dyn Fn()>,
}

impl Dialogue {
    /// Types these names and passwords, one at each dialogue, and presses Cancel at those that come then.
    pub(crate) fn attend(browser: &Browser, typed: &[(&str, &str)]) -> Self {
        let path = page(browser.debugger());
        let mut socket = WebSocket::connect(browser.debugger(), &path).unwrap();
        let enable =
            json!({ "id": 0, "method": "Fetch.enable", "params": { "handleAuthRequests": true } });
        socket.send(&enable.to_string()).unwrap();
        socket.receive().unwrap();
        let asked = Arc::default();
        let end = Box::new(socket.ender());
        let typed = typed.iter().rev();
        let typed: Vec<_> = typed
            .map(|&(name, password)| (name.to_owned(), password.to_owned()))
            .collect();
        thread::spawn({
            let asked = Arc::clone(&asked);
            move || attend(socket, typed, &asked)
        });
        Self { asked, end }
    }

    /// The origins that the dialogues so far have named.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        (self.end)();
    }
}

/// Continues every request, and answers every dialog.
fn attend(mut socket: WebSocket, mut typed: Vec<(String, String)>, asked: &Mutex<Vec<String>>) {
    let mut number = 0;
    while let Some(text) = socket.receive() {
        let event: Value = serde_json::from_str(&text).unwrap();
        let request = &event["params"]["requestId"];
        let (method, more) = match event["method"].as_str() {
            Some("Fetch.requestPaused") => ("Fetch.continueRequest", Value::Null),
            Some("Fetch.authRequired") => {
                let challenge = &event["params"]["authChallenge"];
                let [scheme, realm] =
                    ["scheme", "realm"].map(|key| challenge[key].as_str().unwrap());
                asked.lock().unwrap().push(format!("{scheme} {realm}"));
                let response = match typed.pop() {
                    None => json!({ "response": "CancelAuth" }),
                    Some((name, password)) => json!({
                        "response": "ProvideCredentials", "username": name, "password": password,
                    }),
                };
                ("Fetch.continueWithAuth", response)
            }
            _ => continue,
        };
        number += 1;
        let mut parameters = json!({ "requestId": request });
        if !more.is_null() {
            parameters["authChallengeResponse"] = more;
        }
        let command = json!({ "id": number, "method": method, "params": parameters });
        if socket.send(&command.to_string()).is_err() {
            break;
        }
    }
}

/// The path at which the browser's page is debugged.
fn page(debugger: &str) -> String {
    let mut stream = TcpStream::connect(debugger).unwrap();
    write!(
        stream,
        "GET /json/list HTTP/1.1\r\nHost: {debugger}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    // It does not close the connection.
    let list: Value = loop {
        let count = stream.read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&received);
        let content = text.split_once("\r\n\r\n").map(|(_, content)| content);
        if let Some(list) = content.and_then(|content| serde_json::from_str(content).ok()) {
            break list;
        }
        assert!(count > 0, "{text}");
    };
    let pages = list.as_array().unwrap().iter();
    let mut addresses = pages
        .filter(|page| page["type"] == "page")
        .filter_map(|page| page["webSocketDebuggerUrl"].as_str());
    let address = addresses.next().unwrap();
    let (_, path) = address.split_once("/devtools/").unwrap();
    format!("/devtools/{path}")
}
