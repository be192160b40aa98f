//! Whether the rows of a table are where its rule says, and which id comes next.

use super::{Broken, Looked, Part, quoted, refused};
use catalog::{AutoIncrement, Catalog, KeyType, KeyValue, Sharding, TableName, Use};
use meta_client::MetaError;
use shard::ServerConn;
use sql::ident::quote_name;
use std::collections::BTreeMap;

async fn text_rows(conn: &mut ServerConn, sql: &str) -> Result<Vec<Vec<String>>, Broken> {
    let answer = conn.run(sql).await?;
    answer
        .text_rows()
        .map_err(|e| Broken(conn.broken(e).to_string()))
}

/// A reference table has the same rows everywhere.
pub(super) async fn same_rows(name: &TableName, infos: &mut Looked<'_>) -> Result<u64, MetaError> {
    let mut sums: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for (p, _, conn) in infos {
        let sql = format!("CHECKSUM TABLE {} EXTENDED", quoted(name));
        let rows = text_rows(conn, &sql).await?;
        let sum = rows.first().and_then(|r| r.get(1)).cloned();
        let sql = format!("SELECT COUNT(*) FROM {}", quoted(name));
        let rows = text_rows(conn, &sql).await?;
        let n = rows.first().and_then(|r| r.first()).cloned();
        count = n.as_deref().and_then(|n| n.parse().ok()).unwrap_or(0);
        let key = format!(
            "{} rows, checksum {}",
            n.unwrap_or_default(),
            sum.unwrap_or_default()
        );
        sums.entry(key).or_default().push(p.name.clone());
    }
    if sums.len() > 1 {
        let list: Vec<_> = sums
            .iter()
            .map(|(s, shards)| format!("{} on {}", s, shards.join(", ")))
            .collect();
        let list = list.join("; ");
        return Err(refused(format!(
            "the rows of {name} differ between the shards: {list}"
        )));
    }
    Ok(count)
}

/// Every row of a shard belongs there; gives how many there are.
pub(super) async fn rows_in_place(
    catalog: &Catalog,
    name: &TableName,
    sharding: &Sharding,
    part: &Part,
    conn: &mut ServerConn,
) -> Result<u64, Broken> {
    let columns: Vec<_> = sharding.key.iter().map(|k| quote_name(&k.name)).collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), quoted(name));
    let mut rows = 0;
    conn.scan(&sql, |row| {
        rows += 1;
        let shown = || {
            let text = |v: &Option<Vec<u8>>| match v {
                None => "NULL".to_string(),
                Some(v) => String::from_utf8_lossy(v).into_owned(),
            };
            row.iter().map(text).collect::<Vec<_>>().join(", ")
        };
        let mut key = Vec::with_capacity(row.len());
        for (value, column) in row.iter().zip(&sharding.key) {
            let value = key_value(value.as_deref(), &column.kind);
            key.push(
                value.map_err(|e| {
                    Broken(format!("{name} on {}: key {}: {e}", part.name, shown()))
                })?,
            );
        }
        match sharding.shard(&key) {
            Ok(shard) if shard == part.id => Ok(()),
            Ok(shard) => Err(Broken(format!(
                "the row of {name} with the key {} is on {}, and the rule places it on {}",
                shown(),
                part.name,
                catalog.shard_name(shard)
            ))),
            Err(_) => Err(Broken(format!(
                "the row of {name} with the key {} on {} is in no partition of the rule",
                shown(),
                part.name
            ))),
        }
    })
    .await?;
    Ok(rows)
}

/// A stored value, as a server writes it.
fn key_value(text: Option<&[u8]>, kind: &KeyType) -> Result<KeyValue, String> {
    let Some(text) = text else {
        return Ok(KeyValue::Null);
    };
    let plain = || std::str::from_utf8(text).map_err(|e| e.to_string());
    let value = match kind {
        KeyType::Integer { .. } => {
            let n = plain()?
                .parse()
                .map_err(|_| "it is no integer".to_string())?;
            kind.from_int(n, Use::Store)
        }
        KeyType::Decimal { .. } => kind.from_decimal(plain()?, Use::Store),
        KeyType::Bytes { .. } => kind.from_hex(text.to_vec(), Use::Store),
        _ => kind.from_text(text, true, Use::Store),
    };
    value.map_err(|e| e.to_string())
}

/// The id behind the largest one in use.
pub(super) async fn next_id(
    name: &TableName,
    auto: &Option<AutoIncrement>,
    infos: &mut Looked<'_>,
) -> Result<Option<u64>, MetaError> {
    let Some(auto) = auto else {
        return Ok(None);
    };
    let column = quote_name(&auto.column);
    let sql = format!("SELECT COALESCE(MAX({column}), 0) FROM {}", quoted(name));
    let mut largest = 0u64;
    for (_, _, conn) in infos {
        let rows = text_rows(conn, &sql).await?;
        let max = rows.first().and_then(|r| r.first()?.parse::<f64>().ok());
        let exact = rows.first().and_then(|r| r.first()?.parse::<u64>().ok());
        largest = largest.max(exact.unwrap_or(max.unwrap_or(0.0).max(0.0) as u64));
    }
    Ok(Some(largest.saturating_add(1)))
}
