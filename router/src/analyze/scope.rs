//! Names of columns to table instances, through nested queries.

use crate::analyze::facts::{Instance, InstanceId, KeyColumnRef};
use catalog::{Catalog, Placement};
use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart};
use std::collections::VecDeque;

/// One query's tables; the parent is the query around it.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Its instances.
    pub instances: Vec<InstanceId>,
    /// Names of its WITH that can be seen by now.
    pub ctes: Vec<String>,
    /// Names of its WITH whose queries come later: what is called like one of them until then is a table.
    pub later_ctes: VecDeque<String>,
    /// It belongs to a SELECT (or UPDATE, DELETE), rather than only holding names of WITH.
    pub has_tables: bool,
}

/// All scopes that are open, innermost last, and all instances so far.
#[derive(Debug, Default)]
pub struct Scopes {
    /// Every instance of the statement.
    pub instances: Vec<Instance>,
    /// Open scopes.
    pub stack: Vec<Scope>,
}

/// What a table name in FROM means.
pub enum Relation {
    /// A table of the catalog, or (if `None`) a CTE.
    Known(Option<std::sync::Arc<catalog::Table>>),
    /// A table of the server's own schemas.
    System,
    /// Not in the catalog.
    Missing(String, String),
    /// There is no current database.
    NoDatabase,
    /// A name of three parts, a function, ...
    Odd,
}

/// Schemas that every server has by itself.
pub fn is_system_schema(name: &str) -> bool {
    ["information_schema", "mysql", "performance_schema", "sys"]
        .iter()
        .any(|s| name.eq_ignore_ascii_case(s))
}

/// The parts of a name, if all are plain.
pub fn parts(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0
        .iter()
        .map(|p| match p {
            ObjectNamePart::Identifier(i) => Some(i),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

impl Scopes {
    /// Looks a relation up.
    pub fn relation(
        &self,
        catalog: &Catalog,
        database: Option<&str>,
        name: &ObjectName,
    ) -> Relation {
        let Some(parts) = parts(name) else {
            return Relation::Odd;
        };
        let (db, table) = match parts.as_slice() {
            [table] => {
                let mut ctes = self.stack.iter().flat_map(|s| &s.ctes);
                if ctes.clone().any(|c| *c == table.value) {
                    return Relation::Known(None);
                }
                if ctes.any(|c| c.eq_ignore_ascii_case(&table.value)) {
                    // Whether case counts is the server's affair.
                    return Relation::Odd;
                }
                if table.value.eq_ignore_ascii_case("dual") && table.quote_style.is_none() {
                    return Relation::System;
                }
                match database {
                    Some(db) => (db, &table.value),
                    None => return Relation::NoDatabase,
                }
            }
            [db, table] => (db.value.as_str(), &table.value),
            _ => return Relation::Odd,
        };
        if is_system_schema(db) {
            return Relation::System;
        }
        match catalog.table(db, table) {
            Some(t) => Relation::Known(Some(t.clone())),
            None => Relation::Missing(db.to_string(), table.clone()),
        }
    }

    /// True for a table of the innermost query.
    pub fn is_innermost(&self, i: InstanceId) -> bool {
        let innermost = self.stack.iter().rev().find(|s| s.has_tables);
        innermost.is_some_and(|s| s.instances.contains(&i))
    }

    /// The key column that an expression names, if it is one for sure.
    pub fn key_column(&self, e: &Expr) -> Option<KeyColumnRef> {
        match e {
            Expr::Nested(inner) => self.key_column(inner),
            Expr::Identifier(column) => self.bare(&column.value),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => self.qualified(None, &table.value, &column.value),
                [db, table, column] => self.qualified(Some(&db.value), &table.value, &column.value),
                _ => None,
            },
            _ => None,
        }
    }

    fn bare(&self, column: &str) -> Option<KeyColumnRef> {
        for scope in self.stack.iter().rev() {
            let mut found = None;
            for &i in &scope.instances {
                let Some(table) = &self.instances[i].table else {
                    continue;
                };
                if table.columns.iter().any(|c| c.eq_ignore_ascii_case(column)) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some(i);
                }
            }
            if let Some(i) = found {
                return self.of_key(i, column);
            }
            // A derived table may have it: then it is not a column of an outer query.
            if scope
                .instances
                .iter()
                .any(|&i| self.instances[i].table.is_none())
            {
                return None;
            }
        }
        None
    }

    fn qualified(&self, db: Option<&str>, table: &str, column: &str) -> Option<KeyColumnRef> {
        for scope in self.stack.iter().rev() {
            let mut found = scope.instances.iter().copied().filter(|&i| {
                let inst = &self.instances[i];
                inst.alias == table
                    && db.is_none_or(|d| inst.database.as_deref().is_some_and(|x| x == d))
            });
            if let Some(i) = found.next() {
                if found.next().is_some() {
                    return None;
                }
                return self.of_key(i, column);
            }
        }
        None
    }

    fn of_key(&self, i: InstanceId, column: &str) -> Option<KeyColumnRef> {
        match &self.instances[i].table.as_ref()?.placement {
            Placement::Sharded(s) => Some((i, s.key_index(column)?)),
            _ => None,
        }
    }

    /// True if equal values of both columns are placed and compared alike.
    pub fn is_compatible(&self, a: KeyColumnRef, b: KeyColumnRef) -> bool {
        let kind = |c: KeyColumnRef| {
            let table = self.instances.get(c.0)?.table.as_ref()?;
            Some(&table.sharding()?.key.get(c.1)?.kind)
        };
        matches!((kind(a), kind(b)), (Some(a), Some(b)) if a.is_compatible(b))
    }

    /// Width of an instance's key; 0 if it is not sharded.
    pub fn key_width(&self, i: InstanceId) -> usize {
        let table = self.instances.get(i).and_then(|i| i.table.as_ref());
        table.and_then(|t| t.sharding()).map_or(0, |s| s.key.len())
    }
}
