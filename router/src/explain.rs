//! The text of EXPLAIN SHARD; golden plan tests print the same.

use crate::args::Args;
use crate::insert::InsertPlan;
use crate::plan::{Access, Plan, RoutePlan, Target};
use crate::refusal::Refusal;
use crate::route::Route;
use catalog::{Catalog, Placement};

type Lines = Vec<(String, String)>;

fn put(out: &mut Lines, item: &str, value: impl Into<String>) {
    out.push((item.to_string(), value.into()));
}

fn put_error(out: &mut Lines, r: &Refusal) {
    put(
        out,
        "error",
        format!("{} ({}): {}", r.code, r.sqlstate, r.message),
    );
}

/// Lines of (item, value) for one execution of a plan.
pub fn explain(catalog: &Catalog, plan: &Plan, args: &Args<'_>) -> Lines {
    let mut out = Vec::new();
    match plan {
        Plan::Refuse(r) => {
            put(&mut out, "kind", "refuse");
            put_error(&mut out, r);
        }
        Plan::Insert(p) => explain_insert(catalog, p, args, &mut out),
        Plan::Route(r) => explain_route(catalog, r, args, &mut out),
    }
    out
}

fn explain_insert(catalog: &Catalog, p: &InsertPlan, args: &Args<'_>, out: &mut Lines) {
    put(out, "kind", "insert");
    put(
        out,
        "table",
        format!("{} ({})", p.table.name, p.table.placement.kind()),
    );
    let route = p.row_ids(args, false).and_then(|ids| {
        let generated: Vec<u64> = (1..=ids.generate).collect();
        let route = p.route(args, &ids, &generated, &catalog.shard_ids())?;
        Ok((ids, route))
    });
    match route {
        Err(r) => put_error(out, &r),
        Ok((ids, _)) if ids.generate > 0 && p.table.sharding().is_some() => {
            put(out, "rows", p.row_count().to_string());
            put(out, "shards", "by ids that are generated when it runs");
        }
        Ok((_, route)) => {
            for (s, rows) in &route.shards {
                let item = format!("rows on {}", catalog.shard_name(*s));
                put(out, &item, rows.len().to_string());
            }
        }
    }
}

fn explain_route(catalog: &Catalog, r: &RoutePlan, args: &Args<'_>, out: &mut Lines) {
    let access = match r.access {
        Access::Read => "read",
        Access::LockingRead => "locking read",
        Access::Write => "write",
    };
    put(out, "access", access);
    for t in &r.tables {
        let kind = catalog
            .tables
            .get(t)
            .map_or("unknown", |t| t.placement.kind());
        put(out, "table", format!("{t} ({kind})"));
    }
    match r.route(catalog, args) {
        Err(e) => put_error(out, &e),
        Ok(Route::One(s)) => {
            put(out, "kind", "one shard");
            put(out, "shards", catalog.shard_name(s));
        }
        Ok(Route::Any) => put(out, "kind", "any shard"),
        Ok(Route::Everywhere) => put(out, "kind", "every shard"),
        Ok(Route::Some(list)) => {
            put(out, "kind", "scatter");
            let names: Vec<_> = list.iter().map(|s| catalog.shard_name(*s)).collect();
            put(out, "shards", names.join(", "));
        }
    }
    if let Target::Keyed {
        scatter_block: Some(why),
        ..
    } = &r.target
    {
        put(out, "one shard only", why.as_str());
    }
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
