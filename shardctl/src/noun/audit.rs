//! `shardctl audit`: who changed what, the newest first.

use crate::Shown;
use crate::cli::Format;
use crate::client::Client;
use crate::output::{json, table, time};
use catalog::state::AuditRecord;

/// Shows so many records.
pub(crate) async fn run(client: &Client, limit: usize) -> Shown {
    let list: Vec<AuditRecord> = client.get(&format!("/v1/audit?limit={limit}")).await?;
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |a: &AuditRecord| {
        vec![
            a.number.to_string(),
            time(a.at_ms),
            a.who.clone(),
            a.epoch.to_string(),
            a.what.split_whitespace().collect::<Vec<_>>().join(" "),
        ]
    };
    let rows = list.iter().map(row).collect();
    table(&["change", "time (UTC)", "who", "epoch", "what"], rows);
    Ok(0)
}
