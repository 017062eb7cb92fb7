//! Checkpoints: the signed end of a seal at a moment, to be kept elsewhere.
//!
//! The text is that of a C2SP tlog-checkpoint, and the signature that of a C2SP signed note with Ed25519:
//!
//! ```text
//! ORIGIN
//! LINES
//! BASE64(CHAIN)
//! seal IDENTITY
//! entries ENTRIES
//!
//! — ORIGIN BASE64(KEY ID, SIGNATURE)
//! ```
//!
//! A seal is a chain and not a tree: the number of lines in all its files and the last chain value take the place of a
//! tree's size and root.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::{KeyPair, PublicKey, Seed, Signature};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::chain::Hash;

/// The number of the Ed25519 key type in signed notes.
const ED25519: u8 = 1;

/// The beginning of the text of a secret key.
const SECRET: &str = "PRIVATE+KEY+";

/// Bytes of a key id.
const KEY_ID: usize = 4;

/// The end of a seal at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the key that signs it.
    pub origin: String,
    /// The number of lines in all its files.
    pub lines: u64,
    /// The chain value of the last.
    pub chain: Hash,
    /// The identity of the seal.
    pub identity: u64,
    /// Entries of the file that the last line is in.
    pub entries: u64,
}

/// A key that signs checkpoints.
pub struct SigningKey {
    name: String,
    pair: KeyPair,
}

/// A key that verifies the signatures of a [`SigningKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: PublicKey,
}

/// Why a text is not a checkpoint or a key, or has no valid signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The form is wrong.
    #[error("it is not a checkpoint of a seal")]
    Form,
    /// It is not a key.
    #[error("it is not a key for checkpoints, which `httpserver-log sign-key` makes")]
    Key,
    /// The name of a key is empty, or has a space or a plus sign.
    #[error("the name of a key must be a word without `+`, such as example.org/log")]
    Name,
    /// None of its signatures is from this key.
    #[error("it has no signature of this key")]
    Unsigned,
    /// It was changed after it was signed.
    #[error("its signature is wrong")]
    Signature,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            lines,
            chain,
            identity,
            entries,
        } = self;
        let chain = STANDARD.encode(chain.0);
        writeln!(
            formatter,
            "{origin}\n{lines}\n{chain}\nseal {identity:016x}\nentries {entries}"
        )
    }
}

impl Checkpoint {
    /// The checkpoint as a note, signed.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let text = self.to_string();
        let signature = key.pair.sk.sign(&text, None);
        let signed = [&key_id(&key.name, &key.pair.pk)[..], &signature[..]].concat();
        format!(
            "{text}\n\u{2014} {} {}\n",
            key.name,
            STANDARD.encode(signed)
        )
    }

    /// Reads a note. Its signatures are not verified here.
    ///
    /// # Errors
    /// `Form` if it is invalid.
    pub fn parse(note: &str) -> Result<Self, CheckpointError> {
        Self::read(note).ok_or(CheckpointError::Form)
    }

    fn read(note: &str) -> Option<Self> {
        let (text, _) = split(note)?;
        let mut lines = text.lines();
        let read = Self {
            origin: lines.next()?.to_owned(),
            lines: lines.next()?.parse().ok()?,
            chain: Hash(STANDARD.decode(lines.next()?).ok()?.try_into().ok()?),
            identity: u64::from_str_radix(lines.next()?.strip_prefix("seal ")?, 16).ok()?,
            entries: lines.next()?.strip_prefix("entries ")?.parse().ok()?,
        };
        // Only the exact form that this module writes is accepted, since nothing else is signed.
        (read.to_string() == text).then_some(read)
    }
}

/// Text and signatures of a note.
fn split(note: &str) -> Option<(&str, &str)> {
    let at = note.rfind("\n\n")?;
    Some((&note[..=at], &note[at + 2..]))
}

/// The first bytes of a key's hash, which distinguish it from other keys of the same name.
fn key_id(name: &str, key: &PublicKey) -> [u8; KEY_ID] {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(&key[..])
        .finalize();
    let mut id = [0; KEY_ID];
    id.copy_from_slice(&hash[..KEY_ID]);
    id
}

fn check_name(name: &str) -> Result<(), CheckpointError> {
    let is_word = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+');
    is_word.then_some(()).ok_or(CheckpointError::Name)
}

/// `NAME+ID+BASE64(TYPE, KEY)`
fn encode(name: &str, id: [u8; KEY_ID], key: &[u8]) -> String {
    let id = u32::from_be_bytes(id);
    format!(
        "{name}+{id:08x}+{}",
        STANDARD.encode([&[ED25519], key].concat())
    )
}

/// The name, the key's id and the key in the text of [`encode`].
fn decode(text: &str) -> Option<(String, u32, [u8; 32])> {
    let (name, rest) = text.trim().split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let key = STANDARD.decode(key).ok()?;
    let (&kind, key) = key.split_first()?;
    let is_form = kind == ED25519 && id.len() == 2 * KEY_ID && check_name(name).is_ok();
    let id = u32::from_str_radix(id, 16).ok().filter(|_| is_form)?;
    Some((name.to_owned(), id, key.try_into().ok()?))
}

impl SigningKey {
    /// A key of this name, from 32 random bytes.
    ///
    /// # Errors
    /// `Name` if the name is invalid.
    pub fn new(name: &str, random: [u8; 32]) -> Result<Self, CheckpointError> {
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            pair: KeyPair::from_seed(Seed::new(random)),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text for a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let id = key_id(&self.name, &self.pair.pk);
        format!(
            "{SECRET}{}",
            encode(&self.name, id, &self.pair.sk.seed()[..])
        )
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// `Key` if it is none.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let text = text
            .trim()
            .strip_prefix(SECRET)
            .ok_or(CheckpointError::Key)?;
        let (name, id, seed) = decode(text).ok_or(CheckpointError::Key)?;
        let key = Self::new(&name, seed)?;
        let own = u32::from_be_bytes(key_id(&name, &key.pair.pk));
        (own == id).then_some(key).ok_or(CheckpointError::Key)
    }

    /// The key that verifies its signatures.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey {
            name: self.name.clone(),
            key: self.pair.pk,
        }
    }
}

impl VerifyingKey {
    /// The text of the public key.
    #[must_use]
    pub fn to_text(&self) -> String {
        encode(&self.name, key_id(&self.name, &self.key), &self.key[..])
    }

    /// Parses the text of the public key.
    ///
    /// # Errors
    /// `Key` if it is none.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let (name, id, key) = decode(text).ok_or(CheckpointError::Key)?;
        let key = PublicKey::new(key);
        let own = u32::from_be_bytes(key_id(&name, &key));
        (own == id)
            .then_some(Self { name, key })
            .ok_or(CheckpointError::Key)
    }

    /// Verifies the signature of a note.
    ///
    /// # Errors
    /// `Unsigned` or `Signature`; `Form` if it is not a note.
    pub fn verify(&self, note: &str) -> Result<(), CheckpointError> {
        let (text, signatures) = split(note).ok_or(CheckpointError::Form)?;
        let id = key_id(&self.name, &self.key);
        let signature = signatures.lines().find_map(|line| {
            let signed = line.strip_prefix("\u{2014} ")?.strip_prefix(&self.name)?;
            let signed = STANDARD.decode(signed.strip_prefix(' ')?).ok()?;
            Signature::from_slice(signed.strip_prefix(&id)?).ok()
        });
        let signature = signature.ok_or(CheckpointError::Unsigned)?;
        self.key
            .verify(text, &signature)
            .map_err(|_| CheckpointError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "example.org/log".to_owned(),
            lines: 17,
            chain: Hash::of(b"a"),
            identity: 0xABC,
            entries: 12,
        }
    }

    fn key() -> SigningKey {
        SigningKey::new("example.org/log", [3; 32]).unwrap()
    }

    #[test]
    fn checkpoint_is_read_as_it_is_signed() {
        let note = checkpoint().sign(&key());
        let lines: Vec<_> = note.lines().collect();
        assert_eq!(
            lines[..6],
            [
                "example.org/log",
                "17",
                "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
                "seal 0000000000000abc",
                "entries 12",
                "",
            ]
        );
        assert_eq!(Checkpoint::parse(&note), Ok(checkpoint()));
        assert_eq!(key().verifying_key().verify(&note), Ok(()));
        let altered = note.replacen("17", "18", 1);
        assert_eq!(
            key().verifying_key().verify(&altered),
            Err(CheckpointError::Signature)
        );
        let other = SigningKey::new("example.org/log", [4; 32]).unwrap();
        assert_eq!(
            other.verifying_key().verify(&note),
            Err(CheckpointError::Unsigned)
        );
        for wrong in ["", "a\n\n", &note[5..], &note.replace("entries", "entry")] {
            let read = Checkpoint::parse(wrong);
            assert!(read.is_err() || read != Ok(checkpoint()), "{wrong}");
        }
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let (key, text) = (key(), key().to_text());
        assert!(text.starts_with("PRIVATE+KEY+example.org/log+"));
        let read = SigningKey::parse(&format!("{text}\n")).unwrap();
        assert_eq!(read.to_text(), text);
        let public = key.verifying_key();
        assert_eq!(VerifyingKey::parse(&public.to_text()), Ok(public.clone()));
        for wrong in ["", &text[1..], &text[..text.len() - 4], "PRIVATE+KEY+a+b"] {
            assert_eq!(SigningKey::parse(wrong).err(), Some(CheckpointError::Key));
        }
        let moved = public.to_text().replace("example.org", "example.net");
        assert_eq!(VerifyingKey::parse(&moved), Err(CheckpointError::Key));
        for name in ["", "a b", "a+b"] {
            assert_eq!(
                SigningKey::new(name, [0; 32]).err(),
                Some(CheckpointError::Name)
            );
        }
    }
}
