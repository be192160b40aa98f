//! `shardctl table`: tables, where they are, and imports.

use crate::cli::{Format, How};
use crate::client::Client;
use crate::output::{json, maybe, table as print_table};
use crate::{Failed, Shown};
use admin_types::order::Order;
use admin_types::table::TableView;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// All tables.
    List,
    /// Enter a table that the shards have already into the catalog, once every row is where the rule
    /// says. Statements cannot use the table while its rows are checked.
    #[command(
        after_help = "Examples:\n  shardctl table import shop.old 'SINGLE ON s1'\n  \
        shardctl table import shop.city REFERENCE\n  \
        shardctl table import shop.orders 'HASH (user_id)' --dry-run"
    )]
    Import {
        /// database.table
        table: String,
        /// What would follow SHARD BY, or SINGLE, or REFERENCE.
        clause: String,
        #[command(flatten)]
        how: How,
    },
    /// Take over what a table is made of, as its shards have it, after it was changed behind the proxy.
    Refresh {
        /// database.table
        table: String,
        #[command(flatten)]
        how: How,
    },
    /// One table.
    Show {
        /// database.table
        table: String,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    let name = match verb {
        Verb::List => {
            let list: Vec<TableView> = client.get("/v1/tables").await?;
            return show_tables(client, &list);
        }
        Verb::Import { table, clause, how } => {
            let (database, table) = split(table)?;
            let clause = clause.clone();
            let order = Order::ImportTable {
                database,
                table,
                clause,
            };
            return client.order(order, how, None).await;
        }
        Verb::Refresh { table, how } => {
            let (database, table) = split(table)?;
            let order = Order::RefreshTable { database, table };
            return client.order(order, how, None).await;
        }
        Verb::Show { table } => table,
    };
    let (database, table) = split(name)?;
    let t: TableView = client
        .get(&format!("/v1/tables/{database}/{table}"))
        .await?;
    if client.format == Format::Json {
        return json(&t);
    }
    let facts = [
        ("table", format!("{}.{}", t.database, t.table)),
        ("id", t.id.to_string()),
        ("kind", t.kind.clone()),
        ("key", t.key.join(", ")),
        ("shards", t.shards.join(", ")),
        ("group", maybe(&t.group)),
        ("columns", t.columns.join(", ")),
        ("auto_increment", maybe(&t.auto_increment)),
    ];
    facts.iter().for_each(|(k, v)| println!("{k:<15} {v}"));
    Ok(0)
}

pub(crate) fn split(name: &str) -> Result<(String, String), Failed> {
    let parts = name
        .split_once('.')
        .filter(|(d, t)| !d.is_empty() && !t.is_empty());
    let (database, table) =
        parts.ok_or_else(|| format!("{name}: a table is written database.table"))?;
    Ok((database.to_string(), table.to_string()))
}

pub(crate) fn show_tables(client: &Client, list: &[TableView]) -> Shown {
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |t: &TableView| {
        vec![
            format!("{}.{}", t.database, t.table),
            t.kind.clone(),
            t.key.join(", "),
            t.shards.join(", "),
            maybe(&t.group),
        ]
    };
    let rows = list.iter().map(row).collect();
    print_table(&["table", "kind", "key", "shards", "group"], rows);
    Ok(0)
}
