//! The media type of a file, and the policy for it in a browser.

use std::borrow::Cow;

use super::options::Documents;
use super::site::Site;
use crate::blocking::WouldBlock;
use crate::http::semantics::active_content::may_run_scripts;
use crate::http::semantics::media_type::{self, Guess};
use crate::http::write_field;
use crate::server::Turn;
use crate::store::ReadableFile;

/// The policy for a document whose scripts must not run: it belongs to no site (CSP Level 3, "sandbox").
const SANDBOX: &[u8] = b"sandbox";

/// The media type of a file, and the policy for it in a browser.
#[derive(Clone)]
pub(super) struct MediaType {
    /// The value of Content-Type.
    value: Cow<'static, str>,
    is_sandboxed: bool,
}

impl MediaType {
    /// The media type with this value of Content-Type, and the policy for it.
    fn new(value: Cow<'static, str>, documents: Documents) -> Self {
        let is_sandboxed = documents == Documents::Sandboxed && may_run_scripts(&value);
        Self {
            value,
            is_sandboxed,
        }
    }

    /// The value of Content-Type.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// Appends the policy for a browser, if there is one.
    pub(super) fn write_policy(&self, fields: &mut Vec<u8>) {
        if self.is_sandboxed {
            write_field(fields, "Content-Security-Policy", SANDBOX);
        }
    }

    /// Appends Content-Type.
    pub(super) fn write(&self, fields: &mut Vec<u8>) {
        write_field(fields, "Content-Type", self.value.as_bytes());
    }
}

impl Site {
    /// The media type of the file at `path`.
    pub(super) fn media_type(
        &self,
        path: &[u8],
        found: &ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<MediaType, WouldBlock> {
        let value = self.content_type(path, found, turn)?;
        Ok(MediaType::new(value, self.options.documents))
    }

    /// The value of Content-Type for the file at `path`: by its extension, or, if that is unknown, by its first bytes.
    fn content_type(
        &self,
        path: &[u8],
        found: &ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<Cow<'static, str>, WouldBlock> {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        let otherwise = match self.options.media_types.guess(name) {
            Guess::Known(media_type) => return Ok(media_type),
            Guess::UnlessText(otherwise) => otherwise,
        };
        let mut buffer = [0; media_type::SNIFFED];
        let text = match found.start(&mut buffer, turn.permission())? {
            Ok(start) => media_type::text(start),
            Err(error) => {
                log::debug!("GET: cannot tell whether this is text: {error}");
                None
            }
        };
        Ok(Cow::Borrowed(text.unwrap_or(otherwise)))
    }
}
