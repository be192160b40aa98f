//! Whether a foreign key finds its rows on the shard where it looks for them.

use catalog::definition::ForeignKey;
use catalog::{Catalog, Placement, Sharding, TableName};

/// True if every row that a foreign key of this table refers to is on the shard of the row itself, so that
/// the shard can check it. A table that the catalog does not know is nowhere.
pub fn stays_on_one_shard(
    catalog: &Catalog,
    name: &TableName,
    placement: &Placement,
    key: &ForeignKey,
) -> bool {
    if key.table == *name {
        return match placement {
            Placement::Sharded(s) => is_aligned(s, s, key),
            _ => true,
        };
    }
    let Some(target) = catalog.tables.get(&key.table) else {
        return false;
    };
    match (placement, &target.placement) {
        (_, Placement::Reference) => true,
        (Placement::Single(a), Placement::Single(b)) => a == b,
        (Placement::Sharded(a), Placement::Sharded(b)) => {
            a.is_placed_like(b) && is_aligned(a, b, key)
        }
        _ => false,
    }
}

/// Why a foreign key that does not stay on one shard cannot be.
pub fn crossing(name: &TableName, target: &impl std::fmt::Display) -> String {
    format!(
        "the foreign key of {name} to {target} would cross shards: both tables must be sharded alike and the \
         foreign key must contain the sharding key, or {target} must be a reference table"
    )
}

/// True if each column of the sharding key refers to the one of the other table.
fn is_aligned(own: &Sharding, other: &Sharding, key: &ForeignKey) -> bool {
    own.key.iter().zip(&other.key).all(|(a, b)| {
        let mut pairs = key.columns.iter().zip(&key.referred);
        pairs.any(|(c, r)| c.eq_ignore_ascii_case(&a.name) && r.eq_ignore_ascii_case(&b.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{Function, GroupId, KeyColumn, KeyType, ShardId, Table, TableId};

    fn sharded(key: &str, shards: &[u32]) -> Placement {
        let key = vec![KeyColumn {
            name: key.into(),
            kind: KeyType::Integer { min: 0, max: 9 },
        }];
        let shards: Vec<_> = shards.iter().map(|s| ShardId(*s)).collect();
        let function = Function::even_hash(&shards);
        let sharding = Sharding::new(key, function, GroupId(shards.len() as u64));
        Placement::Sharded(Box::new(sharding.unwrap()))
    }

    fn catalog() -> Catalog {
        let mut c = Catalog::default();
        for (name, placement) in [
            ("users", sharded("id", &[1, 2])),
            ("other", sharded("id", &[1, 2, 3])),
            ("city", Placement::Reference),
            ("one", Placement::Single(ShardId(1))),
        ] {
            c.insert_table(Table {
                id: TableId(1),
                name: TableName::new("d", name),
                placement,
                definition: Default::default(),
                auto_increment: None,
            });
        }
        c
    }

    fn stays(placement: &Placement, columns: &[&str], to: &str, referred: &[&str]) -> bool {
        let names = |list: &[&str]| list.iter().map(|c| c.to_string()).collect();
        let key = ForeignKey {
            name: "f".into(),
            columns: names(columns),
            table: TableName::new("d", to),
            referred: names(referred),
            on_update: Default::default(),
            on_delete: Default::default(),
        };
        stays_on_one_shard(&catalog(), &TableName::new("d", "t"), placement, &key)
    }

    #[test]
    fn rows_that_refer_to_each_other_are_on_one_shard() {
        let own = sharded("user_id", &[1, 2]);
        assert!(stays(&own, &["n", "USER_ID"], "users", &["n", "id"]));
        assert!(
            !stays(&own, &["n"], "users", &["n"]),
            "without the sharding key"
        );
        assert!(
            !stays(&own, &["user_id", "n"], "users", &["n", "id"]),
            "crosswise"
        );
        assert!(
            !stays(&own, &["user_id"], "other", &["id"]),
            "placed otherwise"
        );
        assert!(stays(&own, &["n"], "city", &["id"]));
        assert!(!stays(&own, &["n"], "one", &["id"]));
        assert!(!stays(&own, &["n"], "nothing", &["id"]));
        let single = |n| Placement::Single(ShardId(n));
        assert!(stays(&single(1), &["n"], "one", &["id"]));
        assert!(!stays(&single(2), &["n"], "one", &["id"]));
        assert!(!stays(&Placement::Reference, &["n"], "one", &["id"]));
        assert!(stays(&Placement::Reference, &["n"], "city", &["id"]));
        assert!(stays(&own, &["user_id"], "t", &["user_id"]), "of itself");
        assert!(!stays(&own, &["parent"], "t", &["user_id"]));
    }
}
