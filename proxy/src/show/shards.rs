//! SHOW SHARDS.

use crate::session::Session;
use shard::Answers;
use wire::column::ResultColumn;
use wire::resultset::ResultSet;

/// Every shard with its health and this worker's pool.
pub(crate) fn rows(s: &Session) -> ResultSet {
    let names = [
        "Shard",
        "Host",
        "Port",
        "State",
        "Version",
        "Connections",
        "Idle",
        "Waiting",
    ];
    let mut set = ResultSet::with_text_columns(&names);
    set.columns[2] = ResultColumn::number("Port", true);
    let counts = s.worker.pool_counts();
    let handles = s.worker.shared.shards();
    for shard in s.worker.catalog().shards.values() {
        let health = handles.get(&shard.name).map(|h| &h.health);
        let detail = health.map(|h| h.detail()).unwrap_or_default();
        let state = match health {
            None => "not configured".to_string(),
            Some(h) => match h.answers() {
                Answers::Yes => "up".to_string(),
                Answers::NotNow => format!("does not answer: {}", detail.error),
                Answers::Down => format!("down: {}", detail.error),
            },
        };
        let of_shard = counts.iter().find(|(s, _)| *s == shard.id);
        let (total, idle, waiting) = of_shard.map_or((0, 0, 0), |(_, c)| {
            (c.leased + c.pipelines + c.idle, c.idle, c.waiting)
        });
        set.row([
            shard.name.clone(),
            shard.primary().host.clone(),
            shard.primary().port.to_string(),
            state,
            detail.version,
            total.to_string(),
            idle.to_string(),
            waiting.to_string(),
        ]);
    }
    set
}
