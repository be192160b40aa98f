//! Reads that find one row by a whole unique key, and how large that row can be.

use super::OneTable;
use catalog::Table;
use catalog::definition::Column;
use sql::ident::name_of;
use sql::lexer::{Op, Token, TokenKind};

/// Largest row that counts as small.
const ROW_BYTES_MAX: usize = 16 * 1024;
/// Bytes that a character takes at most.
const CHARACTER_BYTES: usize = 4;
/// Bytes of a value that is no text, as text.
const VALUE_BYTES: usize = 80;

/// True if the read finds at most one row, by an index, and a small one.
pub(super) fn finds_one_small_row(table: &Table, read: &OneTable<'_>, text: &[u8]) -> bool {
    let equal = read.equalities(text);
    let given = |c: &String| {
        let value = equal.iter().find(|(name, _)| name.eq_ignore_ascii_case(c));
        value.is_some_and(|(_, value)| uses_index(table.definition.column(c), *value))
    };
    if !table.definition.is_whole() {
        // An AUTO_INCREMENT column is the first of a key, and the rows' ids come from one place.
        let generated = table.auto_increment.as_ref();
        return generated.is_some_and(|a| given(&a.column));
    }
    let unique = table.definition.unique_keys.iter().any(|k| {
        let whole = k.partial.is_empty() && !k.columns.is_empty();
        whole && k.columns.iter().all(given)
    });
    unique && row_bytes(table, read.list, text).is_some_and(|n| n <= ROW_BYTES_MAX)
}

/// A text that is compared with a number is converted in every row.
fn uses_index(column: Option<&Column>, value: Token) -> bool {
    let number = matches!(
        value.kind,
        TokenKind::Int | TokenKind::Decimal | TokenKind::Float
    );
    !(number && column.is_some_and(|c| !c.collation.is_empty()))
}

/// Bytes that a row of the select list takes at most; `None` if nobody can tell.
fn row_bytes(table: &Table, list: &[Token], text: &[u8]) -> Option<usize> {
    // Calls, and values that differ from run to run.
    let may_grow = |t: &Token| {
        let long = matches!(t.kind, TokenKind::Str | TokenKind::Hex | TokenKind::Param);
        long || t.kind == TokenKind::Op(Op::LParen)
    };
    if list.iter().any(may_grow) {
        return None;
    }
    let all = list.iter().any(|t| t.kind == TokenKind::Op(Op::Star));
    let named = |c: &&Column| {
        let mut names = list.iter().filter_map(|t| name_of(text, *t));
        all || names.any(|n| n.eq_ignore_ascii_case(&c.name))
    };
    let columns = table.definition.columns.iter().filter(named);
    columns.map(value_bytes).sum()
}

fn value_bytes(column: &Column) -> Option<usize> {
    let (name, rest) = match column.data_type.split_once('(') {
        Some((name, rest)) => (name, rest),
        None => (column.data_type.as_str(), ""),
    };
    let length = || rest.split(')').next().and_then(|n| n.parse::<usize>().ok());
    match name.split(' ').next().unwrap_or_default() {
        "char" | "varchar" => length().map(|n| n * CHARACTER_BYTES),
        "binary" | "varbinary" => length(),
        "tinytext" | "tinyblob" => Some(255 * CHARACTER_BYTES),
        // One of them, or all.
        "enum" | "set" => Some(column.data_type.len() * CHARACTER_BYTES),
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float"
        | "double" | "bit" | "date" | "datetime" | "timestamp" | "time" | "year" | "uuid"
        | "inet4" | "inet6" => Some(VALUE_BYTES),
        _ => None,
    }
}
