//! `shardctl shard`.

use crate::Shown;
use crate::cli::{Format, How};
use crate::client::Client;
use crate::output::{json, table};
use admin_types::order::Order;
use admin_types::shard::ShardView;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// All shards.
    List,
    /// One shard.
    Show {
        /// Its name.
        name: String,
    },
    /// Add a shard, or give one another address; the server is inspected first.
    #[command(after_help = "Example:\n  shardctl shard add s3 10.0.0.13 --dry-run")]
    Add {
        /// Its name.
        name: String,
        /// Host of its primary.
        host: String,
        /// Port of its primary.
        #[arg(long, default_value_t = 3306)]
        port: u16,
        /// Add it although a check found something critical.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        how: How,
    },
    /// Place nothing new on a shard; what is there stays served.
    Disable {
        /// Its name.
        name: String,
        #[command(flatten)]
        how: How,
    },
    /// Place new tables on a shard again.
    Enable {
        /// Its name.
        name: String,
        #[command(flatten)]
        how: How,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    match verb {
        Verb::List => show_shards(client, client.get("/v1/shards").await?),
        Verb::Show { name } => {
            let mut list: Vec<ShardView> = client.get("/v1/shards").await?;
            list.retain(|s| s.name == *name);
            if list.is_empty() {
                return Err(format!("there is no shard {name}").into());
            }
            show_shards(client, list)
        }
        Verb::Add {
            name,
            host,
            port,
            force,
            how,
        } => {
            let order = Order::PutShard {
                name: name.clone(),
                host: host.clone(),
                port: *port,
                force: *force,
            };
            let known: Vec<ShardView> = client.get("/v1/shards").await?;
            let moves = known.iter().find(|s| s.name == *name);
            let question = moves.map(|s| {
                format!(
                    "Shard {name} moves from {}:{} to {host}:{port}; its data must be there already.",
                    s.host, s.port
                )
            });
            client.order(order, how, question.as_deref()).await
        }
        Verb::Disable { name, how } => {
            let (name, disabled) = (name.clone(), true);
            client
                .order(Order::DisableShard { name, disabled }, how, None)
                .await
        }
        Verb::Enable { name, how } => {
            let (name, disabled) = (name.clone(), false);
            client
                .order(Order::DisableShard { name, disabled }, how, None)
                .await
        }
    }
}

fn show_shards(client: &Client, list: Vec<ShardView>) -> Shown {
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |s: &ShardView| {
        let state = if s.disabled { "disabled" } else { "enabled" };
        vec![
            s.name.clone(),
            s.host.clone(),
            s.port.to_string(),
            state.to_string(),
            s.tables.to_string(),
        ]
    };
    let rows = list.iter().map(row).collect();
    table(&["shard", "host", "port", "placement", "tables"], rows);
    Ok(0)
}
