//! Variables as the server has them, as literals that give them again on any connection.

use shard::{ServerConn, ShardError, TextRow};
use sql::ident::quote_name;
use wire::charset::charset_of;
use wire::column::{ResultColumn, column_type as t};

/// UNSIGNED, in the flags of a column.
const UNSIGNED: u16 = 32;

/// A variable and the literal of its value; user variables begin with @.
pub(super) type Reading = (String, String);

/// Reads session variables by their names.
pub(super) async fn system_variables(
    conn: &mut ServerConn,
    names: &[String],
) -> Result<Vec<Reading>, ShardError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<_> = names
        .iter()
        .map(|n| format!("@@session.{}", quote_name(n)))
        .collect();
    let (columns, row) = one_row(conn, &list, list.len()).await?;
    let values = row.into_iter().zip(&columns);
    let literals = values.map(|(cell, column)| system_literal(cell, column));
    Ok(names.iter().cloned().zip(literals).collect())
}

/// Reads user variables by their names (without @).
pub(super) async fn user_variables(
    conn: &mut ServerConn,
    names: &[String],
) -> Result<Vec<Reading>, ShardError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let item = |n: &String| {
        let v = format!("@{}", quote_name(n));
        format!("{v}, HEX({v}), COLLATION({v})")
    };
    let list: Vec<_> = names.iter().map(item).collect();
    let (columns, row) = one_row(conn, &list, 3 * list.len()).await?;
    let mut cells = row.into_iter();
    let mut out = Vec::new();
    for (name, column) in names.iter().zip(columns.iter().step_by(3)) {
        let mut next = || cells.next().flatten();
        let (value, hex, collation) = (next(), next(), next());
        let literal = user_literal(value, hex, collation, column);
        out.push((format!("@{name}"), literal));
    }
    Ok(out)
}

async fn one_row(
    conn: &mut ServerConn,
    list: &[String],
    width: usize,
) -> Result<(Vec<ResultColumn>, TextRow), ShardError> {
    let answer = conn.run(&format!("SELECT {}", list.join(", "))).await?;
    let (columns, rows) = answer.rows().map_err(|e| conn.broken(e))?;
    match rows.into_iter().next() {
        Some(row) if row.len() == width && columns.len() == row.len() => Ok((columns, row)),
        _ => Err(conn.broken("no row of variables")),
    }
}

fn is_number(kind: u8) -> bool {
    matches!(
        kind,
        t::DECIMAL..=t::DOUBLE | t::LONGLONG | t::INT24 | t::NEWDECIMAL
    )
}

/// Letters that mean themselves between quotes under every sql_mode and in every character set.
fn is_plain(text: &[u8]) -> bool {
    let plain = |b: &u8| (0x20..0x7f).contains(b) && !matches!(b, b'\'' | b'"' | b'\\' | b'`');
    text.iter().all(plain)
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn system_literal(cell: Option<Vec<u8>>, column: &ResultColumn) -> String {
    let Some(bytes) = cell else {
        return "NULL".to_string();
    };
    // A client may want results in UTF-16: what variables say is ASCII.
    let bytes: Vec<u8> = bytes.into_iter().filter(|b| *b != 0).collect();
    let text = String::from_utf8_lossy(&bytes);
    match is_plain(&bytes) {
        true if is_number(column.kind) => text.into_owned(),
        true => format!("'{text}'"),
        false => {
            let charset = charset_of(column.collation).unwrap_or("utf8mb4");
            format!("_{charset} x'{}'", hex_of(&bytes))
        }
    }
}

/// The literal has the type that the variable has: a number with an exponent is a double, one with a point
/// a decimal, and a string has its character set and collation.
fn user_literal(
    value: Option<Vec<u8>>,
    hex: Option<Vec<u8>>,
    collation: Option<Vec<u8>>,
    column: &ResultColumn,
) -> String {
    let (Some(value), Some(hex)) = (value, hex) else {
        return "NULL".to_string();
    };
    let text = || String::from_utf8_lossy(&value).into_owned();
    match column.kind {
        t::LONGLONG if column.flags & UNSIGNED != 0 => format!("CAST({} AS UNSIGNED)", text()),
        t::DOUBLE | t::FLOAT if value.contains(&b'e') => text(),
        t::DOUBLE | t::FLOAT => format!("{}e0", text()),
        t::NEWDECIMAL | t::DECIMAL if !value.contains(&b'.') => format!("{}.", text()),
        kind if is_number(kind) => text(),
        _ => {
            let collation = collation.unwrap_or_default();
            let collation = String::from_utf8_lossy(&collation);
            string_literal(&String::from_utf8_lossy(&hex), &collation)
        }
    }
}

fn string_literal(hex: &str, collation: &str) -> String {
    let collation: String = collation.chars().filter(|c| *c != '\0').collect();
    let charset = collation.split('_').next().unwrap_or_default();
    let hex: String = hex.chars().filter(|c| *c != '\0').collect();
    match charset {
        "" | "binary" => format!("_binary x'{hex}'"),
        _ => format!("_{charset} x'{hex}' COLLATE {collation}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: u8, flags: u16) -> ResultColumn {
        ResultColumn {
            kind,
            flags,
            ..ResultColumn::text("c", 1)
        }
    }

    fn of(kind: u8, flags: u16, value: &str) -> String {
        let some = |s: &str| Some(s.as_bytes().to_vec());
        let hex = hex_of(value.as_bytes());
        let collation = some("latin1_swedish_ci");
        user_literal(some(value), some(&hex), collation, &column(kind, flags))
    }

    #[test]
    fn literals_keep_types() {
        assert_eq!(of(t::LONGLONG, 0, "-7"), "-7");
        assert_eq!(of(t::LONGLONG, UNSIGNED, "7"), "CAST(7 AS UNSIGNED)");
        assert_eq!(of(t::DOUBLE, 0, "0.5"), "0.5e0");
        assert_eq!(of(t::DOUBLE, 0, "1e30"), "1e30");
        assert_eq!(of(t::NEWDECIMAL, 0, "5"), "5.");
        assert_eq!(of(t::NEWDECIMAL, 0, "3.333"), "3.333");
        let text = "_latin1 x'612762' COLLATE latin1_swedish_ci";
        assert_eq!(of(t::VARCHAR, 0, "a'b"), text);
        let nothing = user_literal(None, None, None, &column(t::LONGLONG, 0));
        assert_eq!(nothing, "NULL");
    }

    #[test]
    fn values_of_variables_read_the_same_under_every_sql_mode() {
        let text = |s: &[u8]| system_literal(Some(s.to_vec()), &column(t::VARCHAR, 0));
        assert_eq!(text(b"ANSI_QUOTES"), "'ANSI_QUOTES'");
        assert_eq!(text(b"a\\'b"), "_utf8mb4 x'615c2762'");
        assert_eq!(text(b"\0g\0b\0k"), "'gbk'");
    }
}
