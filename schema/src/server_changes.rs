//! What would let a server change a sharding key by itself: the row would stay where its old key placed it.
//! (A key column that the server computes or updates is no key at all: `key.rs`.)

use catalog::definition::{Action, ForeignKey, TableDefinition};
use catalog::{Catalog, Placement, Sharding, TableName};

/// The definition of a table with rows on several shards lets no server change what places a row, or the
/// reason why it does.
pub fn check(
    catalog: &Catalog,
    name: &TableName,
    placement: &Placement,
    definition: &TableDefinition,
) -> Result<(), String> {
    if let (Placement::Sharded(_) | Placement::Reference, Some(t)) =
        (placement, definition.triggers.first())
    {
        return Err(format!(
            "its trigger {} ({}) runs inside one server: it could change the sharding key of a row, or \
             rows of other tables on that shard only; drop the trigger, and do its work in the client's \
             statements",
            t.name, t.event
        ));
    }
    let Placement::Sharded(sharding) = placement else {
        return Ok(());
    };
    let mut keys = definition.foreign_keys.iter();
    keys.try_for_each(|k| check_foreign_key(catalog, name, sharding, k))
}

/// The same for one foreign key of a sharded table.
pub fn check_foreign_key(
    catalog: &Catalog,
    name: &TableName,
    sharding: &Sharding,
    key: &ForeignKey,
) -> Result<(), String> {
    let target = match key.table == *name {
        true => Some(sharding),
        false => catalog.tables.get(&key.table).and_then(|t| t.sharding()),
    };
    for (column, referred) in key.columns.iter().zip(&key.referred) {
        if sharding.key_index(column).is_none() {
            continue;
        }
        // The proxy refuses to change a column of the other table's sharding key, so nothing ever cascades.
        let is_fixed = target.is_some_and(|t| t.key_index(referred).is_some());
        let clause = match (key.on_update, key.on_delete) {
            (Action::Cascade, _) if !is_fixed => "ON UPDATE CASCADE",
            (Action::SetNull, _) => "ON UPDATE SET NULL",
            (Action::SetDefault, _) => "ON UPDATE SET DEFAULT",
            (_, Action::SetNull) => "ON DELETE SET NULL",
            (_, Action::SetDefault) => "ON DELETE SET DEFAULT",
            _ => continue,
        };
        return Err(format!(
            "{clause} of the foreign key to {} would let the server change {column}, which {name} is sharded \
             by, and the row would no longer be where its key says",
            key.table
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::definition::Trigger;
    use catalog::{Function, GroupId, KeyColumn, KeyType, ShardId, Table, TableId};

    fn sharded(key: &str) -> Placement {
        let key = vec![KeyColumn {
            name: key.into(),
            kind: KeyType::Integer { min: 0, max: 9 },
        }];
        let function = Function::even_hash(&[ShardId(1), ShardId(2)]);
        let sharding = Sharding::new(key, function, GroupId(1)).unwrap();
        Placement::Sharded(Box::new(sharding))
    }

    fn refused(to: &str, on_update: Action, on_delete: Action) -> Option<String> {
        let mut catalog = Catalog::default();
        for (name, placement) in [("users", sharded("id")), ("city", Placement::Reference)] {
            catalog.insert_table(Table {
                id: TableId(1),
                name: TableName::new("d", name),
                placement,
                definition: Default::default(),
                auto_increment: None,
            });
        }
        let mut definition = TableDefinition::default();
        definition.foreign_keys.push(ForeignKey {
            name: "f".into(),
            columns: vec!["n".into(), "USER_ID".into()],
            table: TableName::new("d", to),
            referred: vec!["n".into(), "id".into()],
            on_update,
            on_delete,
        });
        let own = TableName::new("d", "t");
        check(&catalog, &own, &sharded("user_id"), &definition).err()
    }

    #[test]
    fn what_changes_the_key_is_refused() {
        use Action::{Cascade, Restrict, SetDefault, SetNull};
        assert_eq!(
            refused("users", Cascade, Cascade),
            None,
            "users.id never changes"
        );
        assert_eq!(refused("city", Restrict, Cascade), None);
        for (to, on_update, on_delete, clause) in [
            ("city", Cascade, Restrict, "ON UPDATE CASCADE"),
            ("users", SetNull, Restrict, "ON UPDATE SET NULL"),
            ("users", Restrict, SetNull, "ON DELETE SET NULL"),
            ("city", Restrict, SetDefault, "ON DELETE SET DEFAULT"),
        ] {
            let why = refused(to, on_update, on_delete).unwrap_or_default();
            assert!(
                why.starts_with(clause) && why.contains("change USER_ID"),
                "{why}"
            );
        }
    }

    #[test]
    fn triggers_belong_to_single_tables() {
        let mut definition = TableDefinition::default();
        definition.triggers.push(Trigger {
            name: "g".into(),
            event: "BEFORE INSERT".into(),
            is_harmless: true,
        });
        let name = TableName::new("d", "t");
        let of = |p: &Placement| check(&Catalog::default(), &name, p, &definition);
        assert!(of(&Placement::Single(ShardId(1))).is_ok());
        for placement in [sharded("id"), Placement::Reference] {
            let why = of(&placement).unwrap_err();
            assert!(why.contains("its trigger g (BEFORE INSERT)"), "{why}");
        }
    }
}
