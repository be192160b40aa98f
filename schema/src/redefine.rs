//! A table as its shards have it now, for the catalog to know.

use crate::foreign_key::{crossing, stays_on_one_shard};
use crate::{difference, key, server_changes};
use catalog::{Catalog, Placement, Redefined, Table, TableDefinition};
use std::sync::Arc;

/// What the catalog is to know of a table from now on, or why that cannot be: the shards, given by name with
/// what each has, disagree, or rows would not be where they belong.
pub fn redefined(
    catalog: &Catalog,
    table: &Table,
    found: &[(&str, &TableDefinition)],
) -> Result<Redefined, String> {
    let Some(((first, definition), others)) = found.split_first() else {
        return Err("no shard that should have it was read".to_string());
    };
    for (shard, other) in others {
        if let Some(what) = difference(other, definition, first) {
            return Err(format!("the shards differ; on {shard}: {what}"));
        }
    }
    if let Some(s) = table.sharding() {
        let names: Vec<_> = s.key.iter().map(|k| k.name.clone()).collect();
        let now = key::sharding_key(definition, &names)?;
        let mut pairs = now.iter().zip(&s.key);
        if let Some((now, _)) = pairs.find(|(a, b)| a.kind != b.kind) {
            return Err(format!(
                "the type of {}, which it is sharded by, has changed, and where rows belong depends on it: \
                 change it back",
                now.name
            ));
        }
        key::check_unique_keys(definition, &s.key, table.sequence_key())?;
    }
    let mut keys = definition.foreign_keys.iter();
    if let Some(k) = keys.find(|k| !stays_on_one_shard(catalog, &table.name, &table.placement, k)) {
        return Err(crossing(&table.name, &k.table));
    }
    server_changes::check(catalog, &table.name, &table.placement, definition)?;
    Ok(Redefined {
        table: table.name.clone(),
        definition: Arc::new((*definition).clone()),
        auto_increment: match table.placement {
            Placement::View(_) => None,
            _ => key::auto_increment(definition),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::definition::{Column, ForeignKey, UniqueKey};
    use catalog::{Function, GroupId, KeyColumn, KeyType, ShardId, Sharding, TableId, TableName};

    fn definition(key_type: &str) -> TableDefinition {
        let mut d = TableDefinition::of_names(["id", "n"]);
        d.columns[0].data_type = key_type.into();
        d.columns[1] = Column {
            auto_increment: true,
            data_type: "int".into(),
            ..d.columns[1].clone()
        };
        d
    }

    fn table() -> Table {
        let key = vec![KeyColumn {
            name: "id".into(),
            kind: KeyType::Integer {
                min: -128,
                max: 127,
            },
        }];
        let function = Function::even_hash(&[ShardId(1), ShardId(2)]);
        let sharding = Sharding::new(key, function, GroupId(1)).unwrap();
        Table {
            id: TableId(1),
            name: TableName::new("d", "t"),
            placement: Placement::Sharded(Box::new(sharding)),
            definition: TableDefinition::of_names(["id"]).into(),
            auto_increment: None,
        }
    }

    fn refused(found: &[(&str, &TableDefinition)]) -> String {
        redefined(&Catalog::default(), &table(), found).unwrap_err()
    }

    #[test]
    fn what_the_shards_agree_on_is_taken_over() {
        let d = definition("tinyint");
        let r = redefined(&Catalog::default(), &table(), &[("s1", &d), ("s2", &d)]).unwrap();
        assert_eq!(*r.definition, d);
        assert_eq!(r.auto_increment.unwrap().column, "n");
    }

    #[test]
    fn what_would_move_rows_is_not() {
        let good = definition("tinyint");
        assert!(refused(&[]).contains("no shard"));
        let mut other = good.clone();
        other.columns.push(good.columns[1].clone());
        other.columns[2].name = "more".into();
        let why = refused(&[("s1", &good), ("s2", &other)]);
        assert!(
            why.contains("on s2: it has a column more, which s1 has not"),
            "{why}"
        );
        assert!(refused(&[("s1", &definition("bigint"))]).contains("change it back"));
        assert!(refused(&[("s1", &definition("float"))]).contains("cannot be compared"));
        let mut unique = good.clone();
        unique.unique_keys.push(UniqueKey {
            name: "u".into(),
            columns: vec!["n".into()],
            partial: vec![],
        });
        assert!(refused(&[("s1", &unique)]).contains("unique key u (n)"));
        let mut foreign = good;
        foreign.foreign_keys.push(ForeignKey {
            name: "f".into(),
            columns: vec!["id".into()],
            table: TableName::new("d", "elsewhere"),
            referred: vec!["id".into()],
            on_update: Default::default(),
            on_delete: Default::default(),
        });
        assert!(refused(&[("s1", &foreign)]).contains("would cross shards"));
    }
}
