//! Changes of structure: the objects and shards that a statement is about.

use crate::plan::Planned;
use crate::plan::explain::tables;
use catalog::Catalog;
use sql::ddl::Ddl;

/// What EXPLAIN SHARD shows of a change of structure.
pub(super) fn explain(
    ddl: &Ddl,
    planned: &Planned,
    catalog: &Catalog,
    out: &mut Vec<(String, String)>,
) {
    let mut put = |item: &str, value: String| out.push((item.to_string(), value));
    put("kind", "ddl".to_string());
    put("does", describe(ddl));
    tables(catalog, &planned.tables, out);
}

fn describe(ddl: &Ddl) -> String {
    let list = |names: &[sql::ObjectName]| {
        let names: Vec<_> = names.iter().map(|n| n.to_string()).collect();
        names.join(", ")
    };
    match ddl {
        Ddl::CreateTable(t) if t.temporary => {
            format!(
                "create the temporary table {}, on its database's default shard",
                t.table
            )
        }
        Ddl::CreateTable(t) => format!("create the table {}", t.table),
        Ddl::DropTable { tables, .. } => format!("drop {}", list(tables)),
        Ddl::AlterTable { table, .. } => format!("alter {table}"),
        Ddl::RenameTable(pairs) => {
            let pairs = pairs.iter().map(|(from, to)| format!("{from} to {to}"));
            format!("rename {}", pairs.collect::<Vec<_>>().join(", "))
        }
        Ddl::Truncate(table) => format!("empty {table}"),
        Ddl::CreateIndex { table, .. } => format!("create an index of {table}"),
        Ddl::DropIndex(table) => format!("drop an index of {table}"),
        Ddl::CreateDatabase { name, .. } => format!("create the database {name}"),
        Ddl::DropDatabase { name, .. } => format!("drop the database {name}"),
        Ddl::AlterDatabase(name) => {
            format!("alter the database {}", name.as_deref().unwrap_or("in use"))
        }
        Ddl::CreateView { view, .. } => format!("create the view {view}"),
        Ddl::DropView { views, .. } => format!("drop the views {}", list(views)),
        Ddl::Routine(name) => format!("define {name}, on its database's default shard"),
        Ddl::Maintain(list_of) => format!("maintain {}", list(list_of)),
        Ddl::Account => "change accounts".to_string(),
    }
}
