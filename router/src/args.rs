//! Where a routing value comes from, and how it is read for one execution.

use catalog::temporal::DateTime;
use catalog::{KeyType, KeyValue, Unroutable, Use};
use sql::LexMode;
use sql::lexer::{Token, TokenKind};
use sql::literal::unescape;

/// Place of a value in a statement; the same for all texts with one digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A literal token, with a minus sign in front if `negated`.
    Literal {
        /// Index of the token.
        token: u32,
        /// A minus sign stands in front.
        negated: bool,
    },
    /// The parameter with this number, from 0.
    Param(u16),
    /// NULL.
    Null,
    /// DATABASE(): the name of the current database. Only information_schema is asked by it.
    Database,
}

/// A parameter as routing sees it; the proxy makes these from the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamRef<'a> {
    /// NULL.
    Null,
    /// A whole number.
    Int(i128),
    /// A floating-point number.
    Double(f64),
    /// The digits of a decimal number.
    Decimal(&'a [u8]),
    /// Text.
    Bytes(&'a [u8]),
    /// Bytes that are no text.
    Binary(&'a [u8]),
    /// A date or date-time; `None` if it is none of the calendar.
    DateTime(Option<DateTime>),
    /// Something that never routes (TIME, long data).
    Opaque,
}

/// The values of one execution.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    /// The statement.
    pub text: &'a [u8],
    /// Its tokens.
    pub tokens: &'a [Token],
    /// How its strings are read.
    pub mode: LexMode,
    /// Strings are UTF-8.
    pub utf8: bool,
    /// Parameters, for prepared statements.
    pub params: &'a [ParamRef<'a>],
}

const NO_PARAM: Unroutable = Unroutable("the parameter was not sent");
const NO_NUMBER: Unroutable = Unroutable("it is no decimal number");

impl Args<'_> {
    /// The key value at `source` for a column of type `kind`.
    pub fn key_value(
        &self,
        source: Source,
        kind: &KeyType,
        usage: Use,
    ) -> Result<KeyValue, Unroutable> {
        match source {
            Source::Null => Ok(KeyValue::Null),
            Source::Database => Err(Unroutable("DATABASE() is no constant")),
            Source::Param(n) => self.param(n, kind, usage),
            Source::Literal { token, negated } => self.literal(token, negated, kind, usage),
        }
    }

    fn param(&self, n: u16, kind: &KeyType, usage: Use) -> Result<KeyValue, Unroutable> {
        match *self.params.get(usize::from(n)).ok_or(NO_PARAM)? {
            ParamRef::Null => Ok(KeyValue::Null),
            ParamRef::Int(v) => kind.from_int(v, usage),
            ParamRef::Double(d) => kind.from_double(d, usage),
            ParamRef::Decimal(b) => {
                let digits = std::str::from_utf8(b).map_err(|_| NO_NUMBER)?;
                kind.from_decimal(digits, usage)
            }
            ParamRef::Bytes(b) => match kind {
                // The server may convert it from the client's character set to the connection's.
                KeyType::Bytes { .. } if self.utf8 || b.is_ascii() => {
                    kind.from_hex(b.to_vec(), usage)
                }
                _ => kind.from_text(b, self.utf8, usage),
            },
            ParamRef::Binary(b) => match kind {
                KeyType::Bytes { .. } => kind.from_hex(b.to_vec(), usage),
                // It is compared with, and stored as, the bytes of the column's own character set.
                KeyType::Text { collation, .. } => {
                    kind.from_text(b, collation.starts_with("utf8"), usage)
                }
                _ => kind.from_text(b, false, usage),
            },
            ParamRef::DateTime(Some(d)) => kind.from_datetime(d),
            ParamRef::DateTime(None) => Err(Unroutable("it is no date of the calendar")),
            ParamRef::Opaque => Err(Unroutable("its type cannot be a sharding key")),
        }
    }

    fn literal(
        &self,
        token: u32,
        negated: bool,
        kind: &KeyType,
        usage: Use,
    ) -> Result<KeyValue, Unroutable> {
        let lost = Unroutable("the literal was not found");
        let t = *self.tokens.get(token as usize).ok_or(lost)?;
        let raw = self.text.get(t.range()).ok_or(lost)?;
        match t.kind {
            TokenKind::Int => {
                let digits = std::str::from_utf8(raw).map_err(|_| lost)?;
                let n: i128 = digits
                    .parse()
                    .map_err(|_| Unroutable("the number is too large"))?;
                kind.from_int(if negated { -n } else { n }, usage)
            }
            TokenKind::Decimal => {
                let digits = std::str::from_utf8(raw).map_err(|_| lost)?;
                let sign = if negated { "-" } else { "" };
                kind.from_decimal(&format!("{sign}{digits}"), usage)
            }
            TokenKind::Str => {
                let bytes = unescape(raw, self.mode).ok_or(lost)?;
                kind.from_text(&bytes, self.utf8, usage)
            }
            TokenKind::Hex => kind.from_hex(hex(raw).ok_or(lost)?, usage),
            _ => Err(Unroutable(
                "this kind of literal cannot be compared exactly",
            )),
        }
    }

    /// The value as the statement has it, for messages; cut at 64 characters.
    pub fn show(&self, source: Source) -> String {
        match source {
            Source::Null => "NULL".to_string(),
            Source::Database => "DATABASE()".to_string(),
            Source::Param(n) => match self.params.get(usize::from(n)) {
                Some(ParamRef::Int(v)) => v.to_string(),
                Some(ParamRef::Null) => "NULL".to_string(),
                Some(ParamRef::Decimal(b)) => String::from_utf8_lossy(&b[..b.len().min(64)]).into(),
                Some(ParamRef::Bytes(b) | ParamRef::Binary(b)) => {
                    format!("'{}'", String::from_utf8_lossy(&b[..b.len().min(64)]))
                }
                _ => format!("parameter {}", n + 1),
            },
            Source::Literal { token, negated } => {
                let raw = self
                    .tokens
                    .get(token as usize)
                    .and_then(|t| self.text.get(t.range()));
                let raw = raw.unwrap_or_default();
                let text = String::from_utf8_lossy(&raw[..raw.len().min(64)]);
                format!("{}{text}", if negated { "-" } else { "" })
            }
        }
    }
}

/// The bytes of 0xff or x'ff'.
fn hex(raw: &[u8]) -> Option<Vec<u8>> {
    let digits = match raw {
        [b'0', b'x', rest @ ..] => rest,
        [_, b'\'', rest @ .., b'\''] => rest,
        _ => return None,
    };
    let text = std::str::from_utf8(digits).ok()?;
    let text = if text.len() % 2 == 1 {
        format!("0{text}")
    } else {
        text.to_string()
    };
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok())
        .collect()
}
