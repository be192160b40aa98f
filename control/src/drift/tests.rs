//! Which differences are found, and what is said of each.

use super::*;
use catalog::{TableId, TableName};
use schema::TableInfo;

fn definition(list: &[(&str, &str)]) -> TableDefinition {
    let column = |(name, data_type): &(&str, &str)| Column {
        name: name.to_string(),
        data_type: data_type.to_string(),
        ..Column::default()
    };
    TableDefinition {
        columns: list.iter().map(column).collect(),
        ..TableDefinition::default()
    }
}

/// A table `d.t` on two shards.
fn catalog(placement: Placement, definition: TableDefinition) -> Catalog {
    let mut c = Catalog::default();
    for name in ["s1", "s2"] {
        let put = catalog::Command::PutShard {
            name: name.into(),
            host: "h".into(),
            port: 1,
        };
        c = c.apply(&put).unwrap();
    }
    c.insert_table(Table {
        id: TableId(1),
        name: TableName::new("d", "t"),
        placement,
        definition: definition.into(),
        auto_increment: None,
    });
    c
}

fn shards(there: [Option<TableDefinition>; 2]) -> BTreeMap<ShardId, OnShard> {
    let tables = |definition: Option<TableDefinition>| {
        let info = definition.map(|definition| TableInfo {
            definition,
            ..TableInfo::default()
        });
        let tables: TableInfos = info.map(|i| ("t".to_string(), i)).into_iter().collect();
        OnShard::from([("d".to_string(), tables)])
    };
    let ids = [ShardId(1), ShardId(2)];
    ids.into_iter().zip(there.map(tables)).collect()
}

fn found(catalog: &Catalog, there: [Option<TableDefinition>; 2]) -> Vec<(String, String)> {
    let all = compare(catalog, &shards(there));
    let said = |f: Finding| (format!("{}: {}", f.subject, f.text), f.advice);
    all.into_iter().map(said).collect()
}

fn good() -> TableDefinition {
    definition(&[("a", "int(11)"), ("b", "text")])
}

#[test]
fn one_shard_that_differs_is_to_be_made_like_the_others() {
    let c = catalog(Placement::Reference, good());
    assert!(found(&c, [Some(good()), Some(good())]).is_empty());
    let of = |other: Option<TableDefinition>| found(&c, [Some(good()), other]);
    assert_eq!(
        of(None),
        [(
            "table d.t on s2: it is not there".to_string(),
            ABSENT.to_string()
        )]
    );
    let wider = of(Some(definition(&[("a", "bigint(20)"), ("b", "text")])));
    let said = "table d.t on s2: column a is bigint(20) not null, the catalog has int(11) not null";
    assert_eq!(wider, [(said.to_string(), UNEQUAL.to_string())]);
    // Which of them is right is not known yet.
    let c = catalog(Placement::Reference, TableDefinition::of_names(["a", "b"]));
    let other = definition(&[("a", "bigint(20)"), ("b", "text")]);
    let said = "table d.t on s2: column a is bigint(20) not null, s1 has int(11) not null";
    let of = found(&c, [Some(good()), Some(other)]);
    assert_eq!(of, [(said.to_string(), UNEQUAL.to_string())]);
}

#[test]
fn what_all_shards_have_and_the_catalog_has_not_can_be_taken_over() {
    let c = catalog(Placement::Reference, good());
    let more = definition(&[("a", "int(11)"), ("b", "text"), ("c", "int(11)")]);
    let said = found(&c, [Some(more.clone()), Some(more)]);
    let on =
        |shard: &str| format!("table d.t on {shard}: it has a column c, which the catalog has not");
    assert_eq!(said, ["s1", "s2"].map(|s| (on(s), CHANGED.to_string())));
    assert!(CHANGED.contains("shardctl table refresh"));
}

#[test]
fn of_a_view_and_of_what_an_earlier_version_made_only_names_are_compared() {
    let names = TableDefinition::of_names(["a", "b"]);
    let view = Placement::View(ShardId(1));
    let wide = definition(&[("a", "bigint"), ("b", "text")]);
    let hidden = definition(&[("a", "int"), ("hidden", "int"), ("b", "text")]);
    for (placement, known) in [(view, good()), (Placement::Single(ShardId(1)), names)] {
        let c = catalog(placement, known);
        let of = |here: &TableDefinition| {
            let said = found(&c, [Some(here.clone()), None]).into_iter();
            said.map(|(text, _)| text).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(of(&wide), "");
        assert_eq!(of(&hidden), "");
        let swapped = of(&definition(&[("b", "text"), ("a", "int")]));
        assert!(
            swapped.contains("another order than the catalog has: a, b"),
            "{swapped}"
        );
        let less = of(&definition(&[("a", "int")]));
        assert!(
            less.contains("no column b, which the catalog has"),
            "{less}"
        );
    }
}

#[test]
fn what_an_earlier_version_made_is_read_once_its_shards_agree() {
    let c = catalog(Placement::Reference, TableDefinition::of_names(["a", "b"]));
    let of = |there| refresh::unknown(&c, &shards(there));
    let (new, said) = of([Some(good()), Some(good())]);
    assert_eq!((new.len(), said.len()), (1, 0));
    assert_eq!(*new[0].definition, good());
    let (new, said) = of([Some(good()), None]);
    assert_eq!((new.len(), said.len()), (0, 0), "a shard is missing");
    let other = definition(&[("a", "int(11)"), ("b", "blob")]);
    let (new, said) = of([Some(good()), Some(other)]);
    assert_eq!((new.len(), said.len()), (0, 1));
    assert!(
        said[0].text.contains("on s2: column b is blob"),
        "{}",
        said[0].text
    );
    let whole = catalog(Placement::Reference, good());
    let (new, _) = refresh::unknown(&whole, &shards([Some(good()), Some(good())]));
    assert!(new.is_empty(), "it is known");
}
