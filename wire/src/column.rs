//! Column definitions, and rows of text for the answers that the proxy makes itself.
//!
//! Source: MySQL "Protocol::ColumnDefinition41", "ProtocolText::ResultsetRow".

use crate::caps::MARIADB_CLIENT_EXTENDED_METADATA;
use crate::read::{Malformed, Reader, put_lenenc_bytes};

/// Column types, as they travel.
pub mod column_type {
    #![allow(missing_docs)] // MySQL's own names
    pub const DECIMAL: u8 = 0;
    pub const TINY: u8 = 1;
    pub const SHORT: u8 = 2;
    pub const LONG: u8 = 3;
    pub const FLOAT: u8 = 4;
    pub const DOUBLE: u8 = 5;
    pub const NULL: u8 = 6;
    pub const TIMESTAMP: u8 = 7;
    pub const LONGLONG: u8 = 8;
    pub const INT24: u8 = 9;
    pub const DATE: u8 = 10;
    pub const TIME: u8 = 11;
    pub const DATETIME: u8 = 12;
    pub const YEAR: u8 = 13;
    pub const VARCHAR: u8 = 15;
    pub const BIT: u8 = 16;
    pub const JSON: u8 = 245;
    pub const NEWDECIMAL: u8 = 246;
    pub const ENUM: u8 = 247;
    pub const SET: u8 = 248;
    pub const TINY_BLOB: u8 = 249;
    pub const MEDIUM_BLOB: u8 = 250;
    pub const LONG_BLOB: u8 = 251;
    pub const BLOB: u8 = 252;
    pub const VAR_STRING: u8 = 253;
    pub const STRING: u8 = 254;
    pub const GEOMETRY: u8 = 255;
}

/// Bytes of the fields behind the names.
const FIXED: usize = 0x0c;

/// A column definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// Database.
    pub database: String,
    /// Table alias.
    pub table: String,
    /// Table.
    pub org_table: String,
    /// Column alias.
    pub name: String,
    /// Column.
    pub org_name: String,
    /// Collation number (63 for numbers and binary data).
    pub collation: u16,
    /// Longest value, in bytes.
    pub length: u32,
    /// A number of [`column_type`].
    pub kind: u8,
    /// NOT_NULL_FLAG and so on.
    pub flags: u16,
    /// Digits behind the point.
    pub decimals: u8,
    /// What MariaDB says of types without a number of their own, as it travels; mostly nothing.
    pub extended: Vec<u8>,
}

impl ResultColumn {
    /// A text column of an answer that the proxy makes.
    pub fn text(name: &str, chars: u32) -> Self {
        Self {
            database: String::new(),
            table: String::new(),
            org_table: String::new(),
            name: name.to_string(),
            org_name: String::new(),
            collation: 45,
            length: chars * 4,
            kind: column_type::VAR_STRING,
            flags: 0,
            decimals: 39,
            extended: Vec::new(),
        }
    }

    /// A whole-number column (BIGINT UNSIGNED when `unsigned`).
    pub fn number(name: &str, unsigned: bool) -> Self {
        let flags = 0x80 | 0x01 | if unsigned { 0x20 } else { 0 };
        Self {
            collation: 63,
            length: 21,
            kind: column_type::LONGLONG,
            flags,
            decimals: 0,
            ..Self::text(name, 0)
        }
    }

    /// Appends the payload, for a client with these capabilities.
    pub fn encode(&self, out: &mut Vec<u8>, capabilities: u64) {
        put_lenenc_bytes(out, b"def");
        for s in [
            &self.database,
            &self.table,
            &self.org_table,
            &self.name,
            &self.org_name,
        ] {
            put_lenenc_bytes(out, s.as_bytes());
        }
        if capabilities & MARIADB_CLIENT_EXTENDED_METADATA != 0 {
            put_lenenc_bytes(out, &self.extended);
        }
        out.push(FIXED as u8);
        out.extend_from_slice(&self.collation.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.push(self.kind);
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.push(self.decimals);
        out.extend_from_slice(&[0, 0]);
    }

    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(payload);
        r.lenenc_bytes("catalog")?;
        let mut names = [const { String::new() }; 5];
        for slot in &mut names {
            *slot = String::from_utf8_lossy(r.lenenc_bytes("column name")?).into_owned();
        }
        let extended = match has_extended(r.rest()) {
            true => r.lenenc_bytes("extended metadata")?.to_vec(),
            false => Vec::new(),
        };
        r.lenenc("fixed length")?;
        let [database, table, org_table, name, org_name] = names;
        Ok(Self {
            database,
            table,
            org_table,
            name,
            org_name,
            collation: r.u16("collation")?,
            length: r.u32("length")?,
            kind: r.u8("type")?,
            flags: r.u16("flags")?,
            decimals: r.u8("decimals")?,
            extended,
        })
    }
}

/// True if extended metadata stands ahead of the fixed fields (MARIADB_CLIENT_EXTENDED_METADATA): what the
/// first byte gives the length of is not the last that there is.
fn has_extended(rest: &[u8]) -> bool {
    let Some((&len, behind)) = rest.split_first() else {
        return false;
    };
    let fixed = behind.get(usize::from(len)..).unwrap_or_default();
    fixed.first() == Some(&(FIXED as u8)) && fixed.len() > FIXED
}

/// Appends a text row; `None` is NULL.
pub fn put_text_row(out: &mut Vec<u8>, values: &[Option<&[u8]>]) {
    for v in values {
        match v {
            None => out.push(0xfb),
            Some(bytes) => put_lenenc_bytes(out, bytes),
        }
    }
}

/// Reads a text row of `columns` values.
pub fn decode_text_row(payload: &[u8], columns: usize) -> Result<Vec<Option<Vec<u8>>>, Malformed> {
    let mut r = Reader::new(payload);
    let mut out = Vec::with_capacity(columns.min(4096));
    for _ in 0..columns {
        if r.rest().first() == Some(&0xfb) {
            r.u8("null")?;
            out.push(None);
        } else {
            out.push(Some(r.lenenc_bytes("text value")?.to_vec()));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_rows_round_trip() {
        let c = ResultColumn {
            database: "shop".into(),
            ..ResultColumn::text("name", 10)
        };
        let mut out = Vec::new();
        c.encode(&mut out, 0);
        assert_eq!(ResultColumn::decode(&out), Ok(c.clone()));
        for extended in [&b""[..], b"\x00\x04json", b"\x00\x0amultipoint"] {
            let extended = extended.to_vec();
            let c = ResultColumn {
                extended,
                ..c.clone()
            };
            let mut out = Vec::new();
            c.encode(&mut out, MARIADB_CLIENT_EXTENDED_METADATA);
            assert_eq!(ResultColumn::decode(&out), Ok(c));
        }
        assert!(ResultColumn::decode(&out[..out.len() - 3]).is_err());
        let mut row = Vec::new();
        put_text_row(&mut row, &[Some(b"a"), None]);
        assert_eq!(
            decode_text_row(&row, 2),
            Ok(vec![Some(b"a".to_vec()), None])
        );
        assert!(decode_text_row(&row, 3).is_err());
    }
}
