//! What restricts a table, and what must not.

use crate::analyze::Analysis;
use crate::plan::PlanContext;
use catalog::definition::{Column, TableDefinition};
use catalog::{Catalog, Placement, ShardId, Table, TableId, TableName};
use sql::{Flavor, LexMode, Lexed};

fn catalog() -> Catalog {
    let column = |name: &str, data_type: &str| Column {
        name: name.into(),
        data_type: data_type.into(),
        auto_increment: name == "id",
        ..Column::default()
    };
    let mut c = Catalog::default();
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        let definition = TableDefinition {
            columns: vec![
                column("id", "bigint(20)"),
                column(&format!("n{name}"), "int(11) unsigned"),
                column(&format!("t{name}"), "varchar(20)"),
                column(&format!("d{name}"), "date"),
                column(&format!("s{name}"), "timestamp"),
                column(&format!("e{name}"), "enum('x','y')"),
            ],
            ..TableDefinition::default()
        };
        c.insert_table(Table {
            id: TableId(n as u64 + 1),
            name: TableName::new("d", name),
            placement: Placement::Single(ShardId(1)),
            definition: definition.into(),
            auto_increment: None,
        });
    }
    c
}

/// The restrictions of each instance, in the order of the text.
fn restrictions(sql: &str) -> Vec<Vec<String>> {
    let (mode, flavor) = (LexMode::default(), Flavor::default());
    let l = Lexed::new(sql.as_bytes(), mode, flavor).unwrap();
    let parsed = sql::parse::parse(sql.as_bytes(), &l.tokens, mode).unwrap();
    let catalog = catalog();
    let ctx = PlanContext {
        catalog: &catalog,
        database: Some("d"),
        mode,
        flavor,
    };
    let a = Analysis::of(ctx, sql.as_bytes(), &l.tokens, &parsed);
    let text = |r: &super::Restriction| sql[r.tokens.bytes(&l.tokens)].to_string();
    (0..a.instances.len())
        .map(|i| a.restrictions(i).iter().map(text).collect())
        .collect()
}

#[test]
fn conditions_of_one_table_with_values_of_their_kind() {
    for taken in [
        "na = 5",
        "na > ? and na < 10",
        "(na = 1 or ta like 'x%')",
        "ta in ('a', 'b')",
        "not da between '2026-01-01' and ?",
        "da <= date '1998-12-01' - interval '90' day",
        "na between 6 - 1 and 6 + 1",
        "year(da) = 2026",
        "lower(ta) = 'x'",
        "na is not null",
        "a.na <=> null",
    ] {
        let found = &restrictions(&format!("select * from a where {taken}"))[0];
        let joined = found.join(" and ");
        let outer = taken.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        assert_eq!(joined, outer.unwrap_or(taken), "{taken}");
    }
    for left_out in [
        "na = ta",
        "1 = 1",
        "ta = @x",
        "sa > '2026-01-01'",
        "ea = 'x'",
        "id is null",
        "rand() < na",
        "na + 1 = 5",
        "na / 0 = 5",
        "na = (select 1)",
        "ta regexp 'x'",
        "na xor 1",
        "da > now()",
        "nope = 1",
    ] {
        let found = restrictions(&format!("select * from a where {left_out}"));
        assert!(found[0].is_empty(), "{left_out}: {found:?}");
    }
}

#[test]
fn outer_joins_keep_what_they_look_up() {
    let of = |sql: &str| restrictions(&format!("select * from {sql}"));
    let none: [&str; 0] = [];
    let found = of("a left join b on na = nb and nb = 1 and na = 2 where nb = 3 and na = 4");
    assert_eq!(found[0], ["na = 4"]);
    assert_eq!(found[1], ["nb = 1"]);
    let found = of("a right join b on na = 1 and nb = 2 where na = 3 and nb = 4");
    assert_eq!(found[0], ["na = 1"]);
    assert_eq!(found[1], ["nb = 4"]);
    let found = of("a left join (b join c on nb = 1 and nc = 2) on nb = 3 and nc = 4");
    assert_eq!(found[0], none);
    assert_eq!(found[1], ["nb = 1", "nb = 3"]);
    assert_eq!(found[2], ["nc = 2", "nc = 4"]);
    let found = of("a join (b left join c on nc = 1) on nc = 2 and nb = 3, a x where x.na = 4");
    assert_eq!(
        found,
        [vec![], vec!["nb = 3"], vec!["nc = 1"], vec!["x.na = 4"]]
    );
}

#[test]
fn subqueries_restrict_their_own_tables() {
    let found = restrictions(
        "with q as (select nb from b where nb > 1) select * from a \
         where na in (select nc from c where nc = 1 and na = 2) and na < 9 and exists (select 1 from q)",
    );
    assert!(found.contains(&vec!["nb > 1".to_string()]), "{found:?}");
    assert!(found.contains(&vec!["na < 9".to_string()]), "{found:?}");
    assert!(found.contains(&vec!["nc = 1".to_string()]), "{found:?}");
}
