//! Sharding key values: from literals and parameters to something that hashes and compares exactly.

use crate::temporal::DateTime;
use crate::text::TextRule;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Whole numbers beyond this differ as strings but not as doubles.
const EXACT_DOUBLE: i128 = 1 << 53;
/// Decimals of so many digits are different doubles if they differ.
const EXACT_DOUBLE_DIGITS: usize = 15;

/// The type of a key column, as far as values and comparisons go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyType {
    /// Any integer type.
    Integer {
        /// Smallest value.
        min: i128,
        /// Largest value.
        max: i128,
    },
    /// DECIMAL(p, s).
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// DATE.
    Date,
    /// DATETIME(fsp).
    DateTime {
        /// Fractional digits.
        fsp: u8,
    },
    /// CHAR or VARCHAR.
    Text {
        /// How it compares.
        rule: TextRule,
        /// Its collation, for people and for checks.
        collation: String,
        /// Longest value in characters.
        chars: u32,
    },
    /// VARBINARY.
    Bytes {
        /// Longest value in bytes.
        len: u32,
    },
}

/// A value of a key column in canonical form; order is the column's order, NULL first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyValue {
    /// NULL.
    Null,
    /// Integers, and decimals scaled to whole numbers.
    Number(i128),
    /// Dates and date-times.
    Time(DateTime),
    /// Folded text or bytes.
    Bytes(Vec<u8>),
}

/// What a value is for: the server converts differently when it compares and when it stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// `column = value`
    Compare,
    /// INSERT of the value.
    Store,
}

/// The value's place cannot be told without the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unroutable(pub &'static str);

const WRONG_CLASS: Unroutable =
    Unroutable("it is of another type than the column, and the server's conversion decides");
const OUT_OF_RANGE: Unroutable = Unroutable("it is out of the column's range");
const TOO_LONG: Unroutable = Unroutable("it is longer than the column");

impl KeyType {
    /// From a whole number.
    pub fn from_int(&self, n: i128, usage: Use) -> Result<KeyValue, Unroutable> {
        match self {
            KeyType::Integer { min, max } => {
                if usage == Use::Store && !(*min..=*max).contains(&n) {
                    return Err(OUT_OF_RANGE);
                }
                Ok(KeyValue::Number(n))
            }
            KeyType::Decimal { precision, scale } => {
                let v = n
                    .checked_mul(10i128.pow(u32::from(*scale)))
                    .ok_or(OUT_OF_RANGE)?;
                if usage == Use::Store && v.abs() >= 10i128.pow(u32::from(*precision)) {
                    return Err(OUT_OF_RANGE);
                }
                Ok(KeyValue::Number(v))
            }
            KeyType::Text { .. } if usage == Use::Store => {
                self.from_text(n.to_string().as_bytes(), true, usage)
            }
            _ => Err(WRONG_CLASS),
        }
    }

    /// From a decimal number's text, sign included.
    pub fn from_decimal(&self, text: &str, usage: Use) -> Result<KeyValue, Unroutable> {
        let (precision, scale) = match self {
            KeyType::Decimal { precision, scale } => (precision, scale),
            KeyType::Integer { .. } => {
                let whole = without_zero_fraction(text);
                let n = whole.parse().map_err(|_| WRONG_CLASS)?;
                return self.from_int(n, usage);
            }
            // A server compares text and numbers as doubles: '5', '5.0' and '05' are all equal to 5.
            KeyType::Text { .. } if usage == Use::Store && is_printed_decimal(text) => {
                return self.from_text(text.as_bytes(), true, usage);
            }
            _ => return Err(WRONG_CLASS),
        };
        let (whole, frac) = text.split_once('.').unwrap_or((text, ""));
        let frac = frac.trim_end_matches('0');
        if frac.len() > usize::from(*scale) {
            return Err(Unroutable(
                "it has more digits behind the point than the column",
            ));
        }
        let digits = format!("{whole}{frac:0<width$}", width = usize::from(*scale));
        let v: i128 = digits.parse().map_err(|_| WRONG_CLASS)?;
        if v.abs() >= 10i128.pow(u32::from(*precision)) {
            return Err(OUT_OF_RANGE);
        }
        Ok(KeyValue::Number(v))
    }

    /// From a string; `utf8` tells whether bytes beyond ASCII are UTF-8.
    pub fn from_text(&self, s: &[u8], utf8: bool, usage: Use) -> Result<KeyValue, Unroutable> {
        match self {
            KeyType::Integer { .. } => {
                let n = canonical_int(s).ok_or(WRONG_CLASS)?;
                if usage == Use::Compare && n.abs() >= EXACT_DOUBLE {
                    return Err(WRONG_CLASS);
                }
                self.from_int(n, usage)
            }
            KeyType::Decimal { .. } => match std::str::from_utf8(s) {
                Ok(t) if is_plain_decimal(t) && self.is_one_double(t, usage) => {
                    self.from_decimal(t, usage)
                }
                _ => Err(WRONG_CLASS),
            },
            KeyType::Date | KeyType::DateTime { .. } => {
                let d = std::str::from_utf8(s).ok().and_then(DateTime::parse);
                self.from_datetime(d.ok_or(Unroutable("it is no date in full spelling"))?)
            }
            KeyType::Text { rule, chars, .. } => {
                if !utf8 && !s.is_ascii() {
                    return Err(Unroutable("the connection's character set is not UTF-8"));
                }
                let text = std::str::from_utf8(s).map_err(|_| Unroutable("it is no UTF-8"))?;
                let bytes = rule.canonical(s).map_err(Unroutable)?;
                if usage == Use::Store
                    && text.trim_end_matches(' ').chars().count() > *chars as usize
                {
                    return Err(TOO_LONG);
                }
                Ok(KeyValue::Bytes(bytes))
            }
            KeyType::Bytes { len } => {
                if !s.is_ascii() {
                    return Err(Unroutable("use a hexadecimal literal for binary keys"));
                }
                if usage == Use::Store && s.len() > *len as usize {
                    return Err(TOO_LONG);
                }
                Ok(KeyValue::Bytes(s.to_vec()))
            }
        }
    }

    /// From bytes written as a hexadecimal literal.
    pub fn from_hex(&self, bytes: Vec<u8>, usage: Use) -> Result<KeyValue, Unroutable> {
        match self {
            KeyType::Bytes { len } if usage == Use::Compare || bytes.len() <= *len as usize => {
                Ok(KeyValue::Bytes(bytes))
            }
            KeyType::Bytes { .. } => Err(TOO_LONG),
            _ => Err(WRONG_CLASS),
        }
    }

    /// From a floating-point number: only whole ones, for number columns.
    pub fn from_double(&self, d: f64, usage: Use) -> Result<KeyValue, Unroutable> {
        let whole = d.fract() == 0.0 && d.abs() < EXACT_DOUBLE as f64;
        match self {
            KeyType::Integer { .. } | KeyType::Decimal { .. }
                if whole && self.is_one_double("", usage) =>
            {
                self.from_int(d as i128, usage)
            }
            _ => Err(WRONG_CLASS),
        }
    }

    /// False if a server that compares the column's values and this text as doubles finds different ones
    /// equal. What it stores is not compared.
    fn is_one_double(&self, text: &str, usage: Use) -> bool {
        let digits = match self {
            KeyType::Decimal { precision, .. } => text.len().max(usize::from(*precision)),
            _ => text.len(),
        };
        usage == Use::Store || digits <= EXACT_DOUBLE_DIGITS
    }

    /// From a date or date-time.
    pub fn from_datetime(&self, d: DateTime) -> Result<KeyValue, Unroutable> {
        match self {
            KeyType::Date if d.micros == 0 => Ok(KeyValue::Time(d)),
            KeyType::DateTime { fsp } if d.fits(*fsp) => Ok(KeyValue::Time(d)),
            KeyType::Date => Err(Unroutable("it has a time of day and the column has none")),
            KeyType::DateTime { .. } => {
                Err(Unroutable("it has more fractional digits than the column"))
            }
            _ => Err(WRONG_CLASS),
        }
    }

    /// The canonical text that is hashed; a server computes the same from its column.
    pub fn hash_text(&self, value: &KeyValue, out: &mut HashText) {
        match (self, value) {
            (_, KeyValue::Null) => {}
            (KeyType::Decimal { scale, .. }, KeyValue::Number(n)) => {
                out.put(decimal_text(*n, *scale).as_bytes());
            }
            (_, KeyValue::Number(n)) => {
                use std::fmt::Write;
                // Writing to memory cannot fail.
                let _ = write!(out, "{n}");
            }
            (KeyType::DateTime { fsp }, KeyValue::Time(t)) => {
                out.put(t.text(*fsp).as_bytes());
            }
            (_, KeyValue::Time(t)) => out.put(t.date_text().as_bytes()),
            (_, KeyValue::Bytes(b)) => out.put(b),
        }
    }

    /// True if equal values of both types hash and compare alike: their widest types are the same.
    pub fn is_compatible(&self, other: &KeyType) -> bool {
        match (self, other) {
            (KeyType::Integer { .. }, KeyType::Integer { .. }) => true,
            (KeyType::Text { collation: a, .. }, KeyType::Text { collation: b, .. }) => a == b,
            (KeyType::Bytes { .. }, KeyType::Bytes { .. }) => true,
            (a, b) => a == b,
        }
    }

    /// The widest type whose values hash and compare as those of this one: columns with one widest type
    /// have equal values in one place.
    pub fn widest(&self) -> KeyType {
        match self {
            KeyType::Integer { .. } => KeyType::Integer {
                min: i64::MIN.into(),
                max: u64::MAX.into(),
            },
            KeyType::Text {
                rule, collation, ..
            } => KeyType::Text {
                rule: *rule,
                collation: collation.clone(),
                chars: u32::MAX,
            },
            KeyType::Bytes { .. } => KeyType::Bytes { len: u32::MAX },
            other => other.clone(),
        }
    }
}

/// Digits with an optional minus, no leading zeros: the text a server prints for an integer.
fn canonical_int(s: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(s).ok()?;
    let n: i128 = text.parse().ok()?;
    (n.to_string() == text).then_some(n)
}

fn is_plain_decimal(t: &str) -> bool {
    let t = t.strip_prefix('-').unwrap_or(t);
    !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !t.starts_with('.')
}

/// `5.00` is 5.
fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, frac)) if frac.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}

/// True for the text that a server makes of a decimal: no leading zeros, a digit before the point, no -0.
fn is_printed_decimal(t: &str) -> bool {
    let digits = t.strip_prefix('-').unwrap_or(t);
    let (whole, frac) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let is_zero = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
    are_digits(whole)
        && are_digits(frac)
        && (whole == "0" || !whole.starts_with('0'))
        && !(is_zero && t.starts_with('-'))
}

/// The text of a key that is hashed; short ones need no allocation.
#[derive(Debug, Clone, Default)]
pub struct HashText(SmallVec<[u8; 64]>);

impl HashText {
    /// Appends bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Write for HashText {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.put(s.as_bytes());
        Ok(())
    }
}

fn decimal_text(n: i128, scale: u8) -> String {
    if scale == 0 {
        return n.to_string();
    }
    let digits = format!(
        "{:0>width$}",
        n.unsigned_abs(),
        width = usize::from(scale) + 1
    );
    let (whole, frac) = digits.split_at(digits.len() - usize::from(scale));
    format!("{}{whole}.{frac}", if n < 0 { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INT: KeyType = KeyType::Integer {
        min: -128,
        max: 127,
    };

    #[test]
    fn integers() {
        assert_eq!(INT.from_int(5, Use::Store), Ok(KeyValue::Number(5)));
        assert_eq!(INT.from_int(300, Use::Store), Err(OUT_OF_RANGE));
        assert_eq!(INT.from_int(300, Use::Compare), Ok(KeyValue::Number(300)));
        assert_eq!(
            INT.from_text(b"5", true, Use::Compare),
            Ok(KeyValue::Number(5))
        );
        for odd in ["05", " 5", "5.0", "5x", "+5", "-0"] {
            assert!(
                INT.from_text(odd.as_bytes(), true, Use::Compare).is_err(),
                "{odd}"
            );
        }
        assert!(INT.from_double(5.5, Use::Compare).is_err());
    }

    #[test]
    fn decimals_hash_as_the_server_prints_them() {
        let t = KeyType::Decimal {
            precision: 6,
            scale: 2,
        };
        let text = |v: &KeyValue| {
            let mut out = HashText::default();
            t.hash_text(v, &mut out);
            String::from_utf8(out.bytes().to_vec()).unwrap()
        };
        for (input, want) in [
            ("1.5", "1.50"),
            ("-0.05", "-0.05"),
            ("12", "12.00"),
            ("1.500", "1.50"),
        ] {
            assert_eq!(text(&t.from_decimal(input, Use::Compare).unwrap()), want);
        }
        for bad in ["1.505", "12345"] {
            assert!(t.from_decimal(bad, Use::Compare).is_err(), "{bad}");
        }
    }

    #[test]
    fn decimals_beside_other_types_mean_what_the_server_makes_of_them() {
        use Use::{Compare, Store};
        let number = |n| Ok(KeyValue::Number(n));
        assert_eq!(INT.from_decimal("5.00", Compare), number(5));
        assert!(INT.from_decimal("5.4", Compare).is_err());
        assert!(INT.from_decimal("500", Store).is_err());
        let rule = TextRule::of_collation("utf8mb4_bin").unwrap();
        let text = KeyType::Text {
            rule,
            collation: "utf8mb4_bin".into(),
            chars: 9,
        };
        assert!(
            text.from_decimal("5", Compare).is_err(),
            "'05' = 5 for a server"
        );
        let stored = Ok(KeyValue::Bytes(b"-0.50".to_vec()));
        assert_eq!(text.from_decimal("-0.50", Store), stored);
        for odd in ["05", ".5", "5.", "-0.0", "+5", "1e3", ""] {
            assert!(text.from_decimal(odd, Store).is_err(), "{odd}");
        }
    }

    #[test]
    fn long_decimals_are_not_compared_as_doubles() {
        let long = KeyType::Decimal {
            precision: 30,
            scale: 20,
        };
        assert!(long.from_text(b"0.1", true, Use::Compare).is_err());
        assert!(long.from_double(5.0, Use::Compare).is_err());
        assert!(long.from_text(b"0.1", true, Use::Store).is_ok());
        assert!(
            long.from_int(5, Use::Compare).is_ok() && long.from_double(5.0, Use::Store).is_ok()
        );
    }

    #[test]
    fn text_and_numbers_do_not_mix_in_comparisons() {
        let rule = TextRule::of_collation("utf8mb4_bin").unwrap();
        let t = KeyType::Text {
            rule,
            collation: "utf8mb4_bin".into(),
            chars: 3,
        };
        assert!(t.from_int(5, Use::Compare).is_err());
        assert_eq!(
            t.from_int(5, Use::Store),
            Ok(KeyValue::Bytes(b"5".to_vec()))
        );
        assert_eq!(t.from_text(b"abcd", true, Use::Store), Err(TOO_LONG));
        assert!(t.from_text(b"abcd", true, Use::Compare).is_ok());
        assert!(t.from_text(b"\xe4", false, Use::Compare).is_err());
    }

    #[test]
    fn compatible_types_have_one_widest_type() {
        let text = |collation: &str, chars| KeyType::Text {
            rule: TextRule::of_collation(collation).unwrap(),
            collation: collation.into(),
            chars,
        };
        let decimal = |precision, scale| KeyType::Decimal { precision, scale };
        let all = [
            INT,
            KeyType::Integer {
                min: 0,
                max: u64::MAX.into(),
            },
            decimal(6, 2),
            decimal(8, 2),
            KeyType::Date,
            KeyType::DateTime { fsp: 0 },
            KeyType::DateTime { fsp: 3 },
            text("utf8mb4_bin", 10),
            text("utf8mb4_bin", 20),
            text("latin1_bin", 10),
            KeyType::Bytes { len: 8 },
            KeyType::Bytes { len: 16 },
        ];
        for a in &all {
            for b in &all {
                assert_eq!(a.is_compatible(b), a.widest() == b.widest(), "{a:?} {b:?}");
            }
            assert_eq!(a.widest().widest(), a.widest());
        }
    }

    #[test]
    fn dates() {
        let d = DateTime::parse("2026-01-01 10:00:00").unwrap();
        assert!(KeyType::Date.from_datetime(d).is_err());
        assert!(KeyType::DateTime { fsp: 0 }.from_datetime(d).is_ok());
    }
}
