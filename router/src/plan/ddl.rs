//! Changes of structure: the objects and shards that a statement is about.

pub mod steps;

use self::steps::{JobStep, shards_by, shards_of};
use crate::names::Common;
use crate::plan::{Planned, Read};
use catalog::{Catalog, Placement, ShardId, Table, TableName};
use sql::ObjectName;
use sql::ddl::{CreateTable, Ddl};
use sql::splice::Splices;
use std::ops::Range;

/// A change of structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DdlPlan {
    /// What the statement says.
    pub ddl: Ddl,
    /// What shards get, by the catalog of the plan. The steps are made again as they run, once the objects
    /// are locked; what cannot be has none, and says why then.
    pub steps: Vec<JobStep>,
}

/// What EXPLAIN SHARD shows of a change of structure.
pub(super) fn explain(
    plan: &DdlPlan,
    planned: &Planned,
    catalog: &Catalog,
    out: &mut Vec<(String, String)>,
) {
    let mut put = |item: &str, value: String| out.push((item.to_string(), value));
    put("kind", "ddl".to_string());
    put("does", describe(&plan.ddl));
    crate::plan::explain::tables(catalog, &planned.tables, out);
    for step in &plan.steps {
        let list = |names: Vec<String>| names.join(", ");
        let objects = step.objects.iter().map(|o| match o.table.is_empty() {
            true => format!("database {}", o.database),
            false => o.to_string(),
        });
        let shards = step
            .shards
            .iter()
            .map(|s| catalog.shard_name(*s).to_string());
        out.push(("locks".to_string(), list(objects.collect())));
        out.push(("shards".to_string(), list(shards.collect())));
        out.push(("sql".to_string(), step.sql.clone()));
    }
}

impl Read<'_> {
    /// The plan of a change of structure.
    pub(super) fn ddl(self, ddl: &Ddl) -> DdlPlan {
        let steps = self.steps(ddl).unwrap_or_default();
        let ddl = ddl.clone();
        DdlPlan { ddl, steps }
    }

    /// `None` if a name or a shard is missing.
    fn steps(&self, ddl: &Ddl) -> Option<Vec<JobStep>> {
        let catalog = self.ctx.catalog;
        let one = |step: JobStep| Some(vec![step]);
        match ddl {
            Ddl::CreateTable(t) => one(self.create_table(t)?),
            Ddl::DropTable {
                temporary: true, ..
            } => None,
            Ddl::DropTable { tables, .. } => {
                let known = tables.iter().filter_map(|t| self.table(t));
                Some(known.map(|t| steps::drop_table(catalog, t)).collect())
            }
            Ddl::AlterTable { table, .. }
            | Ddl::DropIndex(table)
            | Ddl::CreateIndex { table, .. } => {
                let table = self.table(table)?;
                one(self.as_it_is(vec![table.name.clone()], shards_of(catalog, table)))
            }
            Ddl::RenameTable { pairs, .. } => {
                let shards = shards_of(catalog, self.table(&pairs.first()?.0)?);
                let names = pairs.iter().flat_map(|(from, to)| [from, to]);
                let objects = names.map(|n| self.full_name(n)).collect::<Option<_>>()?;
                one(self.as_it_is(objects, shards))
            }
            Ddl::Truncate(table) => one(steps::truncate(catalog, self.table(table)?)),
            Ddl::CreateDatabase { name, shard, .. } => {
                let sql = self.without(shard.as_ref().map(|(range, _)| range));
                one(steps::of_database(catalog, name, sql))
            }
            Ddl::DropDatabase { name, .. } => one(steps::drop_database(catalog, name)),
            Ddl::AlterDatabase(name) => {
                let name = name.as_deref().or(self.ctx.database)?;
                one(steps::of_database(catalog, name, self.without(None)))
            }
            Ddl::CreateView { view, .. } => {
                let name = self.full_name(view)?;
                let shard = self.common_shard(&name)?;
                one(self.as_it_is(vec![name], vec![shard]))
            }
            Ddl::DropView { views, .. } => {
                let known = views.iter().filter_map(|v| self.table(v));
                let views = known.filter_map(|t| match t.placement {
                    Placement::View(shard) => Some(steps::drop_view(&t.name, shard)),
                    _ => None,
                });
                Some(views.collect())
            }
            Ddl::Routine(_) | Ddl::Maintain(_) => None,
        }
    }

    fn create_table(&self, t: &CreateTable) -> Option<JobStep> {
        let name = self.full_name(&t.table)?;
        let catalog = self.ctx.catalog;
        let home = catalog.default_shard(Some(&name.database))?;
        let waits = catalog.rules.contains_key(&name);
        let shards = match (&t.like, &t.rule) {
            _ if t.temporary => return None,
            (_, Some(rule)) => shards_by(catalog, Some(rule), home),
            (_, None) if waits => catalog.shard_ids(),
            (Some(like), None) => shards_of(catalog, self.table(like)?),
            (None, None) => vec![home],
        };
        let sql = self.without(t.clause.as_ref());
        Some(JobStep {
            objects: vec![name],
            shards,
            sql,
        })
    }

    fn common_shard(&self, name: &TableName) -> Option<ShardId> {
        match self.names.common() {
            Common::OneShard(s) => Some(s),
            Common::Nothing | Common::Reference => {
                self.ctx.catalog.default_shard(Some(&name.database))
            }
            Common::Sharded(_) | Common::Apart(..) => None,
        }
    }

    /// The statement's own text for the shards.
    fn as_it_is(&self, objects: Vec<TableName>, shards: Vec<ShardId>) -> JobStep {
        JobStep {
            objects,
            shards,
            sql: self.without(None),
        }
    }

    /// The text without what the shards must not see.
    fn without(&self, clause: Option<&Range<usize>>) -> String {
        let mut splices = Splices::default();
        if let Some(range) = clause {
            splices.replace(range.clone(), "");
        }
        String::from_utf8_lossy(&splices.apply(self.text)).into_owned()
    }

    fn full_name(&self, name: &ObjectName) -> Option<TableName> {
        let database = name.database.as_deref().or(self.ctx.database)?;
        Some(TableName::new(database, name.name.clone()))
    }

    fn table(&self, name: &ObjectName) -> Option<&Table> {
        let table = self.ctx.catalog.tables.get(&self.full_name(name)?)?;
        Some(table)
    }
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
        Ddl::RenameTable { pairs, .. } => {
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
    }
}
