//! SHOW SHARDED TABLES.

use crate::session::{Session, Stop};
use catalog::Catalog;
use router::plan::explain::placement_text;
use wire::resultset::ResultSet;

/// Every table of the catalog that the user may see.
pub(crate) fn rows(s: &Session, catalog: &Catalog) -> Result<ResultSet, Stop> {
    let names = [
        "Database",
        "Table",
        "Kind",
        "Key",
        "Partitions",
        "Group",
        "Shards",
        "Auto_increment",
    ];
    let mut set = ResultSet::with_text_columns(&names);
    for t in catalog.tables.values() {
        if !s.client.sees(catalog, &t.name.database)? {
            continue;
        }
        let (kind, key, shards) = placement_text(catalog, &t.placement);
        let sharding = t.sharding();
        let auto = t.auto_increment.as_ref().map(|a| a.column.clone());
        set.row([
            t.name.database.clone(),
            t.name.table.clone(),
            kind,
            key,
            sharding.map_or("1".to_string(), |s| s.group.partitions().len().to_string()),
            sharding.map_or(String::new(), |s| s.group.id.0.to_string()),
            shards,
            auto.unwrap_or_default(),
        ]);
    }
    Ok(set)
}
