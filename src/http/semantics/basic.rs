//! Basic authentication (RFC 7617): a name and a password in each request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::{Refusal, Request, StatusCode};

/// The value of `WWW-Authenticate`.
const CHALLENGE: &[u8] = b"Basic realm=\"files\", charset=\"UTF-8\"";

/// The credentials with which a client logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// 401 with the challenge that makes a client send credentials (RFC 9110 §15.5.2).
pub(crate) fn unauthorized(reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::Unauthorized, reason).with("WWW-Authenticate", CHALLENGE)
}

/// The credentials of a request, if it has any.
///
/// # Errors
/// 400 if the syntax of the field or of the scheme is wrong; 401 for another scheme, for text that is not UTF-8, and
/// for an empty password.
pub(crate) fn credentials(request: &Request<'_>) -> Result<Option<Credentials>, Refusal> {
    let mut fields = request.fields("Authorization");
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    if fields.next().is_some() {
        return Err(Refusal::bad_request("there are two Authorization fields"));
    }
    let end = field.iter().position(|&byte| byte == b' ');
    let (scheme, rest) = field.split_at(end.unwrap_or(field.len()));
    if !scheme.eq_ignore_ascii_case(b"Basic") {
        return Err(unauthorized("the only scheme is Basic"));
    }
    let decoded = STANDARD
        .decode(rest.trim_ascii())
        .map_err(|_| Refusal::bad_request("the credentials are not in base64"))?;
    let Ok(text) = String::from_utf8(decoded) else {
        return Err(unauthorized("the credentials are not UTF-8"));
    };
    let Some((name, password)) = text.split_once(':') else {
        let reason = "the credentials have no colon between name and password";
        return Err(Refusal::bad_request(reason));
    };
    if text.chars().any(char::is_control) {
        let reason = "the credentials have a control character";
        return Err(Refusal::bad_request(reason));
    }
    if password.is_empty() {
        return Err(unauthorized("the password is empty"));
    }
    Ok(Some(Credentials {
        name: name.to_owned(),
        password: password.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &str) -> Result<Option<(String, String)>, u16> {
        let head = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        let request = Request::parse(head.as_bytes()).unwrap();
        match credentials(&request) {
            Ok(found) => Ok(found.map(|found| (found.name, found.password))),
            Err(refusal) => {
                let is_challenge = refusal
                    .fields
                    .starts_with(b"WWW-Authenticate: Basic realm=");
                assert_eq!(is_challenge, refusal.status == StatusCode::Unauthorized);
                Err(refusal.status.code())
            }
        }
    }

    #[test]
    fn credentials_of_every_form_have_a_status() {
        let basic = |text: &[u8]| format!("Authorization: Basic {}\r\n", STANDARD.encode(text));
        let both = |name: &str, password: &str| Ok(Some((name.to_owned(), password.to_owned())));
        for (fields, expected) in [
            (String::new(), Ok(None)),
            (basic(b"ann:secret"), both("ann", "secret")),
            (basic(b"ann:a:b:c"), both("ann", "a:b:c")),
            (basic(b":secret"), both("", "secret")),
            (
                basic("\u{e5}nn:gr\u{fc}n".as_bytes()),
                both("\u{e5}nn", "gr\u{fc}n"),
            ),
            (basic(b"ann: "), both("ann", " ")),
            (
                basic(b"ann:secret").replace("Basic", "bASIC  "),
                both("ann", "secret"),
            ),
            (basic(b"ann:"), Err(401)),
            (basic(b"ann:\xff"), Err(401)),
            (basic(b"\xffnn:secret"), Err(401)),
            ("Authorization: Bearer abc\r\n".to_owned(), Err(401)),
            (
                "Authorization: Digest username=\"ann\"\r\n".to_owned(),
                Err(401),
            ),
            ("Authorization:\r\n".to_owned(), Err(401)),
            ("Authorization: Basic\r\n".to_owned(), Err(400)),
            ("Authorization: Basic ?\r\n".to_owned(), Err(400)),
            (
                "Authorization: Basic YW5uOnNlY3JldA\r\n".to_owned(),
                Err(400),
            ),
            ("Authorization: Basic YW5u OnNl\r\n".to_owned(), Err(400)),
            ("Authorization: Basic \u{ff}\r\n".to_owned(), Err(400)),
            (basic(b"ann"), Err(400)),
            (basic(b""), Err(400)),
            (basic(b"an\0n:secret"), Err(400)),
            (basic(b"ann:sec\nret"), Err(400)),
            (basic(b"ann:secret").repeat(2), Err(400)),
        ] {
            assert_eq!(found(&fields), expected, "{fields}");
        }
    }
}
