//! Schema drift: a shard's table that is not what the catalog, or the other shards, say it is.

use crate::Cluster;
use crate::probe::connect;
use admin_types::report::{Finding, Severity};
use catalog::{Catalog, Placement, ShardId};
use shard::{Login, ShardError};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Columns of a table as one shard has them: name and type, in order.
type Columns = Vec<(String, String)>;
/// Tables of one shard by database and name.
pub type Tables = BTreeMap<(String, String), Columns>;

/// Reads the columns of every table of the catalog's databases.
pub async fn read(login: &Login, catalog: &Catalog) -> Result<Tables, ShardError> {
    let mut conn = connect(login).await?;
    let quoted = |d: &String| format!("'{}'", d.replace('\\', "\\\\").replace('\'', "''"));
    let databases: Vec<_> = catalog.databases.keys().map(quoted).collect();
    if databases.is_empty() {
        return Ok(Tables::new());
    }
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, \
         COALESCE(COLLATION_NAME, '') FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA IN ({}) ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
        databases.join(", ")
    );
    let answer = conn.run(&sql).await?;
    let mut out = Tables::new();
    for row in answer.text_rows().map_err(|e| conn.broken(e))? {
        let [database, table, column, kind, nullable, collation] = &row[..] else {
            continue;
        };
        let mut what = kind.clone();
        if nullable == "NO" {
            what.push_str(" not null");
        }
        if !collation.is_empty() {
            what = format!("{what} {collation}");
        }
        let of = out.entry((database.clone(), table.clone())).or_default();
        of.push((column.clone(), what));
    }
    Ok(out)
}

/// Looks again and again; tells in the log what is new, and in a metric how much there is.
pub async fn watch(cluster: &Cluster, every: Duration) {
    let mut known: Vec<Finding> = Vec::new();
    loop {
        tokio::time::sleep(every).await;
        let catalog = cluster.catalog();
        // While structure changes, shards differ for a moment.
        if !catalog.jobs.is_empty() {
            continue;
        }
        let handles = cluster.shards.all();
        let mut shards = BTreeMap::new();
        for s in catalog.shards.values() {
            if let Some(handle) = handles.get(&s.name)
                && let Ok(tables) = read(&handle.login, &catalog).await
            {
                shards.insert(s.id, tables);
            }
        }
        let found = compare(&catalog, &shards);
        // A change since the look began would be mistaken for drift.
        if cluster.catalog().epoch != catalog.epoch {
            continue;
        }
        for f in found.iter().filter(|f| !known.contains(f)) {
            tracing::warn!(table = f.subject, drift = f.text, "{}", f.advice);
        }
        cluster
            .schema_drift
            .store(found.len() as u64, Ordering::Relaxed);
        known = found;
    }
}

/// What differs, table by table. Shards that did not answer are left out.
pub fn compare(catalog: &Catalog, shards: &BTreeMap<ShardId, Tables>) -> Vec<Finding> {
    let mut out = Vec::new();
    for table in catalog.tables.values() {
        let on = match &table.placement {
            Placement::Single(s) | Placement::View(s) => vec![*s],
            Placement::Reference => catalog.shard_ids(),
            Placement::Sharded(s) => s.function.shards().to_vec(),
        };
        let key = (table.name.database.clone(), table.name.table.clone());
        let mut first: Option<(ShardId, &Columns)> = None;
        for id in on {
            let Some(tables) = shards.get(&id) else {
                continue;
            };
            let name = catalog.shard_name(id);
            let subject = format!("table {} on {name}", table.name);
            let Some(columns) = tables.get(&key) else {
                let advice =
                    "create it there as it is elsewhere, or DROP TABLE it through the proxy";
                out.push(Finding::new(
                    Severity::Critical,
                    subject,
                    "it is not there",
                    advice,
                ));
                continue;
            };
            if let Some(text) = against_catalog(&table.columns, columns) {
                let advice = "somebody changed it behind the proxy: change it back, or repeat the \
                              ALTER TABLE through the proxy";
                out.push(Finding::new(
                    Severity::Critical,
                    subject.clone(),
                    text,
                    advice,
                ));
            }
            match first {
                None => first = Some((id, columns)),
                Some((other, known)) => {
                    if let Some(text) = against_other(catalog.shard_name(other), known, columns) {
                        let advice = "make the shards the same with ALTER TABLE";
                        out.push(Finding::new(Severity::Critical, subject, text, advice));
                    }
                }
            }
        }
    }
    out
}

/// The catalog knows which columns an INSERT without a list fills: invisible ones are missing there.
fn against_catalog(known: &[String], there: &Columns) -> Option<String> {
    let missing: Vec<_> = known
        .iter()
        .filter(|k| !there.iter().any(|(n, _)| n.eq_ignore_ascii_case(k)))
        .collect();
    if let Some(first) = missing.first() {
        return Some(format!(
            "the catalog has a column {first}, the shard has not"
        ));
    }
    let order: Vec<_> = there
        .iter()
        .map(|(n, _)| n)
        .filter(|n| known.iter().any(|k| k.eq_ignore_ascii_case(n)))
        .collect();
    let same = order.len() == known.len()
        && order
            .iter()
            .zip(known)
            .all(|(a, b)| a.eq_ignore_ascii_case(b));
    (!same).then(|| "its columns have another order than in the catalog".to_string())
}

fn against_other(other: &str, known: &Columns, there: &Columns) -> Option<String> {
    for (name, kind) in known {
        match there.iter().find(|(n, _)| n == name) {
            None => return Some(format!("{other} has a column {name}, this shard has not")),
            Some((_, k)) if k != kind => {
                return Some(format!("column {name} is {k}, on {other} it is {kind}"));
            }
            Some(_) => {}
        }
    }
    let extra = there
        .iter()
        .find(|(n, _)| !known.iter().any(|(k, _)| k == n));
    extra.map(|(n, _)| format!("it has a column {n} that {other} has not"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{Table, TableId, TableName};
    use std::sync::Arc;

    fn columns(list: &[(&str, &str)]) -> Columns {
        list.iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect()
    }

    fn findings(there: [Option<Columns>; 2]) -> Vec<String> {
        let mut c = Catalog::default();
        for name in ["s1", "s2"] {
            let put = catalog::Command::PutShard {
                name: name.into(),
                host: "h".into(),
                port: 1,
            };
            c = c.apply(&put).unwrap();
        }
        let table = Table {
            id: TableId(1),
            name: TableName::new("d", "t"),
            placement: Placement::Reference,
            columns: vec!["a".into(), "b".into()],
            auto_increment: None,
        };
        c.tables_mut().insert(table.name.clone(), Arc::new(table));
        let mut shards = BTreeMap::new();
        for (id, columns) in c.shard_ids().into_iter().zip(there) {
            let key = ("d".to_string(), "t".to_string());
            shards.insert(id, columns.map(|c| (key, c)).into_iter().collect());
        }
        compare(&c, &shards)
            .iter()
            .map(|f| format!("{}: {}", f.subject, f.text))
            .collect()
    }

    #[test]
    fn what_differs_is_named() {
        let good = columns(&[("a", "int(11)"), ("b", "text")]);
        assert!(findings([Some(good.clone()), Some(good.clone())]).is_empty());
        let of = |other: Option<Columns>| findings([Some(good.clone()), other]).join("; ");
        assert_eq!(of(None), "table d.t on s2: it is not there");
        assert!(of(Some(columns(&[("a", "int(11)")]))).contains("a column b, the shard has not"));
        let wider = columns(&[("a", "bigint(20)"), ("b", "text")]);
        assert!(of(Some(wider)).contains("column a is bigint(20), on s1 it is int(11)"));
        let swapped = columns(&[("b", "text"), ("a", "int(11)")]);
        assert!(of(Some(swapped)).contains("another order"));
        let more = columns(&[("a", "int(11)"), ("b", "text"), ("c", "int(11)")]);
        assert!(of(Some(more)).contains("a column c that s1 has not"));
    }
}
