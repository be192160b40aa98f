//! `shardctl sequence`: AUTO_INCREMENT of sharded tables.

use crate::Shown;
use crate::cli::{Format, How};
use crate::client::Client;
use crate::noun::table::split;
use crate::output::{json, table as print_table};
use admin_types::order::Order;
use admin_types::sequence::SequenceView;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The next id of each table.
    List,
    /// Raise the next id, after data was restored for instance; it never goes back.
    Set {
        /// database.table
        table: String,
        /// The next id.
        next: u64,
        #[command(flatten)]
        how: How,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    match verb {
        Verb::List => {
            let list: Vec<SequenceView> = client.get("/v1/sequences").await?;
            if client.format == Format::Json {
                return json(&list);
            }
            let row =
                |s: &SequenceView| vec![format!("{}.{}", s.database, s.table), s.next.to_string()];
            print_table(&["table", "next"], list.iter().map(row).collect());
            Ok(0)
        }
        Verb::Set { table, next, how } => {
            let (database, table) = split(table)?;
            let question = format!("The next id of {database}.{table} becomes {next}, for good.");
            let next = *next;
            let order = Order::RaiseSequence {
                database,
                table,
                next,
            };
            client.order(order, how, Some(&question)).await
        }
    }
}
