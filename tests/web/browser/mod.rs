//! The pages in a real browser: their scripts run, they are usable, and they do not violate their own policy.

mod accessibility;
pub(crate) mod dialogue;
mod hostile;
mod listing;
mod look;
mod pages;
mod status;
mod uploads;
pub(crate) mod webdriver;
mod websocket;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use self::webdriver::Browser;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, write};

const LONG: &str =
    "a rather long name that does not fit on one line of a telephone, whatever its size.tar.gz";
const PDF: &str = "Annual report 2025.pdf";
const MARKDOWN: &str = "middle & <b>bold.md";

/// The names in the table, from top to bottom.
const NAMES: &str = "return Array.from(document.querySelectorAll('tbody a'), a => a.innerText)";

/// The page's summary of all uploads.
pub(crate) const SUMMARY: &str = "return document.getElementById('summary').innerText";

/// A site of some files that can be told apart by name, size and time.
fn site() -> Server {
    Setup::web(&["--listing", "--writable"])
        .files(|root| {
            for (name, length, day) in [
                (PDF, 2_345_678, 20_300),
                ("zebra.txt", 12, 20_500),
                (MARKDOWN, 4_096, 20_400),
                ("photos/one.jpg", 10, 20_200),
                (LONG, 987_654_321, 20_100),
            ] {
                write(root, name, "");
                let file = fs::File::options()
                    .write(true)
                    .open(root.join(name))
                    .unwrap();
                file.set_len(length).unwrap();
                date(root, name, day * 86_400 + 43_200);
            }
        })
        .start()
}

/// Files of the person at the browser.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        write(self.0.path(), name, content);
        self.0.path().join(name)
    }
}

impl Browser {
    fn open_site(&self, site: &Server) {
        self.open(&format!("http://{}/", site.address()));
    }

    /// Chooses files as in the dialogue that the button opens.
    fn choose(&self, paths: &[impl AsRef<Path>]) {
        let paths: Vec<_> = paths
            .iter()
            .map(|path| path.as_ref().to_str().unwrap())
            .collect();
        self.type_into("#files", &paths.join("\n"));
    }

    /// Lets uploads pass at so many bytes a second.
    fn limit_uploads(&self, bytes: i64) {
        self.devtools("Network.enable", &json!({}));
        let conditions = json!({
            "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes,
        });
        self.devtools("Network.emulateNetworkConditions", &conditions);
    }

    fn emulate(&self, features: &[(&str, &str)]) {
        let features: Vec<Value> = features
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    fn resize(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Fails if the console has any message, such as an error or a violation of the policy.
    #[track_caller]
    fn assert_quiet(&self) {
        let messages = self.console();
        let is_status = |message: &Value| {
            // A browser reports each status of 400 and up here.
            let text = message["message"].as_str().unwrap_or_default();
            text.contains("Failed to load resource: the server responded with a status of")
        };
        let others: Vec<&Value> = messages
            .as_array()
            .unwrap()
            .iter()
            .filter(|message| !is_status(message))
            .collect();
        assert!(others.is_empty(), "{others:?}");
    }
}
