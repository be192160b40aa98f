//! The text of EXPLAIN SHARD; golden plan tests print the same.

use crate::args::Args;
use crate::plan::{Access, Plan, Target};
use crate::route::Route;
use catalog::{Catalog, Placement};

/// Lines of (item, value) for one execution of a plan.
pub fn explain(catalog: &Catalog, plan: &Plan, args: &Args<'_>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut put = |k: &str, v: String| out.push((k.to_string(), v));
    match plan {
        Plan::Refuse(r) => {
            put("kind", "refuse".to_string());
            put(
                "error",
                format!("{} ({}): {}", r.code, r.sqlstate, r.message),
            );
        }
        Plan::Insert(p) => {
            put("kind", "insert".to_string());
            put(
                "table",
                format!("{} ({})", p.table.name, p.table.placement.kind()),
            );
            let route = p.row_ids(args, false).and_then(|ids| {
                let generated: Vec<u64> = (1..=ids.generate).collect();
                let route = p.route(args, &ids, &generated, &catalog.shard_ids())?;
                Ok((ids, route))
            });
            match route {
                Err(r) => put(
                    "error",
                    format!("{} ({}): {}", r.code, r.sqlstate, r.message),
                ),
                Ok((ids, _)) if ids.generate > 0 && p.table.sharding().is_some() => {
                    put("rows", p.row_count().to_string());
                    put(
                        "shards",
                        "by ids that are generated when it runs".to_string(),
                    );
                }
                Ok((_, route)) => {
                    for (s, rows) in &route.shards {
                        put(
                            &format!("rows on {}", catalog.shard_name(*s)),
                            rows.len().to_string(),
                        );
                    }
                }
            }
        }
        Plan::Route(r) => {
            let access = match r.access {
                Access::Read => "read",
                Access::LockingRead => "locking read",
                Access::Write => "write",
            };
            put("access", access.to_string());
            for t in &r.tables {
                let table = catalog.tables.get(t);
                let kind = table.map_or("unknown", |t| t.placement.kind());
                put("table", format!("{t} ({kind})"));
            }
            match r.route(catalog, args) {
                Err(e) => put(
                    "error",
                    format!("{} ({}): {}", e.code, e.sqlstate, e.message),
                ),
                Ok(Route::One(s)) => {
                    put("kind", "one shard".to_string());
                    put("shards", catalog.shard_name(s).to_string());
                }
                Ok(Route::Any) => put("kind", "any shard".to_string()),
                Ok(Route::Everywhere) => put("kind", "every shard".to_string()),
                Ok(Route::Some(list)) => {
                    put("kind", "scatter".to_string());
                    let names: Vec<_> = list.iter().map(|s| catalog.shard_name(*s)).collect();
                    put("shards", names.join(", "));
                }
            }
            if let Target::Keyed {
                scatter_block: Some(why),
                ..
            } = &r.target
            {
                put("one shard only", why.clone());
            }
        }
    }
    out
}

/// One line about a table's placement, as SHOW SHARDED TABLES prints it.
pub fn placement_text(catalog: &Catalog, placement: &Placement) -> (String, String, String) {
    let names = |ids: &[catalog::ShardId]| {
        ids.iter()
            .map(|s| catalog.shard_name(*s))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match placement {
        Placement::Single(s) | Placement::View(s) => {
            (placement.kind().to_string(), String::new(), names(&[*s]))
        }
        Placement::Reference => (
            placement.kind().to_string(),
            String::new(),
            names(&catalog.shard_ids()),
        ),
        Placement::Sharded(s) => {
            let key: Vec<_> = s.key.iter().map(|k| k.name.as_str()).collect();
            (
                placement.kind().to_string(),
                key.join(", "),
                names(&s.function.shards()),
            )
        }
    }
}
