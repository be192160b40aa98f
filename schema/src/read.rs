//! Asks a server how it defines its tables: one table, or all of a database in as many questions.

use crate::column::{self, Defaults};
use crate::trigger::is_harmless;
use catalog::TableName;
use catalog::definition::{Action, ForeignKey, TableDefinition, Trigger, UniqueKey};
use shard::{ServerConn, ShardError};
use sql::ident::quote_string;
use std::collections::BTreeMap;

/// A table as one server has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableInfo {
    /// What all shards must agree about.
    pub definition: TableDefinition,
    /// Names of the indexes that are not unique: shards may differ in them, at the price of speed.
    pub indexes: Vec<String>,
}

/// Tables and views of one database, by name.
pub type TableInfos = BTreeMap<String, TableInfo>;

/// A row of an answer; NULL stays apart from the empty text.
pub(crate) struct Row(Vec<Option<Vec<u8>>>);

impl Row {
    pub(crate) fn get(&self, column: usize) -> Option<String> {
        let value = self.0.get(column)?.as_deref();
        value.map(|b| String::from_utf8_lossy(b).into_owned())
    }

    pub(crate) fn text(&self, column: usize) -> String {
        self.get(column).unwrap_or_default()
    }
}

/// What is asked for: a database, and one table of it or all.
struct Scope<'a> {
    database: &'a str,
    table: Option<&'a str>,
}

impl Scope<'_> {
    /// A condition on the columns that hold database and table.
    fn filter(&self, database: &str, table: &str) -> String {
        let db = quote_string(self.database, false);
        let of_table = self.table.map_or(String::new(), |t| {
            format!(" AND {table} = {}", quote_string(t, false))
        });
        format!("{database} = {db}{of_table}")
    }
}

/// One table or view; `None` if it is not there.
pub async fn table(
    conn: &mut ServerConn,
    name: &TableName,
) -> Result<Option<TableInfo>, ShardError> {
    let scope = Scope {
        database: &name.database,
        table: Some(&name.table),
    };
    let mut found = tables(conn, &scope).await?;
    let exact = found.remove(&name.table);
    // A server may keep names in lower case only.
    Ok(exact.or_else(|| found.into_values().next()))
}

/// Every table and view of a database.
pub async fn database(conn: &mut ServerConn, name: &str) -> Result<TableInfos, ShardError> {
    let scope = Scope {
        database: name,
        table: None,
    };
    tables(conn, &scope).await
}

/// Names of the foreign keys of other tables, of whatever database, that refer to a table.
pub async fn referring(conn: &mut ServerConn, name: &TableName) -> Result<Vec<String>, ShardError> {
    let (db, table) = (
        quote_string(&name.database, false),
        quote_string(&name.table, false),
    );
    let sql = format!(
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE UNIQUE_CONSTRAINT_SCHEMA = {db} AND REFERENCED_TABLE_NAME = {table} \
         AND (CONSTRAINT_SCHEMA <> {db} OR TABLE_NAME <> {table})"
    );
    let rows = rows(conn, &sql).await?;
    Ok(rows.iter().map(|r| r.text(0)).collect())
}

async fn tables(conn: &mut ServerConn, scope: &Scope<'_>) -> Result<TableInfos, ShardError> {
    let mut out = columns(conn, scope).await?;
    if !out.is_empty() {
        keys(conn, scope, &mut out).await?;
        foreign_keys(conn, scope, &mut out).await?;
        triggers(conn, scope, &mut out).await?;
    }
    for info in out.values_mut() {
        let d = &mut info.definition;
        d.unique_keys.sort_by(|a, b| a.name.cmp(&b.name));
        d.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
        d.triggers.sort_by(|a, b| a.name.cmp(&b.name));
        info.indexes.sort();
    }
    Ok(out)
}

async fn rows(conn: &mut ServerConn, sql: &str) -> Result<Vec<Row>, ShardError> {
    let answer = conn.run(sql).await?;
    let (_, rows) = answer.rows().map_err(|e| conn.broken(e))?;
    Ok(rows.into_iter().map(Row).collect())
}

async fn columns(conn: &mut ServerConn, scope: &Scope<'_>) -> Result<TableInfos, ShardError> {
    let sql = format!(
        "SELECT TABLE_NAME, {} FROM information_schema.COLUMNS WHERE {} \
         ORDER BY TABLE_NAME, ORDINAL_POSITION",
        column::FIELDS,
        scope.filter("TABLE_SCHEMA", "TABLE_NAME")
    );
    let defaults = Defaults::of_version(&conn.version);
    let mut out = TableInfos::new();
    for row in rows(conn, &sql).await? {
        let info = out.entry(row.text(0)).or_default();
        let column = column::from_row(&row, 1, defaults);
        info.definition.columns.push(column);
    }
    Ok(out)
}

async fn keys(
    conn: &mut ServerConn,
    scope: &Scope<'_>,
    out: &mut TableInfos,
) -> Result<(), ShardError> {
    let sql = format!(
        "SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART \
         FROM information_schema.STATISTICS WHERE {} ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        scope.filter("TABLE_SCHEMA", "TABLE_NAME")
    );
    for row in rows(conn, &sql).await? {
        let Some(info) = out.get_mut(&row.text(0)) else {
            continue;
        };
        let name = row.text(1);
        if row.text(2) != "0" {
            if !info.indexes.contains(&name) {
                info.indexes.push(name);
            }
            continue;
        }
        let keys = &mut info.definition.unique_keys;
        let at = keys.iter().position(|k| k.name == name);
        let at = at.unwrap_or_else(|| {
            keys.push(UniqueKey {
                name,
                columns: Vec::new(),
                partial: Vec::new(),
            });
            keys.len() - 1
        });
        match (row.get(3), row.get(4)) {
            (Some(column), None) => keys[at].columns.push(column),
            (Some(column), Some(prefix)) => keys[at].partial.push(format!("{column}({prefix})")),
            (None, _) => keys[at].partial.push("an expression".to_string()),
        }
    }
    Ok(())
}

async fn foreign_keys(
    conn: &mut ServerConn,
    scope: &Scope<'_>,
    out: &mut TableInfos,
) -> Result<(), ShardError> {
    let sql = format!(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME, \
         UPDATE_RULE, DELETE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE {}",
        scope.filter("CONSTRAINT_SCHEMA", "TABLE_NAME")
    );
    let constraints = rows(conn, &sql).await?;
    for row in &constraints {
        if let Some(info) = out.get_mut(&row.text(0)) {
            info.definition.foreign_keys.push(ForeignKey {
                name: row.text(1),
                columns: Vec::new(),
                table: TableName::new(row.text(2), row.text(3)),
                referred: Vec::new(),
                on_update: action(&row.text(4)),
                on_delete: action(&row.text(5)),
            });
        }
    }
    if constraints.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME \
         FROM information_schema.KEY_COLUMN_USAGE WHERE {} AND REFERENCED_TABLE_NAME IS NOT NULL \
         ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
        scope.filter("TABLE_SCHEMA", "TABLE_NAME")
    );
    for row in rows(conn, &sql).await? {
        let keys = out
            .get_mut(&row.text(0))
            .map(|i| &mut i.definition.foreign_keys);
        let name = row.text(1);
        if let Some(key) = keys.and_then(|k| k.iter_mut().find(|k| k.name == name)) {
            key.columns.push(row.text(2));
            key.referred.push(row.text(3));
        }
    }
    Ok(())
}

fn action(rule: &str) -> Action {
    match rule {
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        _ => Action::Restrict,
    }
}

async fn triggers(
    conn: &mut ServerConn,
    scope: &Scope<'_>,
    out: &mut TableInfos,
) -> Result<(), ShardError> {
    let sql = format!(
        "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, \
         ACTION_STATEMENT \
         FROM information_schema.TRIGGERS WHERE {}",
        scope.filter("EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE")
    );
    let version = conn.version.clone();
    for row in rows(conn, &sql).await? {
        if let Some(info) = out.get_mut(&row.text(0)) {
            info.definition.triggers.push(Trigger {
                name: row.text(1),
                event: format!("{} {}", row.text(2), row.text(3)),
                is_harmless: is_harmless(&row.text(4), &version),
            });
        }
    }
    Ok(())
}
