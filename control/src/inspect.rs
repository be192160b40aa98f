//! The health report: shards, their tables, the metadata service, the proxies.

use crate::{Cluster, drift, probe};
use admin_types::report::{Finding, Report, Severity};
use meta_client::{ClusterView, MemberRole, ProxyView};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Log entries that a node may be behind.
const NODE_LAG_ENTRIES_MAX: u64 = 1_000;
/// Silence of a proxy that is a warning.
const PROXY_SILENCE_MS_MAX: u64 = 3_000;

/// A proxy reports its epoch at least this often.
const PROXY_REPORT: Duration = Duration::from_millis(2_500);

fn is_behind(p: &ProxyView, epoch: u64) -> bool {
    p.epoch.is_none_or(|e| e < epoch)
}

pub(crate) async fn inspect(cluster: &Cluster) -> Report {
    let mut out = Vec::new();
    shards(cluster, &mut out).await;
    match cluster.meta.cluster().await {
        Ok(view) => nodes(&view, &mut out),
        Err(e) => {
            let advice = "statements go on; changes of structure wait until a majority is back";
            out.push(Finding::new(
                Severity::Critical,
                "metadata service",
                e.to_string(),
                advice,
            ));
        }
    }
    let epoch = cluster.catalog().epoch;
    if let Ok(mut list) = cluster.meta.proxies().await {
        if list.iter().any(|p| is_behind(p, epoch)) {
            // It may only not have said yet that it has the newest one.
            tokio::time::sleep(PROXY_REPORT).await;
            list = cluster.meta.proxies().await.unwrap_or(list);
        }
        proxies(&list, epoch, &mut out);
        channel(cluster, &mut out).await;
    }
    Report::new(out)
}

async fn shards(cluster: &Cluster, out: &mut Vec<Finding>) {
    let catalog = cluster.catalog();
    let handles = cluster.shards.all();
    let (mut tables, mut versions) = (BTreeMap::new(), BTreeMap::new());
    for s in catalog.shards.values() {
        let subject = format!("shard {}", s.name);
        let Some(handle) = handles.get(&s.name) else {
            let text = "it is in the catalog, but this proxy has no account for it";
            let advice = "add a [[shards]] entry or [new_shards] to the configuration";
            out.push(Finding::new(Severity::Critical, subject, text, advice));
            continue;
        };
        out.extend(probe::inspect(&subject, handle.strongest()).await);
        let version = handle.health.detail().version;
        versions
            .entry(version)
            .or_insert_with(Vec::new)
            .push(s.name.clone());
        // A server that does not answer has its finding above.
        if let Ok(found) = drift::read(handle.strongest(), &catalog).await {
            tables.insert(s.id, found);
        }
    }
    if versions.len() > 1 {
        let list: Vec<_> = versions
            .iter()
            .map(|(v, s)| format!("{v} ({})", s.join(", ")))
            .collect();
        let text = format!("the shards have different versions: {}", list.join("; "));
        let advice = "the same statement may answer differently; upgrade them to one version";
        out.push(Finding::new(Severity::Warning, "shards", text, advice));
    }
    let drifted = drift::compare(&catalog, &tables);
    if drifted.is_empty() {
        let text = format!("{} tables are as the catalog says", catalog.tables.len());
        out.push(Finding::ok("schema", text));
    }
    out.extend(drifted);
    for job in catalog.jobs.values() {
        let text = format!(
            "DDL job {} is not finished: {}",
            job.id.0,
            job.statement_text()
        );
        let advice = "repeat the statement, or CANCEL DDL JOB";
        out.push(Finding::new(Severity::Warning, "schema", text, advice));
    }
}

fn nodes(view: &ClusterView, out: &mut Vec<Finding>) {
    let subject = "metadata service";
    match view.leader {
        None => out.push(Finding::new(
            Severity::Critical,
            subject,
            "there is no leader",
            "start the nodes that are down; a majority is needed",
        )),
        Some(id) => out.push(Finding::ok(subject, format!("node {id} leads"))),
    }
    let voters = view
        .members
        .iter()
        .filter(|m| m.role != MemberRole::Learner)
        .count();
    if voters > 1 && voters % 2 == 0 {
        let text = format!("{voters} nodes vote: as many losses are survived as with one less");
        out.push(Finding::new(Severity::Warning, subject, text, "run 3 or 5"));
    }
    let newest = view
        .members
        .iter()
        .filter_map(|m| m.log_index)
        .max()
        .unwrap_or(0);
    for m in &view.members {
        let behind = m.log_index.map(|i| newest - i);
        if behind.is_some_and(|n| n > NODE_LAG_ENTRIES_MAX) {
            let text = format!("it is {} entries behind", behind.unwrap_or(0));
            let subject = format!("metadata node {}", m.id);
            out.push(Finding::new(
                Severity::Warning,
                subject,
                text,
                "read its log",
            ));
        }
    }
}

/// The proxies as this one reaches them.
async fn channel(cluster: &Cluster, out: &mut Vec<Finding>) {
    let asked = cluster.proxies.counters().await;
    for s in &asked.silent {
        let text = format!("over the channel between proxies it {}", s.why);
        let advice =
            "KILL and SHOW PROCESSLIST miss its sessions; let every proxy reach its peers.listen";
        let subject = format!("proxy {}", s.proxy);
        out.push(Finding::new(Severity::Warning, subject, text, advice));
    }
    if asked.silent.is_empty() && asked.proxies.len() > 1 {
        let text = format!("{} proxies reach each other", asked.proxies.len());
        out.push(Finding::ok("proxies", text));
    }
}

fn proxies(list: &[ProxyView], epoch: u64, out: &mut Vec<Finding>) {
    let versions: BTreeSet<_> = list.iter().map(|p| p.version.as_str()).collect();
    if versions.len() > 1 {
        let text = format!("versions {}", Vec::from_iter(versions).join(", "));
        out.push(Finding::new(
            Severity::Warning,
            "proxies",
            text,
            "finish the upgrade",
        ));
    }
    for p in list {
        let subject = format!("proxy {}", p.name);
        match p.silent_ms {
            Some(ms) if ms > PROXY_SILENCE_MS_MAX => {
                let text = format!("not heard of for {ms} ms");
                let advice = "it is fenced after fence_after_ms (shardctl settings list)";
                out.push(Finding::new(Severity::Warning, subject, text, advice));
            }
            _ if is_behind(p, epoch) => {
                let text = format!(
                    "plans against epoch {}, now is {epoch}",
                    p.epoch.unwrap_or(0)
                );
                let advice = "it does not reach the metadata service";
                out.push(Finding::new(Severity::Warning, subject, text, advice));
            }
            _ => out.push(Finding::ok(subject, format!("serves {}", p.address))),
        }
    }
}
