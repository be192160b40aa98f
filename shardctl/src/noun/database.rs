//! `shardctl database`.

use crate::Shown;
use crate::cli::Format;
use crate::client::Client;
use crate::noun::table::show_tables;
use crate::output::{json, table};
use admin_types::database::DatabaseView;
use admin_types::table::TableView;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// All databases.
    List,
    /// One database and its tables.
    Show {
        /// Its name.
        name: String,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    let list: Vec<DatabaseView> = client.get("/v1/databases").await?;
    let name = match verb {
        Verb::List if client.format == Format::Json => return json(&list),
        Verb::List => {
            let row = |d: &DatabaseView| {
                vec![
                    d.name.clone(),
                    d.default_shard.clone(),
                    d.tables.to_string(),
                ]
            };
            let rows = list.iter().map(row).collect();
            table(&["database", "default shard", "tables"], rows);
            return Ok(0);
        }
        Verb::Show { name } => name,
    };
    if !list.iter().any(|d| d.name == *name) {
        return Err(format!("there is no database {name}").into());
    }
    let mut tables: Vec<TableView> = client.get("/v1/tables").await?;
    tables.retain(|t| t.database == *name);
    show_tables(client, &tables)
}
