//! A cached statement allocates nothing between its text and its shard.
#![allow(unsafe_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use catalog::*;
use router::{Args, Operator, Plan, PlanCache, PlanContext, Planned, RouteContext, SessionFacts};
use sql::{Flavor, LexMode, Lexed};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::rc::Rc;

/// The system's allocator, counting by thread.
struct Counting;

thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });

// SAFETY: every call goes to the system's allocator unchanged; the counter is a plain thread-local number
// that allocates nothing and is only read while it exists (`try_with`).
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|c| c.set(c.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn catalog() -> Catalog {
    let mut c = Catalog::default();
    for n in ["s1", "s2"] {
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
        name: TableName::new("shop", "orders"),
        placement: Placement::Sharded(Box::new(Sharding::new(key, function, GroupId(1)).unwrap())),
        definition: TableDefinition::of_names(["id", "total"]).into(),
        auto_increment: None,
    };
    c.insert_table(table);
    c
}

#[test]
fn from_the_text_to_the_shard_without_an_allocation() {
    let catalog = catalog();
    let mode = LexMode::default();
    let texts: [&[u8]; 4] = [
        b"SELECT total FROM orders WHERE id = 4711",
        b"SELECT o.total AS t FROM orders o WHERE o.id = 12 AND o.total > 5",
        b"UPDATE orders SET total = total + 1 WHERE id = 99",
        b"DELETE FROM orders WHERE id = -3",
    ];
    let mut lexed = Lexed::default();
    let mut cache = PlanCache::new(1 << 20);
    let mut shards = Vec::with_capacity(1000);
    for round in 0..3 {
        for text in texts {
            let before = COUNT.with(Cell::get);
            lexed.read(text, mode, Flavor::default()).unwrap();
            let known = cache.get(&lexed.key);
            let Some(plan) = known else {
                assert_eq!(round, 0, "a plan is made once");
                let ctx = PlanContext {
                    catalog: &catalog,
                    database: Some("shop"),
                    mode,
                    flavor: Flavor::default(),
                };
                let plan = Rc::new(Planned::of(ctx, text, &lexed));
                cache.put(&lexed.key, plan, 1000);
                continue;
            };
            let args = Args {
                text,
                tokens: &lexed.tokens,
                mode,
                utf8: true,
                params: &[],
            };
            let cx = RouteContext {
                catalog: &catalog,
                args,
                session: SessionFacts::default(),
            };
            let Plan::Forward(forward) = &plan.plan else {
                panic!("{plan:?}");
            };
            match forward.route(&cx) {
                Ok(Operator::One(shard)) => shards.push(shard),
                other => panic!("{other:?}"),
            }
            let made = COUNT.with(Cell::get) - before;
            assert_eq!(made, 0, "{}", String::from_utf8_lossy(text));
        }
    }
    assert_eq!(shards.len(), 2 * texts.len());
}
