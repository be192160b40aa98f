//! The text of EXPLAIN SHARD; golden plan tests print the same.

use crate::Refusal;
use crate::plan::gather::GatherRoute;
use crate::plan::insert::{InsertPlan, PartSql};
use crate::plan::merge::MergeRoute;
use crate::plan::{Access, Forward, List, Operator, Pin, Plan, Planned, RouteContext, Target};
use catalog::{Catalog, Placement, ShardId, TableName};

type Lines = Vec<(String, String)>;

fn put(out: &mut Lines, item: &str, value: impl Into<String>) {
    out.push((item.to_string(), value.into()));
}

fn put_error(out: &mut Lines, r: &Refusal) {
    let code = r.code();
    let (number, sqlstate) = (code.number, code.sqlstate);
    put(out, "error", format!("{number} ({sqlstate}): {r}"));
}

fn names(catalog: &Catalog, shards: &[ShardId]) -> String {
    let names = shards.iter().map(|s| catalog.shard_name(*s));
    names.collect::<Vec<_>>().join(", ")
}

/// Lines of (item, value): what would run with these values.
pub fn explain(planned: &Planned, cx: &RouteContext<'_>) -> Lines {
    let mut out = Vec::new();
    match &planned.plan {
        Plan::Refuse(r) => refused(r, &mut out),
        Plan::Insert(p) => insert(p, cx, &mut out),
        Plan::Forward(f) => forward(f, cx, &mut out),
        Plan::Local(local) => {
            put(&mut out, "kind", "local");
            put(&mut out, "does", local.describe());
        }
        Plan::List(list) => listing(list, cx.catalog, &mut out),
        Plan::Routine(shard) => {
            put(&mut out, "kind", "one shard");
            put(&mut out, "shards", cx.catalog.shard_name(*shard));
        }
        Plan::Databases(shard) => {
            put(&mut out, "kind", "one shard");
            put(&mut out, "shards", cx.catalog.shard_name(*shard));
            put(&mut out, "rows", "databases that the user may see");
        }
        Plan::Ddl(ddl) => super::ddl::explain(ddl, planned, cx.catalog, &mut out),
    }
    out
}

fn refused(r: &Refusal, out: &mut Lines) {
    put(out, "kind", "refuse");
    put_error(out, r);
}

pub(super) fn tables(catalog: &Catalog, tables: &[TableName], out: &mut Lines) {
    for t in tables {
        let kind = catalog
            .tables
            .get(t)
            .map_or("unknown", |t| t.placement.kind());
        put(out, "table", format!("{t} ({kind})"));
    }
}

fn listing(list: &List, catalog: &Catalog, out: &mut Lines) {
    put(out, "kind", "list");
    put(out, "shards", names(catalog, &list.shards()));
    put(
        out,
        "merge",
        "by name; what the first shard has comes from there",
    );
}

fn insert(p: &InsertPlan, cx: &RouteContext<'_>, out: &mut Lines) {
    put(out, "kind", "insert");
    tables(cx.catalog, std::slice::from_ref(&p.table.name), out);
    let ids = match p.row_ids(&cx.args, false) {
        Err(r) => return put_error(out, &r),
        Ok(ids) => ids,
    };
    if ids.generate > 0 && p.table.sharding().is_some() {
        // The ids are drawn when it runs, and where rows go may depend on them.
        put(out, "rows", p.row_count().to_string());
        return put(out, "shards", "by ids that are generated when it runs");
    }
    let generated: Vec<u64> = (1..=ids.generate).collect();
    let route = match p.route(cx, &ids, &generated) {
        Err(r) => return put_error(out, &r),
        Ok(route) => route,
    };
    if route.replicated {
        put(out, "effect", "the same rows on every shard, counted once");
    }
    for part in &route.parts {
        let shard = cx.catalog.shard_name(part.shard);
        put(out, &format!("rows on {shard}"), part.rows.to_string());
        if let PartSql::Changed { text, .. } = &part.sql {
            put(
                out,
                &format!("sql on {shard}"),
                String::from_utf8_lossy(text),
            );
        }
    }
}

fn forward(f: &Forward, cx: &RouteContext<'_>, out: &mut Lines) {
    let operator = f.route(cx);
    if let Err(r) = &operator {
        put(out, "kind", "refuse");
        put(out, "access", access(f.access));
        tables(cx.catalog, &f.tables, out);
        put_error(out, r);
    }
    if let Ok(operator) = &operator {
        let (kind, shards) = match operator {
            Operator::One(shard) => ("one shard", std::slice::from_ref(shard)),
            Operator::Any => ("any shard", &[][..]),
            Operator::Scatter(shards) => ("scatter", &shards[..]),
            Operator::Write(shards) => ("write", &shards[..]),
            Operator::Replicate(shards) => ("replicate", &shards[..]),
            Operator::Merge(route) => ("merge", &route.shards[..]),
            Operator::Gather(_) => ("gather", &[][..]),
        };
        put(out, "kind", kind);
        put(out, "access", access(f.access));
        tables(cx.catalog, &f.tables, out);
        if !shards.is_empty() {
            put(out, "shards", names(cx.catalog, shards));
        }
        match operator {
            Operator::Scatter(_) => put(out, "merge", "rows of one shard after the other"),
            Operator::Write(_) => put(out, "effect", "each shard its rows, all or none"),
            Operator::Replicate(_) => put(out, "effect", "the same on every shard, counted once"),
            Operator::Merge(route) => merged(route, out),
            Operator::Gather(route) => gathered(f, route, cx.catalog, out),
            Operator::One(_) | Operator::Any => {}
        }
    }
    if f.traits.of_session() && operator.is_ok() {
        put(
            out,
            "sql",
            "with the session's values in place of its functions",
        );
    }
    if let Some(pin) = f.pin {
        put(out, "connection", pinned(pin));
    }
    if let Target::Keyed {
        obstacle: Some(why),
        ..
    } = &f.target
        && f.together.is_none()
    {
        put(out, "one shard only", why.to_string());
    }
}

fn merged(route: &MergeRoute, out: &mut Lines) {
    put(out, "sql", String::from_utf8_lossy(&route.text));
    let columns = |n: usize| match n {
        1 => "1 column".to_string(),
        n => format!("{n} columns"),
    };
    let mut how = Vec::new();
    match &route.groups {
        Some(groups) if groups.keys == 0 => how.push("one row, made of a row of each".to_string()),
        Some(groups) => how.push(format!("groups that are equal in {}", columns(groups.keys))),
        None if route.keys.is_empty() => how.push("rows of one shard after the other".to_string()),
        None => how.push(format!("by the order of {}", columns(route.keys.len()))),
    }
    if !route.leave.is_empty() {
        how.push(format!("then sorted by {}", columns(route.leave.len())));
    }
    if route.offset > 0 {
        how.push(format!("without the first {}", route.offset));
    }
    if let Some(limit) = route.limit {
        how.push(format!("at most {limit} rows"));
    }
    put(out, "merge", how.join(", "));
}

fn gathered(f: &Forward, route: &GatherRoute, catalog: &Catalog, out: &mut Lines) {
    for copied in &route.tables {
        let from = names(catalog, &copied.shards);
        let (table, mut what) = (&copied.table, copied.table.columns_text().to_string());
        if let Some(filter) = &copied.filter {
            what += " where ";
            what += &String::from_utf8_lossy(&filter.text);
        }
        put(out, "copies", format!("{} from {from}: {what}", table.name));
    }
    put(out, "runs on", catalog.shard_name(route.scratch));
    if let Some(Ok(gather)) = f.together.as_ref().map(|t| &t.gather) {
        put(out, "because", gather.why.as_str());
    }
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::LockingRead => "locking read",
        Access::Write => "write",
        Access::Describe => "describe",
    }
}

fn pinned(pin: Pin) -> &'static str {
    match pin {
        Pin::LockedTables => "stays with the session until UNLOCK TABLES",
        Pin::Handler => "stays with the session (HANDLER)",
        Pin::TemporaryTables => "stays with the session (temporary table)",
    }
}

/// One line about a table's placement, as SHOW SHARDED TABLES prints it.
pub fn placement_text(catalog: &Catalog, placement: &Placement) -> (String, String, String) {
    let kind = placement.kind().to_string();
    match placement {
        Placement::Single(s) | Placement::View(s) => (kind, String::new(), names(catalog, &[*s])),
        Placement::Reference => (kind, String::new(), names(catalog, &catalog.shard_ids())),
        Placement::Sharded(s) => {
            let key: Vec<_> = s.key.iter().map(|k| k.name.as_str()).collect();
            (kind, key.join(", "), names(catalog, s.shards()))
        }
    }
}
