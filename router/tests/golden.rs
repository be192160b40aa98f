//! Golden plans: each case of tests/golden/*.txt is a comment, a statement and the plan expected.
//!
//! `UPDATE_GOLDEN=1 cargo test -p shardwright-router` writes what the planner says now.
#![allow(clippy::unwrap_used, clippy::panic)]

use catalog::function::{ListPartition, RangePartition, Upper};
use catalog::*;
use router::args::{Args, ParamRef};
use router::plan::explain::explain;
use router::{PlanContext, Planned, RouteContext, SessionFacts};
use sql::{Flavor, LexMode, Lexed};
use std::fmt::Write;

fn int(name: &str) -> KeyColumn {
    KeyColumn {
        name: name.into(),
        kind: KeyType::Integer {
            min: i64::MIN.into(),
            max: i64::MAX.into(),
        },
    }
}

fn text(name: &str) -> KeyColumn {
    let collation = "utf8mb4_general_ci";
    let rule = TextRule::of_collation(collation).unwrap();
    let kind = KeyType::Text {
        rule,
        collation: collation.into(),
        chars: 20,
    };
    KeyColumn {
        name: name.into(),
        kind,
    }
}

struct Build(Catalog);

impl Build {
    fn table(&mut self, name: &str, columns: &[&str], auto: Option<&str>, placement: Placement) {
        let id = TableId(self.0.tables.len() as u64 + 1);
        let name = TableName::new("shop", name);
        let auto_increment = auto.map(|c| AutoIncrement {
            column: c.into(),
            max: i32::MAX as u64,
        });
        let columns = columns.iter().map(|c| c.to_string()).collect();
        let table = Table {
            id,
            name: name.clone(),
            placement,
            columns,
            auto_increment,
        };
        self.0.insert_table(table);
    }

    fn sharded(
        &mut self,
        name: &str,
        columns: &[&str],
        key: Vec<KeyColumn>,
        f: Function,
        group: u64,
    ) {
        let s = Sharding::new(key, f, GroupId(group)).unwrap();
        self.table(name, columns, None, Placement::Sharded(Box::new(s)));
    }
}

fn shop() -> Catalog {
    let mut c = Catalog::default();
    for n in ["s1", "s2"] {
        let put = Command::PutShard {
            name: n.into(),
            host: "127.0.0.1".into(),
            port: 3306,
        };
        c = c.apply(&put).unwrap();
    }
    c.databases.insert(
        "shop".into(),
        Database {
            default_shard: ShardId(1),
        },
    );
    let mut b = Build(c);
    let hash = || Function::even_hash(&[ShardId(1), ShardId(2)]);
    b.sharded("users", &["id", "name"], vec![int("id")], hash(), 1);
    b.sharded(
        "orders",
        &["id", "user_id", "total"],
        vec![int("user_id")],
        hash(),
        1,
    );
    b.sharded(
        "items",
        &["a", "b", "v"],
        vec![int("a"), int("b")],
        hash(),
        2,
    );
    let range = |n: &str, u: Upper, s| RangePartition {
        name: n.into(),
        upper: vec![u],
        shard: ShardId(s),
    };
    let days = Function::Range(vec![
        range("old", Upper::Number("100".into()), 1),
        range("new", Upper::MaxValue, 2),
    ]);
    b.sharded("events", &["day", "x"], vec![int("day")], days, 3);
    let list = |n: &str, v: &str, s| ListPartition {
        name: n.into(),
        values: Some(vec![vec![Upper::Text(v.into())]]),
        shard: ShardId(s),
    };
    let regions = Function::List(vec![list("n", "north", 1), list("s", "south", 2)]);
    b.sharded(
        "branch",
        &["region", "name"],
        vec![text("region")],
        regions,
        4,
    );
    b.table("city", &["id", "name"], None, Placement::Reference);
    b.table(
        "notes",
        &["id", "body", "day"],
        None,
        Placement::Single(ShardId(1)),
    );
    b.table("logs", &["id", "line"], None, Placement::Single(ShardId(2)));
    b.0
}

fn show(catalog: &Catalog, sql: &str) -> String {
    let mode = LexMode::default();
    let l = Lexed::new(sql.as_bytes(), mode, Flavor::default()).unwrap();
    let ctx = PlanContext {
        catalog,
        database: Some("shop"),
        mode,
        flavor: Flavor::default(),
    };
    let planned = Planned::of(ctx, sql.as_bytes(), &l);
    let params = [
        ParamRef::Int(1),
        ParamRef::Int(2),
        ParamRef::Bytes(b"north"),
    ];
    let args = Args {
        text: sql.as_bytes(),
        tokens: &l.tokens,
        mode,
        utf8: true,
        params: &params,
    };
    let mut out = String::new();
    let session = SessionFacts::default();
    let cx = RouteContext {
        catalog,
        args,
        session,
    };
    for (k, v) in explain(&planned, &cx) {
        writeln!(out, "  {k}: {v}").unwrap();
    }
    out
}

#[test]
fn plans_are_as_written() {
    let catalog = shop();
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut cases = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let before = std::fs::read_to_string(&path).unwrap();
        let mut now = String::new();
        for line in before.lines().filter(|l| !l.starts_with("  ")) {
            writeln!(now, "{line}").unwrap();
            if !line.is_empty() && !line.starts_with('#') {
                now.push_str(&show(&catalog, line));
                cases += 1;
            }
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &now).unwrap();
        } else if before != now {
            let diff = before.lines().zip(now.lines()).find(|(a, b)| a != b);
            panic!("{}: plans changed, first at {diff:?}", path.display());
        }
    }
    assert!(cases > 60, "only {cases} cases found");
}
