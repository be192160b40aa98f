//! The value of a literal, as routing needs it.

use crate::lexer::{Token, TokenKind};
use crate::mode::LexMode;
use std::borrow::Cow;

/// The bytes of a string literal with quotes and escapes taken away.
///
/// Source: MySQL "String Literals", table of escape sequences. `\%` and `\_` keep their backslash.
pub fn unescape<'a>(raw: &'a [u8], mode: LexMode) -> Option<Cow<'a, [u8]>> {
    let raw = match raw.first()? {
        b'n' | b'N' => raw.get(1..)?,
        _ => raw,
    };
    let quote = *raw.first()?;
    let inner = raw.get(1..raw.len().checked_sub(1)?)?;
    let escapes = !mode.no_backslash_escapes;
    if !inner.iter().any(|&b| b == quote || b == b'\\' && escapes) {
        return Some(Cow::Borrowed(inner));
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut i = 0;
    while i < inner.len() {
        let b = inner[i];
        i += 1;
        if b == b'\\' && escapes {
            let e = *inner.get(i)?;
            i += 1;
            match e {
                b'0' => out.push(0),
                b'b' => out.push(8),
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b't' => out.push(b'\t'),
                b'Z' => out.push(26),
                b'%' | b'_' => out.extend_from_slice(&[b'\\', e]),
                other => out.push(other),
            }
        } else {
            out.push(b);
            if b == quote {
                i += 1;
            }
        }
    }
    Some(Cow::Owned(out))
}

/// The unescaped text of a Str token, if it is UTF-8.
pub fn string_of(text: &[u8], token: Token, mode: LexMode) -> Option<String> {
    if token.kind != TokenKind::Str {
        return None;
    }
    let bytes = unescape(text.get(token.range())?, mode)?;
    String::from_utf8(bytes.into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_the_server_reads_them() {
        let get = |s: &str| {
            unescape(s.as_bytes(), LexMode::default())
                .unwrap()
                .into_owned()
        };
        assert_eq!(get(r"'a\nb''c\\\%\q'"), b"a\nb'c\\\\%q");
        assert_eq!(get(r#""a""b'c""#), b"a\"b'c");
        let raw = LexMode {
            no_backslash_escapes: true,
            ..Default::default()
        };
        assert_eq!(unescape(br"'a\n'", raw).unwrap().into_owned(), br"a\n");
    }
}
