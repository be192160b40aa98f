//! `shardctl session`: who is connected, at whichever proxy.

use crate::Shown;
use crate::cli::Format;
use crate::client::Client;
use crate::output::{json, maybe, silent, table};
use admin_types::session::{ClientSession, SessionList};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The clients' sessions at every proxy; KILL with such an id works at any of them.
    List,
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    let Verb::List = verb;
    let list: SessionList = client.get("/v1/sessions").await?;
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |s: &ClientSession| {
        vec![
            s.proxy.clone(),
            s.id.to_string(),
            s.user.clone(),
            s.host.clone(),
            s.database.clone(),
            s.command.clone(),
            s.seconds.to_string(),
            if s.in_transaction { "open" } else { "-" }.to_string(),
            maybe(&s.statement),
        ]
    };
    let head = [
        "proxy",
        "id",
        "user",
        "host",
        "database",
        "command",
        "time s",
        "transaction",
        "statement",
    ];
    table(&head, list.sessions.iter().map(row).collect());
    silent(&list.silent, &list.stale);
    Ok(0)
}
