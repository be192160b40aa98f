//! Rows of one group become one.

use super::decimal::Decimal;
use super::value::{Reader, Value, whole};
use router::plan::merge::Combine;
use std::cmp::Ordering;
use wire::Malformed;
use wire::cells::RowShape;
use wire::column::{ResultColumn, column_type as t};
use wire::read::put_lenenc_bytes;
use wire::resultset::RowFormat;

/// Digits of a DECIMAL, at most.
const DIGITS_MAX: usize = 65;
/// Most digits behind the point with which averages are computed here as on servers.
const AVERAGE_SCALE_MAX: u8 = 30;

/// What becomes of one column.
#[derive(Debug, Clone)]
pub(super) enum Column {
    First,
    Sum(Reader),
    /// The column to compare; true for the largest.
    Extreme(Reader, bool),
    Bits(Reader, fn(u64, u64) -> u64),
    Average {
        sum: Reader,
        count: Reader,
        scale: usize,
    },
}

impl Column {
    /// For a column as servers describe it; `read` makes the reader of a column. `None` if it cannot be
    /// combined exactly.
    pub(super) fn new(
        combine: &Combine,
        (at, column): (usize, &ResultColumn),
        visible: usize,
        read: impl Fn(usize) -> Option<Reader>,
        extreme: Option<Reader>,
    ) -> Option<Self> {
        let number = |at: usize| read(at).filter(Reader::is_exact_number);
        let bits = |f: fn(u64, u64) -> u64| {
            let whole = column.kind == t::LONGLONG;
            Some(Self::Bits(number(at).filter(|_| whole)?, f))
        };
        match combine {
            Combine::First => Some(Self::First),
            Combine::Sum => number(at).map(Self::Sum),
            Combine::Min(..) => extreme.map(|r| Self::Extreme(r, false)),
            Combine::Max(..) => extreme.map(|r| Self::Extreme(r, true)),
            Combine::BitAnd => bits(|a, b| a & b),
            Combine::BitOr => bits(|a, b| a | b),
            Combine::BitXor => bits(|a, b| a ^ b),
            Combine::Average { sum, count } => {
                let exact = column.kind == t::NEWDECIMAL && column.decimals <= AVERAGE_SCALE_MAX;
                exact.then_some(Self::Average {
                    sum: number(visible + sum)?,
                    count: number(visible + count)?,
                    scale: column.decimals.into(),
                })
            }
        }
    }
}

/// A group: the cells of its first row, and what was added to them.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Its first row, as it came.
    pub row: Vec<u8>,
    /// The values of its keys.
    pub keys: Vec<Value>,
    /// What its columns have become, once there is a second row.
    changed: Option<Vec<State>>,
}

#[derive(Debug, Clone)]
enum State {
    /// As in the first row.
    Kept,
    Number(Value),
    /// The value that is compared, and the cell that goes with it.
    Extreme(Value, Option<Vec<u8>>),
    Quotient(Value, u64),
}

impl Group {
    /// A group of one row.
    pub(super) fn of(row: &[u8], keys: Vec<Value>) -> Self {
        Self {
            row: row.to_vec(),
            keys,
            changed: None,
        }
    }

    /// Adds a row; false if it shows what the group has in common, or an equal smallest or largest value, in
    /// another way: which one a server shows depends on the order of its rows.
    pub(super) fn add(
        &mut self,
        columns: &[(usize, Column)],
        shape: &RowShape<'_>,
        row: &[u8],
    ) -> Result<bool, Malformed> {
        let mut is_alike = true;
        let mut states = match self.changed.take() {
            Some(states) => states,
            None => {
                let first = &self.row;
                let states = columns.iter();
                let states = states.map(|(n, c)| State::of(c, *n, shape, first));
                states.collect::<Result<_, _>>()?
            }
        };
        for ((n, column), state) in columns.iter().zip(&mut states) {
            let n = *n;
            match column {
                Column::First => is_alike &= shape.cell(&self.row, n)? == shape.cell(row, n)?,
                _ => is_alike &= state.add(State::of(column, n, shape, row)?, column)?,
            }
        }
        self.changed = Some(states);
        Ok(is_alike)
    }

    /// Appends the row of the group: the `visible` columns that the client asked for.
    pub(super) fn put(
        &self,
        (columns, visible): (&[(usize, Column)], usize),
        shape: &RowShape<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let Some(states) = &self.changed else {
            return shape.put_first(&self.row, visible, out);
        };
        let mut cells: Vec<Option<Vec<u8>>> = Vec::with_capacity(visible);
        for (state, (n, column)) in states.iter().zip(columns).take(visible) {
            let n = *n;
            cells.push(match state {
                State::Kept => shape.cell(&self.row, n)?.map(<[u8]>::to_vec),
                State::Extreme(_, cell) => cell.clone(),
                State::Number(value) => number_cell(value, shape.format, &shape.columns[n])?,
                State::Quotient(value, count) => match (value, column) {
                    (Value::Null, _) => None,
                    (value, Column::Average { scale, .. }) => {
                        Some(decimal(value)?.average(*count, *scale).text())
                    }
                    _ => None,
                },
            });
        }
        put_row(&cells, shape, out);
        Ok(())
    }

    /// The value of a column as it is now.
    pub(super) fn value(
        &self,
        reader: &Reader,
        columns: &[(usize, Column)],
        shape: &RowShape<'_>,
    ) -> Result<Value, Malformed> {
        let place = columns.iter().position(|(at, _)| *at == reader.at);
        let state = self.changed.as_ref().zip(place).and_then(|(c, p)| c.get(p));
        match (state, place.map(|p| &columns[p].1)) {
            (Some(State::Number(value)), _) => Ok(value.clone()),
            (Some(State::Quotient(Value::Null, _)), _) => Ok(Value::Null),
            (Some(State::Quotient(value, n)), Some(Column::Average { scale, .. })) => {
                Ok(Value::Decimal(decimal(value)?.average(*n, *scale)))
            }
            (Some(State::Extreme(value, _)), _) => Ok(value.clone()),
            _ => reader.value(shape, &self.row),
        }
    }
}

impl State {
    /// Of one row.
    fn of(column: &Column, n: usize, shape: &RowShape<'_>, row: &[u8]) -> Result<Self, Malformed> {
        Ok(match column {
            Column::First => State::Kept,
            Column::Sum(reader) | Column::Bits(reader, _) => {
                State::Number(reader.value(shape, row)?)
            }
            Column::Extreme(reader, _) => {
                let cell = shape.cell(row, n)?.map(<[u8]>::to_vec);
                State::Extreme(reader.value(shape, row)?, cell)
            }
            Column::Average { sum, count, .. } => {
                let rows = match count.value(shape, row)? {
                    Value::Int(n) => u64::try_from(n).map_err(|_| Malformed("a count"))?,
                    _ => 0,
                };
                State::Quotient(sum.value(shape, row)?, rows)
            }
        })
    }

    /// Adds a row; false if what it shows is equal and yet another cell.
    fn add(&mut self, more: State, column: &Column) -> Result<bool, Malformed> {
        match (self, more, column) {
            (State::Number(a), State::Number(b), Column::Sum(_)) => *a = plus(a, &b)?,
            (State::Number(a), State::Number(b), Column::Bits(_, f)) => {
                let bits = |v: &Value| match v {
                    Value::Int(n) => u64::try_from(*n).map_err(|_| Malformed("bits")),
                    _ => Err(Malformed("bits")),
                };
                *a = Value::Int(f(bits(a)?, bits(&b)?).into());
            }
            (
                State::Extreme(a, cell),
                State::Extreme(b, other),
                Column::Extreme(reader, largest),
            ) => {
                // NULL is no value.
                let order = match (&*a, &b) {
                    (_, Value::Null) => return Ok(true),
                    (Value::Null, _) => Ordering::Greater,
                    (a, b) if *largest => reader.compare(b, a),
                    (a, b) => reader.compare(a, b),
                };
                match order {
                    Ordering::Equal => return Ok(*cell == other),
                    Ordering::Greater => (*a, *cell) = (b, other),
                    Ordering::Less => {}
                }
            }
            (State::Quotient(a, n), State::Quotient(b, more), _) => {
                *a = plus(a, &b)?;
                *n = n.saturating_add(more);
            }
            _ => {}
        }
        Ok(true)
    }
}

/// The sum of two numbers; NULL is no number.
fn plus(a: &Value, b: &Value) -> Result<Value, Malformed> {
    Ok(match (a, b) {
        (Value::Null, other) | (other, Value::Null) => other.clone(),
        (Value::Int(a), Value::Int(b)) => Value::Int(a + b),
        (a, b) => {
            let sum = decimal(a)?.plus(&decimal(b)?);
            if sum.whole_digits() > DIGITS_MAX {
                return Err(Malformed("sums of shards that are too large together"));
            }
            Value::Decimal(sum)
        }
    })
}

fn decimal(value: &Value) -> Result<Decimal, Malformed> {
    match value {
        Value::Decimal(d) => Ok(d.clone()),
        Value::Int(n) => Decimal::parse(n.to_string().as_bytes()).ok_or(Malformed("a number")),
        _ => Err(Malformed("a number")),
    }
}

/// A number as a cell of a column.
fn number_cell(
    value: &Value,
    format: RowFormat,
    column: &ResultColumn,
) -> Result<Option<Vec<u8>>, Malformed> {
    let text = match value {
        Value::Null => return Ok(None),
        value => decimal(value)?.text(),
    };
    let is_binary = format == RowFormat::Binary && column.kind == t::LONGLONG;
    if !is_binary {
        return Ok(Some(text));
    }
    let number = whole(&text).ok_or(Malformed("a whole number"))?;
    let too_large = Malformed("counts of shards that are too large together");
    let bytes = match i64::try_from(number) {
        Ok(n) => n.to_le_bytes(),
        Err(_) => u64::try_from(number).map_err(|_| too_large)?.to_le_bytes(),
    };
    Ok(Some(bytes.to_vec()))
}

/// Appends a row of cells as they travel without their lengths.
fn put_row(cells: &[Option<Vec<u8>>], shape: &RowShape<'_>, out: &mut Vec<u8>) {
    if shape.format == RowFormat::Text {
        for cell in cells {
            match cell {
                None => out.push(0xfb),
                Some(bytes) => put_lenenc_bytes(out, bytes),
            }
        }
        return;
    }
    out.push(0);
    let at = out.len();
    out.resize(at + (cells.len() + 9) / 8, 0);
    for (n, (cell, column)) in cells.iter().zip(shape.columns).enumerate() {
        match cell {
            None => out[at + (n + 2) / 8] |= 1 << ((n + 2) % 8),
            // Numbers and dates have their length in them.
            Some(bytes) if wire::cells::is_bare(column.kind) => out.extend_from_slice(bytes),
            Some(bytes) => put_lenenc_bytes(out, bytes),
        }
    }
}
