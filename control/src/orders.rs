//! An order of a DBA: checked as far as this process can, tried on a copy of the state or submitted, and
//! answered when the proxies work by it.

use crate::import::Wanted;
use crate::proxies::Proxies;
use crate::refresh::Refresh;
use crate::visits::Visits;
use crate::{Cluster, ShardConfig};
use admin_types::order::{Order, OrderReply, OrderRequest};
use admin_types::report::{Report, Severity};
use admin_types::sequence::draws_ids;
use catalog::{Answer, Change, Command, Fence, PendingRule, Proposal, Rejected, TableName};
use meta_client::{BoxFuture, MetaError, MetaService};
use schema::rule;
use sql::shard_by::{Rule, parse_rule};
use std::sync::Arc;
use std::time::Duration;

/// What the admin port may ask for. It may be used from any thread.
pub struct Orders {
    cluster: Arc<Cluster>,
    visits: Visits,
}

fn invalid(why: impl Into<String>) -> MetaError {
    Rejected::Invalid(why.into()).into()
}

/// A shard's name stands in rules and in file names.
fn check_shard_name(name: &str) -> Result<(), MetaError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(invalid(
        "a shard's name has 1 to 64 letters, digits, _ and -",
    ))
}

impl Orders {
    /// Starts what talks to shards; their connections stay on this thread. `new_shards` is the account
    /// for shards that `accounts` does not name. Tables are compared with the catalog every
    /// `drift_check`, or only by an inspection if it is zero.
    pub fn start(
        cluster: Arc<Cluster>,
        accounts: Vec<ShardConfig>,
        new_shards: Option<ShardConfig>,
        drift_check: Duration,
    ) -> Self {
        let visits = Visits::start(cluster.clone(), accounts, new_shards, drift_check);
        Self { cluster, visits }
    }

    /// The metadata service.
    pub fn meta(&self) -> &dyn MetaService {
        &*self.cluster.meta
    }

    /// What may be asked of every proxy.
    pub fn proxies(&self) -> &Proxies {
        &self.cluster.proxies
    }

    /// A health report of everything.
    pub fn inspect(&self) -> BoxFuture<Report> {
        self.visits.inspect()
    }

    /// Carries an order out in somebody's name, or says what it would do.
    pub async fn carry_out(&self, who: &str, asked: OrderRequest) -> Result<OrderReply, MetaError> {
        let OrderRequest {
            order,
            dry_run,
            expected_epoch,
        } = asked;
        let (answer, mut notes) = match order {
            Order::ImportTable {
                database,
                table,
                clause,
            } => {
                self.check_epoch(expected_epoch)?;
                let wanted = Wanted {
                    name: TableName::new(database, table),
                    rule: self.rule(&clause).map_err(invalid)?,
                    clause,
                    who: who.to_string(),
                    dry_run,
                };
                let imported = self.visits.import(wanted).await?;
                (imported.answer, imported.notes)
            }
            Order::RefreshTable { database, table } => {
                self.check_epoch(expected_epoch)?;
                let wanted = Refresh {
                    table: TableName::new(database, table),
                    who: who.to_string(),
                    dry_run,
                };
                self.visits.refresh(wanted).await?
            }
            order => {
                let (change, notes) = self.checked(order).await?;
                let answer = if dry_run {
                    self.tried(who, change, expected_epoch).await?
                } else {
                    self.made(who, change, expected_epoch).await?
                };
                (answer, notes)
            }
        };
        if let (false, Answer::Done { epoch }) = (dry_run, &answer) {
            // The change is made: who does not follow yet only learns of it later.
            let settled = self.cluster.settle(*epoch, Vec::new(), Duration::ZERO);
            if let Err(why) = settled.await {
                notes.push(format!("not everybody works by it yet: {why}"));
            }
        }
        Ok(OrderReply {
            dry_run,
            answer,
            notes,
        })
    }

    fn check_epoch(&self, expected: Option<u64>) -> Result<(), MetaError> {
        let now = self.cluster.catalog().epoch;
        match expected.filter(|e| *e != now) {
            Some(expected) => Err(Rejected::Epoch { expected, now }.into()),
            None => Ok(()),
        }
    }

    /// The answer that the service would give: the same code, on a copy of its state.
    async fn tried(
        &self,
        who: &str,
        change: Change,
        expected_epoch: Option<u64>,
    ) -> Result<Answer, MetaError> {
        let mut state = self.meta().state().await?;
        let proposal = Proposal {
            request: "dry run".to_string(),
            who: who.to_string(),
            at_ms: 0,
            expected_epoch,
            change,
        };
        match state.apply(&proposal) {
            Answer::Rejected(why) => Err(why.into()),
            answer => Ok(answer),
        }
    }

    async fn made(
        &self,
        who: &str,
        change: Change,
        expected_epoch: Option<u64>,
    ) -> Result<Answer, MetaError> {
        let catalog = self.cluster.catalog();
        if let Change::Catalog(put @ Command::PutShard { name, host, port }) = &change
            && catalog.shard_named(name).is_none()
        {
            // What the service would refuse must not touch the server either.
            catalog.apply(put)?;
            // A statement that is on its way to the shards does not know the new one.
            if let Some(job) = catalog.jobs.values().next() {
                let why = "a change of structure is not done yet (SHOW DDL JOBS): job";
                return Err(invalid(format!("{why} {}", job.id.0)));
            }
            let prepared = self.visits.prepare(name, host, *port).await;
            prepared.map_err(invalid)?;
            let answer = self
                .meta()
                .submit(who, change.clone(), expected_epoch)
                .await?;
            // Tables that were made meanwhile did not reach it.
            let prepared = self.visits.prepare(name, host, *port).await;
            prepared.map_err(invalid)?;
            return Ok(answer);
        }
        self.meta().submit(who, change, expected_epoch).await
    }

    /// The change behind an order, once what can be checked from here is checked.
    async fn checked(&self, order: Order) -> Result<(Change, Vec<String>), MetaError> {
        let mut notes = Vec::new();
        let change = match order {
            Order::PutShard {
                name,
                host,
                port,
                force,
            } => {
                check_shard_name(&name)?;
                notes = self.probed((&name, &host, port), force).await?;
                Change::Catalog(Command::PutShard { name, host, port })
            }
            Order::DisableShard { name, disabled } => {
                self.check_another_takes_tables(&name, disabled)?;
                Change::Catalog(Command::DisableShard { name, disabled })
            }
            Order::PutRule {
                database,
                table,
                clause,
            } => {
                let rule = self.rule(&clause).map_err(invalid)?;
                let checked = rule::check_shard_names(&self.cluster.catalog(), &rule.by);
                checked.map_err(|e| invalid(e.to_string()))?;
                let table = TableName::new(database, table);
                let rule = PendingRule { clause };
                Change::Catalog(Command::PutRule { table, rule })
            }
            Order::DropRule { database, table } => {
                let table = TableName::new(database, table);
                Change::Catalog(Command::DropRule { table })
            }
            Order::RaiseSequence {
                database,
                table,
                next,
            } => self.raised(&database, &table, next)?,
            Order::Set { name, value } => Change::Set { name, value },
            Order::Drain {
                incarnation,
                draining,
            } => Change::Drain {
                incarnation,
                draining,
            },
            Order::Fence { incarnation } => Change::Fence(Fence::new(incarnation, "by order")),
            Order::ImportTable { .. } | Order::RefreshTable { .. } => {
                return Err(invalid("shards are read for it first"));
            }
            Order::User(order) => Change::Catalog(order.into()),
        };
        Ok((change, notes))
    }

    fn check_another_takes_tables(&self, name: &str, disabled: bool) -> Result<(), MetaError> {
        let catalog = self.cluster.catalog();
        let mut others = catalog.shards.values().filter(|s| s.name != name);
        if disabled && others.all(|s| s.disabled) {
            return Err(invalid("it is the last shard that takes new tables"));
        }
        Ok(())
    }

    fn raised(&self, database: &str, table: &str, next: u64) -> Result<Change, MetaError> {
        let catalog = self.cluster.catalog();
        let name = format!("{database}.{table}");
        let Some(found) = catalog.table(database, table) else {
            return Err(Rejected::Missing(format!("table {name}")).into());
        };
        if !draws_ids(found) {
            let why = format!("{name} draws no ids from the metadata service");
            return Err(invalid(why));
        }
        Ok(Change::RaiseSequence {
            table: found.id,
            next,
        })
    }

    /// Reads a sharding clause.
    fn rule(&self, clause: &str) -> Result<Rule, String> {
        let (text, mode) = (clause.as_bytes(), sql::LexMode::default());
        let flavor = self.cluster.shards.flavor();
        let lexed = sql::Lexed::new(text, mode, flavor).map_err(|e| e.to_string())?;
        let rule = parse_rule(&mut sql::cursor::Cursor::new(text, &lexed.tokens, mode));
        rule.map_err(|e| e.to_string())
    }

    /// Inspects a server that is to be a shard; what is no obstacle becomes notes.
    async fn probed(
        &self,
        (name, host, port): (&str, &str, u16),
        force: bool,
    ) -> Result<Vec<String>, MetaError> {
        let found = self.visits.probe(name, host, port).await;
        let bad = found.iter().find(|f| f.severity == Severity::Critical);
        if let (Some(first), false) = (bad, force) {
            return Err(invalid(format!(
                "{}: {}; {}",
                first.subject, first.text, first.advice
            )));
        }
        let noted = found.iter().filter(|f| f.severity > Severity::Ok);
        Ok(noted
            .map(|f| format!("{}: {}", f.subject, f.text))
            .collect())
    }
}
