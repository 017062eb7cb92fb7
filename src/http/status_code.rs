//! The status codes this server sends, with their reason phrases.
//!
//! This is not a registry of all codes: codes that the server never sends are missing.

use std::fmt;

/// Declares [`StatusCode`] so that code, phrase and status line come from one row each.
macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $code:literal $reason:literal;)+) => {
        /// A status code that this server sends (RFC 9110 §15, RFC 6585 §5, RFC 4918 §11.5).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum StatusCode {
            $($(#[$doc])* $name = $code,)+
        }

        impl StatusCode {
            /// Every status, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The reason phrase, `Not Found`.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $reason,)+
                }
            }

            /// The whole status line with its line end, `HTTP/1.1 404 Not Found\r\n` (RFC 9112 §4).
            #[must_use]
            pub const fn line(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("HTTP/1.1 ", $code, " ", $reason, "\r\n"),)+
                }
            }
        }
    };
}

statuses! {
    /// RFC 9110 §15.2.1
    Continue = 100 "Continue";
    /// RFC 9110 §15.3.1
    Ok = 200 "OK";
    /// RFC 9110 §15.3.2
    Created = 201 "Created";
    /// RFC 9110 §15.3.5
    NoContent = 204 "No Content";
    /// RFC 9110 §15.3.7
    PartialContent = 206 "Partial Content";
    /// RFC 9110 §15.4.2
    MovedPermanently = 301 "Moved Permanently";
    /// RFC 9110 §15.4.4
    SeeOther = 303 "See Other";
    /// RFC 9110 §15.4.5
    NotModified = 304 "Not Modified";
    /// RFC 9110 §15.4.9
    PermanentRedirect = 308 "Permanent Redirect";
    /// RFC 9110 §15.5.1
    BadRequest = 400 "Bad Request";
    /// RFC 9110 §15.5.2
    Unauthorized = 401 "Unauthorized";
    /// RFC 9110 §15.5.4
    Forbidden = 403 "Forbidden";
    /// RFC 9110 §15.5.5
    NotFound = 404 "Not Found";
    /// RFC 9110 §15.5.6
    MethodNotAllowed = 405 "Method Not Allowed";
    /// RFC 9110 §15.5.9
    RequestTimeout = 408 "Request Timeout";
    /// RFC 9110 §15.5.10
    Conflict = 409 "Conflict";
    /// RFC 9110 §15.5.12
    LengthRequired = 411 "Length Required";
    /// RFC 9110 §15.5.13
    PreconditionFailed = 412 "Precondition Failed";
    /// RFC 9110 §15.5.14
    ContentTooLarge = 413 "Content Too Large";
    /// RFC 9110 §15.5.15
    UriTooLong = 414 "URI Too Long";
    /// RFC 9110 §15.5.16
    UnsupportedMediaType = 415 "Unsupported Media Type";
    /// RFC 9110 §15.5.17
    RangeNotSatisfiable = 416 "Range Not Satisfiable";
    /// RFC 9110 §15.5.18
    ExpectationFailed = 417 "Expectation Failed";
    /// RFC 9110 §15.5.20
    MisdirectedRequest = 421 "Misdirected Request";
    /// RFC 6585 §4
    TooManyRequests = 429 "Too Many Requests";
    /// RFC 6585 §5
    RequestHeaderFieldsTooLarge = 431 "Request Header Fields Too Large";
    /// RFC 9110 §15.6.1
    InternalServerError = 500 "Internal Server Error";
    /// RFC 9110 §15.6.2
    NotImplemented = 501 "Not Implemented";
    /// RFC 9110 §15.6.4
    ServiceUnavailable = 503 "Service Unavailable";
    /// RFC 9110 §15.6.6
    HttpVersionNotSupported = 505 "HTTP Version Not Supported";
    /// RFC 4918 §11.5
    InsufficientStorage = 507 "Insufficient Storage";
}

impl StatusCode {
    /// The three digits, 404.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for StatusCode {
    /// Code and phrase, `404 Not Found`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_three_digits_and_ascend() {
        for pair in StatusCode::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code(), "{pair:?}");
        }
        for status in StatusCode::ALL {
            assert!((100..600).contains(&status.code()), "{status:?}");
        }
    }

    #[test]
    fn line_is_made_of_code_and_reason() {
        for status in StatusCode::ALL {
            let expected = format!("HTTP/1.1 {} {}\r\n", status.code(), status.reason());
            assert_eq!(status.line(), expected);
            assert_eq!(format!("HTTP/1.1 {status}\r\n"), expected);
        }
    }

    #[test]
    fn renamed_phrases_are_those_of_rfc_9110() {
        for (status, line) in [
            (StatusCode::ContentTooLarge, "413 Content Too Large"),
            (StatusCode::UriTooLong, "414 URI Too Long"),
            (StatusCode::RangeNotSatisfiable, "416 Range Not Satisfiable"),
            (
                StatusCode::RequestHeaderFieldsTooLarge,
                "431 Request Header Fields Too Large",
            ),
            (StatusCode::InsufficientStorage, "507 Insufficient Storage"),
        ] {
            assert_eq!(status.to_string(), line);
        }
    }
}
