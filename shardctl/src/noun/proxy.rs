//! `shardctl proxy`: running proxies.

use crate::Shown;
use crate::cli::{Format, How};
use crate::client::Client;
use crate::output::{json, maybe, silent, table, time};
use admin_types::counters::{CounterList, ProxyCounters};
use admin_types::order::Order;
use clap::Subcommand;
use meta_client::ProxyView;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Running proxies, their epochs and when each was heard of.
    List,
    /// What each proxy has counted since its start.
    Counters,
    /// Let a proxy take no new clients and let go of the idle ones, before an upgrade for instance.
    Drain {
        /// Its incarnation (`shardctl proxy list`).
        incarnation: u64,
        /// Let it take clients again.
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        how: How,
    },
    /// End an incarnation for ever; a proxy that still runs registers anew.
    Fence {
        /// Its number.
        incarnation: u64,
        #[command(flatten)]
        how: How,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    match verb {
        Verb::List => {
            let list: Vec<ProxyView> = client.get("/v1/proxies").await?;
            if client.format == Format::Json {
                return json(&list);
            }
            let row = |p: &ProxyView| {
                vec![
                    p.incarnation.to_string(),
                    p.name.clone(),
                    p.address.clone(),
                    p.version.clone(),
                    time(p.since_ms),
                    maybe(&p.epoch),
                    maybe(&p.silent_ms),
                    if p.draining { "drained" } else { "serves" }.to_string(),
                ]
            };
            let head = [
                "incarnation",
                "name",
                "address",
                "version",
                "since",
                "epoch",
                "silent ms",
                "state",
            ];
            table(&head, list.iter().map(row).collect());
            Ok(0)
        }
        Verb::Counters => counters(client).await,
        Verb::Drain {
            incarnation,
            undo,
            how,
        } => {
            let order = Order::Drain {
                incarnation: *incarnation,
                draining: !undo,
            };
            client.order(order, how, None).await
        }
        Verb::Fence { incarnation, how } => {
            let order = Order::Fence {
                incarnation: *incarnation,
            };
            let question = format!("Incarnation {incarnation} ends for ever.");
            client.order(order, how, Some(&question)).await
        }
    }
}

/// Counters that tables have beside the gauges; `--output json` has all. Those with a label are added up.
const COUNTS: [&str; 5] = [
    "commands",
    "statements_pipelined",
    "statements_exclusive",
    "statements_several_shards",
    "statements_refused",
];

/// A counter, or the sum over the values of its label; `None` if the proxy's version has none.
fn count(p: &ProxyCounters, name: &str) -> Option<u64> {
    let of_label = |n: &str| {
        n.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('_'))
    };
    let counts = p.counts.iter();
    let of_it = counts.filter(|(n, _)| *n == name || of_label(n));
    of_it.map(|(_, n)| *n).reduce(|a, b| a + b)
}

async fn counters(client: &Client) -> Shown {
    let list: CounterList = client.get("/v1/counters").await?;
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |p: &ProxyCounters| {
        let gauges = [p.sessions, p.uptime_s, p.epoch].map(|n| n.to_string());
        let counts = COUNTS.map(|name| maybe(&count(p, name)));
        let name = std::iter::once(p.proxy.clone());
        name.chain(gauges).chain(counts).collect()
    };
    let head = [
        "proxy",
        "sessions",
        "uptime s",
        "epoch",
        "commands",
        "pipelined",
        "exclusive",
        "several",
        "refused",
    ];
    table(&head, list.proxies.iter().map(row).collect());
    silent(&list.silent, &list.stale);
    Ok(0)
}
