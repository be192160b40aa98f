//! Schema drift: a shard's table that is not what the catalog, or the other shards, say it is.

use crate::Cluster;
use crate::probe::connect;
use admin_types::report::{Finding, Severity};
use catalog::definition::Column;
use catalog::{Catalog, Placement, ShardId, TableDefinition};
use schema::{Tables, difference};
use shard::{Login, ShardError};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What to do about a table that a shard lacks.
const ABSENT: &str = "create it there as it is elsewhere, or DROP TABLE it through the proxy";
/// What to do about one that is not what the catalog says.
const CHANGED: &str = "somebody changed it behind the proxy: change it back, or repeat the ALTER TABLE \
                       through the proxy";
/// What to do about one that is not the same on every shard.
const UNEQUAL: &str = "make the shards the same with ALTER TABLE";

/// Tables of one shard, by database.
pub(crate) type OnShard = BTreeMap<String, Tables>;

/// Reads the tables of the catalog's databases.
pub(crate) async fn read(login: &Login, catalog: &Catalog) -> Result<OnShard, ShardError> {
    let mut conn = connect(login).await?;
    let mut out = OnShard::new();
    for name in catalog.databases.keys() {
        let tables = schema::read::database(&mut conn, name).await?;
        out.insert(name.clone(), tables);
    }
    Ok(out)
}

/// Compares again and again; what is new goes to the log, and how much there is to a metric.
pub(crate) async fn watch(cluster: &Cluster, every: Duration) {
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
        // A change since the comparison began would be mistaken for drift.
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
pub(crate) fn compare(catalog: &Catalog, shards: &BTreeMap<ShardId, OnShard>) -> Vec<Finding> {
    let mut out = Vec::new();
    for table in catalog.tables.values() {
        let on = match &table.placement {
            Placement::Single(s) | Placement::View(s) => vec![*s],
            Placement::Reference => catalog.shard_ids(),
            Placement::Sharded(s) => s.shards().to_vec(),
        };
        let mut first: Option<(ShardId, &TableDefinition)> = None;
        for id in on {
            let Some(shard) = shards.get(&id) else {
                continue;
            };
            let subject = format!("table {} on {}", table.name, catalog.shard_name(id));
            let mut critical = |text: String, advice: &str| {
                let subject = subject.clone();
                out.push(Finding::new(Severity::Critical, subject, text, advice));
            };
            let found = shard.get(&table.name.database);
            let Some(found) = found.and_then(|d| d.get(&table.name.table)) else {
                critical("it is not there".to_string(), ABSENT);
                continue;
            };
            if let Some(text) = against_catalog(&table.columns, &found.definition) {
                critical(text, CHANGED);
            }
            match first {
                None => first = Some((id, &found.definition)),
                Some((other, known)) => {
                    let other = catalog.shard_name(other);
                    if let Some(text) = difference(&found.definition, known, other) {
                        critical(text, UNEQUAL);
                    }
                }
            }
        }
    }
    out
}

/// The catalog knows which columns an INSERT without a list fills: invisible ones are missing there.
fn against_catalog(known: &[String], here: &TableDefinition) -> Option<String> {
    if let Some(missing) = known.iter().find(|k| here.column(k).is_none()) {
        return Some(format!("it has no column {missing}, which the catalog has"));
    }
    let is_known = |c: &&Column| known.iter().any(|k| k.eq_ignore_ascii_case(&c.name));
    let order: Vec<_> = here.columns.iter().filter(is_known).collect();
    let mut pairs = order.iter().zip(known);
    let same = pairs.all(|(a, b)| a.name.eq_ignore_ascii_case(b));
    (!same).then(|| {
        let known = known.join(", ");
        format!("its columns have another order than the catalog has: {known}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{Table, TableId, TableName};
    use schema::TableInfo;

    fn table(list: &[(&str, &str)]) -> TableInfo {
        let column = |(name, data_type): &(&str, &str)| Column {
            name: name.to_string(),
            data_type: data_type.to_string(),
            ..Column::default()
        };
        let mut info = TableInfo::default();
        info.definition.columns = list.iter().map(column).collect();
        info
    }

    fn findings(there: [Option<TableInfo>; 2]) -> Vec<String> {
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
        c.insert_table(table);
        let mut shards = BTreeMap::new();
        for (id, info) in c.shard_ids().into_iter().zip(there) {
            let tables: Tables = info.map(|i| ("t".to_string(), i)).into_iter().collect();
            shards.insert(id, OnShard::from([("d".to_string(), tables)]));
        }
        compare(&c, &shards)
            .iter()
            .map(|f| format!("{}: {}", f.subject, f.text))
            .collect()
    }

    #[test]
    fn what_differs_is_named() {
        let good = table(&[("a", "int(11)"), ("b", "text")]);
        assert!(findings([Some(good.clone()), Some(good.clone())]).is_empty());
        let of = |other: Option<TableInfo>| findings([Some(good.clone()), other]).join("; ");
        assert_eq!(of(None), "table d.t on s2: it is not there");
        let less = of(Some(table(&[("a", "int(11)")])));
        assert!(
            less.contains("no column b, which the catalog has"),
            "{less}"
        );
        let wider = of(Some(table(&[("a", "bigint(20)"), ("b", "text")])));
        assert!(
            wider.contains("column a is bigint(20) not null, s1 has int(11)"),
            "{wider}"
        );
        let swapped = of(Some(table(&[("b", "text"), ("a", "int(11)")])));
        assert!(
            swapped.contains("another order than the catalog has: a, b"),
            "{swapped}"
        );
        let more = of(Some(table(&[
            ("a", "int(11)"),
            ("b", "text"),
            ("c", "int(11)"),
        ])));
        assert!(more.contains("a column c, which s1 has not"), "{more}");
    }
}
