//! Golden plans: each case of tests/golden/*.txt is a comment, a statement and the plan expected.
//!
//! `UPDATE_GOLDEN=1 cargo test -p shardwright-router` writes what the planner says now.
#![allow(clippy::unwrap_used, clippy::panic)]

use catalog::definition::Column;
use catalog::function::{ListPartition, RangePartition, Upper};
use catalog::*;
use router::analyze::Analysis;
use router::analyze::block::BlockKind;
use router::analyze::outline_text::outline_text;
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
        let definition = TableDefinition::of_names(columns.iter().copied()).into();
        let table = Table {
            id,
            name: name.clone(),
            placement,
            definition,
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

impl Build {
    /// A table like `users`, whose types are known.
    fn typed(&mut self, name: &str, columns: &[(&str, &str)]) {
        let hash = Function::even_hash(&[ShardId(1), ShardId(2)]);
        self.sharded(name, &[], vec![int("id")], hash, 1);
        let mut table = (*self.0.tables[&TableName::new("shop", name)]).clone();
        let columns = columns.iter().map(|(name, data_type)| Column {
            name: (*name).into(),
            data_type: (*data_type).into(),
            collation: match data_type.starts_with("varchar") {
                true => "utf8mb4_general_ci".into(),
                false => String::new(),
            },
            ..Column::default()
        });
        table.definition = TableDefinition {
            columns: columns.collect(),
            ..TableDefinition::default()
        }
        .into();
        self.0.insert_table(table);
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
    b.typed(
        "bills",
        &[
            ("id", "bigint(20)"),
            ("who", "varchar(20)"),
            ("total", "decimal(10,2)"),
            ("day", "date"),
            ("state", "enum('new','paid')"),
            ("rate", "float"),
            ("at", "timestamp"),
            ("pay", "double"),
        ],
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

/// The blocks of a statement, for files whose names begin with "blocks".
fn show_blocks(catalog: &Catalog, sql: &str) -> String {
    let mode = LexMode::default();
    let flavor = Flavor::default();
    let l = Lexed::new(sql.as_bytes(), mode, flavor).unwrap();
    let ctx = PlanContext {
        catalog,
        database: Some("shop"),
        mode,
        flavor,
    };
    match sql::parse::parse(sql.as_bytes(), &l.tokens, mode) {
        Ok(parsed) => {
            let a = Analysis::of(ctx, sql.as_bytes(), &l.tokens, &parsed);
            outline_text(&a, sql)
        }
        Err(e) => format!("  {e}\n"),
    }
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
                let name = path.file_name().unwrap().to_string_lossy();
                let text = match name.starts_with("blocks") {
                    true => show_blocks(&catalog, line),
                    false => show(&catalog, line),
                };
                now.push_str(&text);
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

/// The statements of all golden files, and some whose text is odd.
fn statements() -> Vec<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let files = std::fs::read_dir(dir).unwrap();
    let texts = files.map(|f| std::fs::read_to_string(f.unwrap().path()).unwrap());
    let is_case = |l: &&str| !l.is_empty() && !l.starts_with([' ', '#']);
    let mut out: Vec<String> = texts
        .flat_map(|t| {
            t.lines()
                .filter(is_case)
                .map(String::from)
                .collect::<Vec<_>>()
        })
        .collect();
    let odd = include_str!("odd_texts.sql");
    out.extend(odd.split("\n;;\n").map(String::from));
    out
}

/// What is cut out of a statement says the same by itself: the places of pieces and queries are exact.
#[test]
fn texts_of_parts_parse_to_the_parts() {
    let catalog = shop();
    let (mode, flavor) = (LexMode::default(), Flavor::default());
    let parse = |text: &str| {
        let l = Lexed::new(text.as_bytes(), mode, flavor).unwrap();
        match sql::parse::parse(text.as_bytes(), &l.tokens, mode).map(|p| *p.ast) {
            Ok(sqlparser::ast::Statement::Query(q)) => *q,
            other => panic!("{text}: {other:?}"),
        }
    };
    let (mut places, mut lost) = (0, Vec::new());
    for sql in statements() {
        let l = Lexed::new(sql.as_bytes(), mode, flavor).unwrap();
        let Ok(parsed) = sql::parse::parse(sql.as_bytes(), &l.tokens, mode) else {
            continue;
        };
        let ctx = PlanContext {
            catalog: &catalog,
            database: Some("shop"),
            mode,
            flavor,
        };
        let a = Analysis::of(ctx, sql.as_bytes(), &l.tokens, &parsed);
        let text = |range| {
            let bytes = sql::splice::excerpt(sql.as_bytes(), &l.tokens, range);
            String::from_utf8(bytes.into_owned()).unwrap()
        };
        let pieces = a.blocks.iter().flat_map(|b| b.pieces());
        for piece in pieces.chain(a.queries.iter().flat_map(|q| q.pieces())) {
            let Some(range) = piece.tokens else {
                lost.push(format!("{} in {sql}", piece.expr));
                continue;
            };
            let q = parse(&format!("select {}", text(range)));
            let Some(sqlparser::ast::SelectItem::UnnamedExpr(e)) = q
                .body
                .as_select()
                .and_then(|s| s.projection.first().cloned())
            else {
                panic!("{} is no expression in {sql}", text(range));
            };
            assert_eq!(e, *piece.expr, "{sql}");
            places += 1;
        }
        for (q, range) in a.queries.iter().filter_map(|q| Some((q, q.tokens?))) {
            assert_eq!(parse(&text(range)), *q.ast, "{sql}");
            places += 1;
        }
        for (range, b) in a.blocks.iter().filter_map(|b| Some((b.tokens()?, b))) {
            if let BlockKind::Select(select) = b.kind {
                assert_eq!(parse(&text(range)).body.as_select(), Some(select), "{sql}");
                places += 1;
            }
        }
        for call in a.calls.iter().filter_map(|c| c.tokens) {
            parse(&format!("select {}", text(call)));
            places += 1;
        }
    }
    assert!(places > 650, "only {places} places");
    // Named windows, and ONs that do not follow their tables.
    assert!(lost.len() < 5, "{lost:#?}");
}
