//! What a cached statement costs before anything is sent: digest, cache lookup, route.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use router::{Args, Plan, PlanCache, PlanContext, Planned, RouteContext, SessionFacts};
use sql::{Flavor, LexMode, Lexed};
use std::hint::black_box;
use std::rc::Rc;

fn catalog() -> catalog::Catalog {
    use catalog::*;
    let mut c = Catalog::default();
    for n in ["s1", "s2", "s3", "s4"] {
        let put = Command::PutShard {
            name: n.into(),
            host: "127.0.0.1".into(),
            port: 3306,
        };
        c = c.apply(&put).unwrap();
    }
    let kind = KeyType::Integer {
        min: i64::MIN.into(),
        max: i64::MAX.into(),
    };
    let key = vec![KeyColumn {
        name: "id".into(),
        kind,
    }];
    let function = Function::even_hash(&c.shard_ids());
    let table = Table {
        id: TableId(1),
        name: TableName::new("sbtest", "sbtest1"),
        placement: Placement::Sharded(Box::new(Sharding::new(key, function, GroupId(1)).unwrap())),
        definition: TableDefinition::of_names(["id", "k", "c", "pad"]).into(),
        auto_increment: None,
    };
    c.insert_table(table);
    c
}

fn bench(c: &mut Criterion) {
    let catalog = catalog();
    let text = b"SELECT c FROM sbtest1 WHERE id=4711";
    let mode = LexMode::default();
    let mut lexed = Lexed::new(text, mode, Flavor::default()).unwrap();
    let ctx = PlanContext {
        catalog: &catalog,
        database: Some("sbtest"),
        mode,
        flavor: Flavor::default(),
    };
    let mut cache = PlanCache::new(1 << 20);
    cache.put(&lexed.key, Rc::new(Planned::of(ctx, text, &lexed)), 1000);
    c.bench_function("digest + plan cache hit + route", |b| {
        b.iter(|| {
            lexed
                .read(black_box(text), mode, Flavor::default())
                .unwrap();
            let plan = cache.get(&lexed.key).unwrap();
            let tokens = &lexed.tokens[..];
            let args = Args {
                text,
                tokens,
                mode,
                utf8: true,
                params: &[],
            };
            let cx = RouteContext {
                catalog: &catalog,
                args,
                session: SessionFacts::default(),
            };
            match &plan.plan {
                Plan::Forward(f) => black_box(f.route(&cx).unwrap()),
                _ => unreachable!("a SELECT is forwarded"),
            }
        });
    });
    c.bench_function("plan without the cache", |b| {
        b.iter(|| black_box(Planned::of(ctx, black_box(text), &lexed)));
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
