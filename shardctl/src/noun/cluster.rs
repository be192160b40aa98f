//! `shardctl cluster`: the nodes of the metadata service.

use crate::Shown;
use crate::cli::Format;
use crate::client::Client;
use crate::output::{confirm, json, maybe, table};
use clap::Subcommand;
use meta_client::{ClusterView, MemberChange};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The nodes, who leads, how far each one is.
    Status,
    /// Found the service on a node that was started without --init and --join. Asks the node itself;
    /// --token-file names the cluster's token.
    #[command(
        after_help = "Example:\n  shardctl --token-file cluster.token cluster init 127.0.0.1:7101"
    )]
    Init {
        /// Host and port of the node (its --listen).
        node: String,
        /// PEM file with the authority of the nodes' certificates; without it the node must be on
        /// loopback.
        #[arg(long)]
        tls_ca: Option<PathBuf>,
    },
    /// Add a node as a learner (`shardwright meta --join` does this and promotes it).
    Add {
        /// Its number.
        id: u64,
        /// Its host and port.
        address: String,
    },
    /// Give a learner a vote.
    Promote {
        /// Its number.
        id: u64,
    },
    /// Take a node out.
    Remove {
        /// Its number.
        id: u64,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    let change = match verb {
        Verb::Status => return show_cluster(client, &client.get("/v1/cluster").await?),
        Verb::Init { node, tls_ca } => {
            return show_cluster(client, &client.init(node, tls_ca.as_deref()).await?);
        }
        Verb::Add { id, address } => MemberChange::Add {
            id: *id,
            address: address.clone(),
        },
        Verb::Promote { id } => MemberChange::Promote { id: *id },
        Verb::Remove { id, yes } => {
            confirm(&format!("Node {id} leaves the metadata service."), *yes)?;
            MemberChange::Remove { id: *id }
        }
    };
    show_cluster(client, &client.post("/v1/members", &change).await?)
}

fn show_cluster(client: &Client, view: &ClusterView) -> Shown {
    if client.format == Format::Json {
        return json(view);
    }
    let leader = maybe(&view.leader);
    println!(
        "leader {leader}, term {}, catalog epoch {}",
        view.term, view.epoch
    );
    let row = |m: &meta_client::MemberView| {
        vec![
            m.id.to_string(),
            m.address.clone(),
            m.role.to_string(),
            maybe(&m.log_index),
        ]
    };
    let rows = view.members.iter().map(row).collect();
    table(&["node", "address", "role", "log index"], rows);
    Ok(0)
}
