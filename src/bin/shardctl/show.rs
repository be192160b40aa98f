//! The verbs.

use crate::Failed;
use crate::cli::*;
use crate::client::Client;
use crate::output::{confirm, json, maybe, table as print_table, time};
use admin_types::report::{Report, Severity};
use admin_types::views::*;
use catalog::state::AuditRecord;
use meta_client::{ClusterView, MemberChange, ProxyView};

type Shown = Result<u8, Failed>;

fn split(name: &str) -> Result<(String, String), Failed> {
    let parts = name
        .split_once('.')
        .filter(|(d, t)| !d.is_empty() && !t.is_empty());
    let (database, table) =
        parts.ok_or_else(|| format!("{name}: a table is written database.table"))?;
    Ok((database.to_string(), table.to_string()))
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
    print_table(&["node", "address", "role", "log index"], rows);
    Ok(0)
}

/// `cluster`
pub async fn cluster(client: &Client, verb: &ClusterVerb) -> Shown {
    let change = match verb {
        ClusterVerb::Status => return show_cluster(client, &client.get("/v1/cluster").await?),
        ClusterVerb::Init { node, tls_ca } => {
            return show_cluster(client, &client.init(node, tls_ca.as_deref()).await?);
        }
        ClusterVerb::Add { id, address } => MemberChange::Add {
            id: *id,
            address: address.clone(),
        },
        ClusterVerb::Promote { id } => MemberChange::Promote { id: *id },
        ClusterVerb::Remove { id, yes } => {
            confirm(&format!("Node {id} leaves the metadata service."), *yes)?;
            MemberChange::Remove { id: *id }
        }
    };
    show_cluster(client, &client.post("/v1/members", &change).await?)
}

/// `shard`
pub async fn shard(client: &Client, verb: &ShardVerb) -> Shown {
    match verb {
        ShardVerb::List => show_shards(client, client.get("/v1/shards").await?),
        ShardVerb::Show { name } => {
            let mut list: Vec<ShardView> = client.get("/v1/shards").await?;
            list.retain(|s| s.name == *name);
            if list.is_empty() {
                return Err(format!("there is no shard {name}").into());
            }
            show_shards(client, list)
        }
        ShardVerb::Add {
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
        ShardVerb::Disable { name, how } => {
            let (name, disabled) = (name.clone(), true);
            client
                .order(Order::DisableShard { name, disabled }, how, None)
                .await
        }
        ShardVerb::Enable { name, how } => {
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
    print_table(&["shard", "host", "port", "placement", "tables"], rows);
    Ok(0)
}

/// `database`
pub async fn database(client: &Client, verb: &DatabaseVerb) -> Shown {
    let list: Vec<DatabaseView> = client.get("/v1/databases").await?;
    let name = match verb {
        DatabaseVerb::List if client.format == Format::Json => return json(&list),
        DatabaseVerb::List => {
            let row = |d: &DatabaseView| {
                vec![
                    d.name.clone(),
                    d.default_shard.clone(),
                    d.tables.to_string(),
                ]
            };
            let rows = list.iter().map(row).collect();
            print_table(&["database", "default shard", "tables"], rows);
            return Ok(0);
        }
        DatabaseVerb::Show { name } => name,
    };
    if !list.iter().any(|d| d.name == *name) {
        return Err(format!("there is no database {name}").into());
    }
    let mut tables: Vec<TableView> = client.get("/v1/tables").await?;
    tables.retain(|t| t.database == *name);
    show_tables(client, &tables)
}

fn show_tables(client: &Client, list: &[TableView]) -> Shown {
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |t: &TableView| {
        vec![
            format!("{}.{}", t.database, t.table),
            t.kind.clone(),
            t.key.join(", "),
            t.shards.join(", "),
            maybe(&t.group),
        ]
    };
    let rows = list.iter().map(row).collect();
    print_table(&["table", "kind", "key", "shards", "group"], rows);
    Ok(0)
}

/// `table`
pub async fn table(client: &Client, verb: &TableVerb) -> Shown {
    let name = match verb {
        TableVerb::List => {
            let list: Vec<TableView> = client.get("/v1/tables").await?;
            return show_tables(client, &list);
        }
        TableVerb::Import { table, clause, how } => {
            let (database, table) = split(table)?;
            let clause = clause.clone();
            let order = Order::ImportTable {
                database,
                table,
                clause,
            };
            return client.order(order, how, None).await;
        }
        TableVerb::Show { table } => table,
    };
    let (database, table) = split(name)?;
    let t: TableView = client
        .get(&format!("/v1/tables/{database}/{table}"))
        .await?;
    if client.format == Format::Json {
        return json(&t);
    }
    let facts = [
        ("table", format!("{}.{}", t.database, t.table)),
        ("id", t.id.to_string()),
        ("kind", t.kind.clone()),
        ("key", t.key.join(", ")),
        ("shards", t.shards.join(", ")),
        ("group", maybe(&t.group)),
        ("columns", t.columns.join(", ")),
        ("auto_increment", maybe(&t.auto_increment)),
    ];
    facts.iter().for_each(|(k, v)| println!("{k:<15} {v}"));
    Ok(0)
}

/// `rule`
pub async fn rule(client: &Client, verb: &RuleVerb) -> Shown {
    match verb {
        RuleVerb::List => {
            let list: Vec<RuleView> = client.get("/v1/rules").await?;
            if client.format == Format::Json {
                return json(&list);
            }
            let row = |r: &RuleView| vec![format!("{}.{}", r.database, r.table), r.clause.clone()];
            print_table(&["table", "shard by"], list.iter().map(row).collect());
            Ok(0)
        }
        RuleVerb::Create { table, clause, how } => {
            let (database, table) = split(table)?;
            let clause = clause.clone();
            let order = Order::PutRule {
                database,
                table,
                clause,
            };
            client.order(order, how, None).await
        }
        RuleVerb::Drop { table, how } => {
            let (database, table) = split(table)?;
            client
                .order(Order::DropRule { database, table }, how, None)
                .await
        }
    }
}

/// `proxy`
pub async fn proxy(client: &Client, verb: &ProxyVerb) -> Shown {
    match verb {
        ProxyVerb::List => {
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
            print_table(&head, list.iter().map(row).collect());
            Ok(0)
        }
        ProxyVerb::Drain {
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
        ProxyVerb::Fence { incarnation, how } => {
            let order = Order::Fence {
                incarnation: *incarnation,
            };
            let question = format!("Incarnation {incarnation} ends for ever.");
            client.order(order, how, Some(&question)).await
        }
    }
}

/// `sequence`
pub async fn sequence(client: &Client, verb: &SequenceVerb) -> Shown {
    match verb {
        SequenceVerb::List => {
            let list: Vec<SequenceView> = client.get("/v1/sequences").await?;
            if client.format == Format::Json {
                return json(&list);
            }
            let row =
                |s: &SequenceView| vec![format!("{}.{}", s.database, s.table), s.next.to_string()];
            print_table(&["table", "next"], list.iter().map(row).collect());
            Ok(0)
        }
        SequenceVerb::Set { table, next, how } => {
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

/// `settings`
pub async fn settings(client: &Client, verb: &SettingsVerb) -> Shown {
    let wanted = match verb {
        SettingsVerb::Set { name, value, how } => {
            let (name, value) = (name.clone(), value.clone());
            return client.order(Order::Set { name, value }, how, None).await;
        }
        SettingsVerb::List => None,
        SettingsVerb::Describe { name } => Some(name),
    };
    let mut list: Vec<SettingView> = client.get("/v1/settings").await?;
    list.retain(|s| wanted.is_none_or(|w| s.name == *w));
    if let (true, Some(name)) = (list.is_empty(), wanted) {
        return Err(
            format!("there is no setting {name}; `shardctl settings list` shows all").into(),
        );
    }
    if client.format == Format::Json {
        return json(&list);
    }
    let row = |s: &SettingView| {
        vec![
            s.name.clone(),
            s.value.clone(),
            s.default.clone(),
            s.range.clone(),
            s.help.clone(),
        ]
    };
    let rows = list.iter().map(row).collect();
    print_table(
        &["setting", "value", "default", "range", "what it does"],
        rows,
    );
    Ok(0)
}

/// `audit`
pub async fn audit(client: &Client, limit: usize) -> Shown {
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
    print_table(&["change", "time (UTC)", "who", "epoch", "what"], rows);
    Ok(0)
}

/// `inspect`
pub async fn inspect(client: &Client, markdown: bool) -> Shown {
    let report: Report = client.get("/v1/inspect").await?;
    if client.format == Format::Json {
        json(&report)?;
    } else if markdown {
        print!("{}", report.markdown());
    } else {
        let row = |f: &admin_types::report::Finding| {
            vec![
                f.severity.to_string(),
                f.subject.clone(),
                f.text.clone(),
                f.advice.clone(),
            ]
        };
        let rows = report.findings.iter().map(row).collect();
        print_table(&["severity", "subject", "finding", "what to do"], rows);
    }
    Ok(match report.severity() {
        Severity::Fine => 0,
        Severity::Warning => 10,
        Severity::Critical => 20,
    })
}

/// `version`
pub async fn version(client: &Client) -> Shown {
    let v: VersionView = client.get("/v1/version").await?;
    if client.format == Format::Json {
        return json(&v);
    }
    println!("shardctl {}", env!("CARGO_PKG_VERSION"));
    println!("proxy    {}, catalog epoch {}", v.version, v.epoch);
    Ok(0)
}
