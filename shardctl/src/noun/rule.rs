//! `shardctl rule`: sharding rules for tables to come.

use crate::Shown;
use crate::cli::{Format, How};
use crate::client::Client;
use crate::noun::table::split;
use crate::output::{json, table as print_table};
use admin_types::order::Order;
use admin_types::rule::RuleView;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Rules that wait for their table.
    List,
    /// A rule for a table that will be created later, by a migration tool for instance.
    #[command(
        after_help = "Examples:\n  shardctl rule create shop.orders 'HASH (user_id)'\n  \
        shardctl rule create shop.events \"RANGE (day) (PARTITION old VALUES LESS THAN ('2026-01-01') \
        ON s1, PARTITION rest VALUES LESS THAN (MAXVALUE) ON s2)\""
    )]
    Create {
        /// database.table
        table: String,
        /// What follows SHARD BY.
        clause: String,
        #[command(flatten)]
        how: How,
    },
    /// Take a waiting rule back.
    Drop {
        /// database.table
        table: String,
        #[command(flatten)]
        how: How,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    match verb {
        Verb::List => {
            let list: Vec<RuleView> = client.get("/v1/rules").await?;
            if client.format == Format::Json {
                return json(&list);
            }
            let row = |r: &RuleView| vec![format!("{}.{}", r.database, r.table), r.clause.clone()];
            print_table(&["table", "shard by"], list.iter().map(row).collect());
            Ok(0)
        }
        Verb::Create { table, clause, how } => {
            let (database, table) = split(table)?;
            let clause = clause.clone();
            let order = Order::PutRule {
                database,
                table,
                clause,
            };
            client.order(order, how, None).await
        }
        Verb::Drop { table, how } => {
            let (database, table) = split(table)?;
            client
                .order(Order::DropRule { database, table }, how, None)
                .await
        }
    }
}
