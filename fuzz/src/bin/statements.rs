//! A statement of any bytes is read, classified, planned and routed without a panic; tokens follow each
//! other inside the text.
#![no_main]

use catalog::*;
use libfuzzer_sys::fuzz_target;
use router::plan::explain::explain;
use router::{Args, PlanContext, Planned, RouteContext, SessionFacts};
use sql::{Flavor, LexMode, Lexed};

/// The tables of the comparison corpus, whose statements are the seeds.
fn catalog() -> Catalog {
    let mut c = Catalog::default();
    for n in ["s1", "s2"] {
        let put = Command::PutShard { name: n.into(), host: "127.0.0.1".into(), port: 3306 };
        c = c.apply(&put).unwrap_or_default();
    }
    let kind = KeyType::Integer { min: i64::MIN.into(), max: i64::MAX.into() };
    for (n, name) in ["h", "d", "ids"].into_iter().enumerate() {
        let key = vec![KeyColumn { name: "id".into(), kind: kind.clone() }];
        let function = Function::even_hash(&c.shard_ids());
        let Ok(sharding) = Sharding::new(key, function, GroupId(1)) else { return c };
        let table = Table {
            id: TableId(n as u64 + 1),
            name: TableName::new("corpus", name),
            placement: Placement::Sharded(Box::new(sharding)),
            definition: TableDefinition::of_names(["id", "a", "b", "c", "n", "x", "v"]).into(),
            auto_increment: None,
        };
        c.insert_table(table);
    }
    c
}

thread_local!(static CATALOG: Catalog = catalog());

fuzz_target!(|data: &[u8]| {
    let [choice, text @ ..] = data else { return };
    let modes = ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT,ANSI"];
    let mode = LexMode::from_sql_mode(modes[usize::from(choice & 3)]);
    let flavor = Flavor::from_version(["10.11.6-MariaDB", "8.0.36"][usize::from(choice >> 2 & 1)]);
    let Ok(lexed) = Lexed::new(text, mode, flavor) else { return };
    let mut end = 0;
    for t in &lexed.tokens {
        let r = t.range();
        assert!(r.start >= end && r.end >= r.start && r.end <= text.len(), "{r:?}");
        end = r.end;
    }
    CATALOG.with(|catalog| {
        let ctx = PlanContext { catalog, database: Some("corpus"), mode, flavor: Flavor::default() };
        let planned = Planned::of(ctx, text, &lexed);
        let args = Args { text, tokens: &lexed.tokens, mode, utf8: true, params: &[] };
        // Routing is part of it.
        let _ = explain(&planned, &RouteContext { catalog, args, session: SessionFacts::default() });
    });
});
