//! The grammar of chunk extensions, a byte at a time (RFC 9112 §7.1.1).
//!
//! It checks that extensions are well formed, and keeps nothing of them.

use crate::http::wire::syntax::{is_token_byte, is_value_byte};

/// A state within the extensions of one chunk.
//
// chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
// chunk-ext-name = token
// chunk-ext-val  = token / quoted-string
// quoted-string  = DQUOTE *( qdtext / quoted-pair ) DQUOTE        (RFC 9110 §5.6.4)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    /// In the white space before a `;`.
    BeforeSemicolon,
    /// Behind a `;`.
    BeforeName,
    Name,
    /// In the white space behind a name.
    AfterName,
    /// Behind a `=`.
    BeforeValue,
    Token,
    Quoted,
    /// Behind a backslash in a quoted string.
    Escaped,
    AfterQuoted,
}

impl Extension {
    /// The state after `byte`, which follows a chunk's size or the white space after it; `None` if no extension begins
    /// with it.
    pub(super) fn begin(byte: u8) -> Option<Self> {
        Self::BeforeSemicolon.next(byte)
    }

    /// The next state; `None` if the grammar does not allow this byte.
    pub(super) fn next(self, byte: u8) -> Option<Self> {
        match self {
            Self::Quoted => return quoted(byte),
            Self::Escaped => return is_value_byte(byte).then_some(Self::Quoted),
            _ => {}
        }
        match byte {
            b' ' | b'\t' => Some(self.after_space()),
            b';' => self.is_complete().then_some(Self::BeforeName),
            b'=' => matches!(self, Self::Name | Self::AfterName).then_some(Self::BeforeValue),
            b'"' => (self == Self::BeforeValue).then_some(Self::Quoted),
            _ if !is_token_byte(byte) => None,
            _ => match self {
                Self::BeforeName | Self::Name => Some(Self::Name),
                Self::BeforeValue | Self::Token => Some(Self::Token),
                _ => None,
            },
        }
    }

    /// The state after white space outside of quotes.
    fn after_space(self) -> Self {
        match self {
            Self::Token | Self::AfterQuoted => Self::BeforeSemicolon,
            Self::Name => Self::AfterName,
            other => other,
        }
    }

    /// Whether another extension may follow.
    fn is_complete(self) -> bool {
        self.may_end() || matches!(self, Self::BeforeSemicolon | Self::AfterName)
    }

    /// Whether the line may end here.
    pub(super) fn may_end(self) -> bool {
        matches!(self, Self::Name | Self::Token | Self::AfterQuoted)
    }
}

/// The state after a byte in a quoted string.
fn quoted(byte: u8) -> Option<Extension> {
    match byte {
        b'"' => Some(Extension::AfterQuoted),
        b'\\' => Some(Extension::Escaped),
        _ => is_value_byte(byte).then_some(Extension::Quoted),
    }
}
