//! Values of rows, as far as they are compared.

use super::decimal::Decimal;
use router::analyze::comparison::Comparison;
use std::cmp::Ordering;
use std::rc::Rc;
use wire::Malformed;
use wire::cells::RowShape;
use wire::column::{ResultColumn, column_type as t};
use wire::resultset::RowFormat;

const UNSIGNED: u16 = 0x20;

/// A value to compare.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    /// Whole numbers, and moments and times in microseconds or the like.
    Int(i128),
    Double(f64),
    Decimal(Decimal),
    Bytes(Vec<u8>),
}

/// How the weights of a collation go on behind their last character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pad {
    /// The shorter one is smaller.
    None,
    /// As if spaces followed, whose weight this is.
    Spaces(Rc<[u8]>),
}

/// How the bytes of a cell are read.
#[derive(Debug, Clone)]
enum Reading {
    Int,
    Double,
    Decimal,
    Moment,
    Time,
    Bytes(Pad),
}

/// Reads a column's values and compares them.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// The column's place in the row.
    pub at: usize,
    reading: Reading,
    kind: u8,
    is_unsigned: bool,
    format: RowFormat,
    pub is_descending: bool,
}

impl Reader {
    /// For a column as a server describes it; `None` if its values cannot be compared.
    pub(super) fn new(
        (at, column): (usize, &ResultColumn),
        format: RowFormat,
        by: &Comparison,
        pad: Option<Pad>,
        is_descending: bool,
    ) -> Option<Self> {
        let reading = match (by, column.kind) {
            (Comparison::Text(_), _) => Reading::Bytes(pad?),
            (Comparison::Bytes, _) => Reading::Bytes(Pad::None),
            (_, t::TINY | t::SHORT | t::LONG | t::LONGLONG | t::INT24 | t::YEAR) => Reading::Int,
            // What has nothing but NULLs.
            (_, t::NULL) => Reading::Int,
            (_, t::NEWDECIMAL | t::DECIMAL) => Reading::Decimal,
            (_, t::DOUBLE) => Reading::Double,
            (_, t::DATE | t::DATETIME) => Reading::Moment,
            (_, t::TIME) => Reading::Time,
            _ => return None,
        };
        Some(Self {
            at,
            reading,
            kind: column.kind,
            is_unsigned: column.flags & UNSIGNED != 0,
            format,
            is_descending,
        })
    }

    /// The value in a row.
    pub(super) fn value(&self, shape: &RowShape<'_>, row: &[u8]) -> Result<Value, Malformed> {
        match shape.cell(row, self.at)? {
            None => Ok(Value::Null),
            Some(cell) => self
                .read(cell)
                .ok_or(Malformed("a value that was promised otherwise")),
        }
    }

    fn read(&self, cell: &[u8]) -> Option<Value> {
        let is_text = self.format == RowFormat::Text;
        Some(match &self.reading {
            Reading::Bytes(_) => Value::Bytes(cell.to_vec()),
            Reading::Decimal => Value::Decimal(Decimal::parse(cell)?),
            Reading::Int if is_text => Value::Int(whole(cell)?),
            Reading::Int => Value::Int(little_endian(cell, self.is_unsigned)?),
            Reading::Double if is_text => {
                Value::Double(std::str::from_utf8(cell).ok()?.parse().ok()?)
            }
            Reading::Double => Value::Double(f64::from_le_bytes(cell.try_into().ok()?)),
            Reading::Moment if is_text => Value::Int(moment_of_text(cell)?),
            Reading::Moment => Value::Int(moment_of_binary(cell)?),
            Reading::Time if is_text => Value::Int(time_of_text(cell)?),
            Reading::Time => Value::Int(time_of_binary(cell)?),
        })
    }

    /// Which of two values comes first: NULL is the smallest.
    pub(super) fn compare(&self, a: &Value, b: &Value) -> Ordering {
        let ascending = match (a, b) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Less,
            (_, Value::Null) => Ordering::Greater,
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            // There is no NaN on a server, and both zeros are one.
            (Value::Double(a), Value::Double(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Value::Decimal(a), Value::Decimal(b)) => a.compare(b),
            (Value::Bytes(a), Value::Bytes(b)) => self.compare_bytes(a, b),
            _ => Ordering::Equal,
        };
        match self.is_descending {
            true => ascending.reverse(),
            false => ascending,
        }
    }

    fn compare_bytes(&self, a: &[u8], b: &[u8]) -> Ordering {
        match &self.reading {
            Reading::Bytes(Pad::Spaces(space)) => compare_padded(a, b, space),
            _ => a.cmp(b),
        }
    }

    /// The kind of the column, for those who compute with it.
    pub(super) fn is_exact_number(&self) -> bool {
        matches!(self.reading, Reading::Int | Reading::Decimal) && self.kind != t::NULL
    }
}

/// Weights, the shorter of which goes on with spaces.
fn compare_padded(a: &[u8], b: &[u8], space: &[u8]) -> Ordering {
    let common = a.len().min(b.len());
    let rest_against_spaces = |rest: &[u8]| {
        let spaces = space.iter().cycle();
        rest.iter()
            .zip(spaces)
            .map(|(x, y)| x.cmp(y))
            .find(|o| o.is_ne())
    };
    a[..common].cmp(&b[..common]).then_with(|| {
        let of_a = rest_against_spaces(&a[common..]);
        let of_b = rest_against_spaces(&b[common..]).map(Ordering::reverse);
        of_a.or(of_b).unwrap_or(Ordering::Equal)
    })
}

/// A whole number in digits.
pub(super) fn whole(text: &[u8]) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 38 {
        return None;
    }
    let mut out = 0i128;
    for d in digits {
        out = out * 10 + i128::from(d.is_ascii_digit().then(|| d - b'0')?);
    }
    Some(if negative { -out } else { out })
}

/// A whole number of a binary row.
pub(super) fn little_endian(cell: &[u8], is_unsigned: bool) -> Option<i128> {
    let mut bytes = [0u8; 8];
    bytes.get_mut(..cell.len())?.copy_from_slice(cell);
    let unsigned = u64::from_le_bytes(bytes);
    if is_unsigned || cell.is_empty() {
        return Some(unsigned.into());
    }
    let shift = 64 - 8 * cell.len() as u32;
    Some(((unsigned << shift) as i64 >> shift).into())
}

/// A number that grows with the moment: not a time span, months have 32 days.
fn moment(date: (i128, i128, i128), micros: i128) -> i128 {
    ((date.0 * 13 + date.1) * 32 + date.2) * 86_400_000_000 + micros
}

fn moment_of_text(cell: &[u8]) -> Option<i128> {
    let part = |from: usize, to: usize| whole(cell.get(from..to)?);
    let date = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    match cell.len() {
        10 => Some(moment(date, 0)),
        _ => Some(moment(date, clock(cell.get(11..)?)?)),
    }
}

/// Microseconds of `HH:MM:SS[.f]`, hours without a limit.
fn clock(text: &[u8]) -> Option<i128> {
    let mut parts = text.split(|b| *b == b':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let mut seconds = seconds.splitn(2, |b| *b == b'.');
    let whole_seconds = whole(seconds.next()?)?;
    let micros = match seconds.next() {
        None => 0,
        Some(f) => whole(f)? * 10i128.pow(6u32.checked_sub(f.len() as u32)?),
    };
    Some(((whole(hours)? * 60 + whole(minutes)?) * 60 + whole_seconds) * 1_000_000 + micros)
}

fn time_of_text(cell: &[u8]) -> Option<i128> {
    match cell {
        [b'-', rest @ ..] => clock(rest).map(|c| -c),
        rest => clock(rest),
    }
}

fn number(cell: &[u8], from: usize, to: usize) -> i128 {
    cell.get(from..to)
        .and_then(|b| little_endian(b, true))
        .unwrap_or(0)
}

fn moment_of_binary(cell: &[u8]) -> Option<i128> {
    let (len, c) = cell.split_first()?;
    if usize::from(*len) != c.len() {
        return None;
    }
    let date = (number(c, 0, 2), number(c, 2, 3), number(c, 3, 4));
    let seconds = (number(c, 4, 5) * 60 + number(c, 5, 6)) * 60 + number(c, 6, 7);
    Some(moment(date, seconds * 1_000_000 + number(c, 7, 11)))
}

fn time_of_binary(cell: &[u8]) -> Option<i128> {
    let (len, c) = cell.split_first()?;
    if usize::from(*len) != c.len() {
        return None;
    }
    let hours = number(c, 1, 5) * 24 + number(c, 5, 6);
    let seconds = (hours * 60 + number(c, 6, 7)) * 60 + number(c, 7, 8);
    let micros = seconds * 1_000_000 + number(c, 8, 12);
    Some(if number(c, 0, 1) == 1 {
        -micros
    } else {
        micros
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_go_on_with_spaces() {
        let space = [0, 0x20];
        let weights = |text: &str| -> Vec<u8> { text.bytes().flat_map(|b| [0, b]).collect() };
        let cmp = |a: &str, b: &str| compare_padded(&weights(a), &weights(b), &space);
        assert_eq!(cmp("A", "A  "), Ordering::Equal);
        assert_eq!(cmp("A", "A\t"), Ordering::Greater);
        assert_eq!(cmp("A \t", "A"), Ordering::Less);
        assert_eq!(cmp("A", "AB"), Ordering::Less);
        assert_eq!(cmp("B", "AB"), Ordering::Greater);
        assert_eq!(cmp("", ""), Ordering::Equal);
    }

    #[test]
    fn numbers_and_times_of_both_formats() {
        assert_eq!(whole(b"-0007"), Some(-7));
        assert_eq!(whole(b"1.5"), None);
        assert_eq!(little_endian(&[0xff], false), Some(-1));
        assert_eq!(little_endian(&[0xff, 0], false), Some(255));
        assert_eq!(little_endian(&[0xff; 8], true), Some(u64::MAX.into()));
        assert_eq!(time_of_text(b"-00:00:01.50"), Some(-1_500_000));
        assert_eq!(time_of_text(b"838:59:59"), Some(3_020_399_000_000));
        let binary = [12, 1, 0, 0, 0, 0, 0, 0, 1, 0x20, 0xa1, 7, 0];
        assert_eq!(time_of_binary(&binary), Some(-1_500_000));
        let text = moment_of_text(b"2026-02-28 23:59:59.123456");
        let binary = [11, 0xea, 7, 2, 28, 23, 59, 59, 0x40, 0xe2, 1, 0];
        assert_eq!(moment_of_binary(&binary), text);
        assert_eq!(moment_of_binary(&[0]), moment_of_text(b"0000-00-00"));
        assert!(moment_of_text(b"2026-03-01") > text);
    }
}
