//! Precompressed siblings: `page.html.br` is sent instead of `page.html` to clients that accept it.
//!
//! A sibling is used if it is a regular file inside the root, and not older than the file itself: an older one may have
//! old content. A range selects bytes of the file itself, since clients that resume or seek count decoded bytes, unless
//! If-Range shows that the client has the sibling.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::compressing::compressed_tag;
use super::representation::Representation;
use super::site::Site;
use crate::blocking::WouldBlock;
use crate::http::Request;
use crate::http::semantics::etag::EntityTag;
use crate::http::semantics::fields::combined;
use crate::http::semantics::negotiation::encoding::{self, Choice, Coding};
use crate::server::Turn;
use crate::store::{Metadata, ReadableFile};

impl Site {
    /// The representation of the file at `path` that the client prefers: a sibling, the compressed text, or `found`, the
    /// file itself.
    pub(super) fn preferred(
        &self,
        request: &Request<'_>,
        path: &[u8],
        found: ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<Representation, WouldBlock> {
        let media_type = self.media_type(path, &found, turn)?;
        if let Some(coding) = own_coding(path, media_type.value(), &found, turn)? {
            return Ok(Representation::of_file(media_type, found, Some(coding)));
        }
        let ranged = request.method == "GET" && request.field("Range").is_some();
        if ranged && request.field("If-Range").is_none() {
            return Ok(Representation::of_file(media_type, found, None));
        }
        let is_wanted = |tag: &str| !ranged || is_tagged_by_if_range(request, tag);
        if let Some((sibling, coding)) = self.sibling(request, path, &found, turn)? {
            let coded = Representation::of_sibling(media_type.clone(), sibling, coding);
            if is_wanted(coded.etag()) {
                return Ok(coded);
            }
        } else if self.compresses(request, media_type.value(), &found)
            && is_wanted(&compressed_tag(&found.metadata))
            && let Some(text) = self.compressed(path, &found, turn)?
        {
            return Ok(Representation::of_text(media_type, found, text));
        }
        Ok(Representation::of_file(media_type, found, None))
    }

    /// The sibling that the client prefers to the file itself.
    fn sibling(
        &self,
        request: &Request<'_>,
        path: &[u8],
        found: &ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<Option<(ReadableFile, Coding)>, WouldBlock> {
        let Some(accepted) = combined(request, "Accept-Encoding") else {
            return Ok(None);
        };
        let mut siblings = Vec::new();
        for coding in Coding::ALL {
            // Only accepted codings are looked up.
            if encoding::choose(Some(&accepted), &[coding]) != Choice::Coded(coding) {
                continue;
            }
            let beside = [path, coding.suffix().as_bytes()].concat();
            let Ok(sibling) = self.files.look_up(&beside, turn.permission())? else {
                continue;
            };
            // No coding has an empty output.
            let is_empty = sibling.metadata.length() == 0;
            if !is_empty && is_current(Times::of(&sibling.metadata), Times::of(&found.metadata)) {
                siblings.push((sibling, coding));
            }
        }
        let codings: Vec<Coding> = siblings.iter().map(|(_, coding)| *coding).collect();
        Ok(match encoding::choose(Some(&accepted), &codings) {
            Choice::Coded(chosen) => siblings.into_iter().find(|(_, coding)| *coding == chosen),
            Choice::Identity | Choice::NotAcceptable => None,
        })
    }
}

/// Whether If-Range has this strong entity tag.
fn is_tagged_by_if_range(request: &Request<'_>, etag: &str) -> bool {
    combined(request, "If-Range")
        .and_then(|field| EntityTag::parse(&field).map(|tag| tag.is_strongly(etag)))
        .unwrap_or(false)
}

/// The coding of the file itself, by its name and confirmed by its first bytes. There is no other form, so every client
/// gets it.
fn own_coding(
    path: &[u8],
    media_type: &str,
    found: &ReadableFile,
    turn: &Turn<'_>,
) -> Result<Option<Coding>, WouldBlock> {
    let Some(coding) = encoding::promised_by_name(path, media_type) else {
        return Ok(None);
    };
    let mut buffer = [0; encoding::MAGIC];
    Ok(match found.start(&mut buffer, turn.permission())? {
        Ok(start) => coding.begins(start).then_some(coding),
        Err(error) => {
            log::debug!("GET: cannot tell whether this is compressed: {error}");
            None
        }
    })
}

/// The modification time and the change time of a file.
#[derive(Clone, Copy)]
struct Times {
    modified: SystemTime,
    changed: SystemTime,
}

impl Times {
    fn of(file: &Metadata) -> Self {
        Self {
            modified: file.modified(),
            changed: file.changed(),
        }
    }
}

/// Whether a sibling is not older than its file.
///
/// Some compressors set the modification time of their output to that of the input in whole seconds. Within that
/// second, the change time decides, since no program can set it.
fn is_current(sibling: Times, file: Times) -> bool {
    if sibling.modified >= file.modified {
        return true;
    }
    let whole = whole_seconds(sibling.modified);
    whole == sibling.modified
        && whole == whole_seconds(file.modified)
        && sibling.changed >= file.changed
}

/// The time without its part of a second; unchanged before the epoch.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let part = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    time - Duration::new(0, part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sibling_counts_unless_it_is_older() {
        // In milliseconds: the sibling's modification and change times, the file's, and whether the sibling is used.
        for (sibling, file, expected) in [
            ((5_500, 5_500), (5_500, 5_500), true),
            ((5_501, 5_501), (5_500, 5_500), true),
            ((5_499, 5_499), (5_500, 5_500), false),
            ((6_000, 6_000), (5_500, 5_500), true),
            // The time of the file, in whole seconds, given to a sibling that was made after it.
            ((5_000, 5_900), (5_500, 5_500), true),
            ((5_000, 5_500), (5_500, 5_500), true),
            // The file was replaced within the second.
            ((5_000, 5_600), (5_900, 5_900), false),
            // Another second is another time.
            ((4_000, 6_000), (5_500, 5_500), false),
            // A deployment that preserves modification times, in any order of files.
            ((1_500, 9_000), (1_500, 9_500), true),
            ((1_600, 9_000), (1_500, 9_500), true),
            ((1_400, 9_600), (1_500, 9_500), false),
        ] {
            let at = |milliseconds| UNIX_EPOCH + Duration::from_millis(milliseconds);
            let times = |(modified, changed)| Times {
                modified: at(modified),
                changed: at(changed),
            };
            assert_eq!(
                is_current(times(sibling), times(file)),
                expected,
                "{sibling:?} {file:?}"
            );
        }
    }
}
