//! The proxy's own account on each shard: made when it starts and with every new incarnation, made again
//! if somebody drops it; and accounts of proxies that are gone are ended.

use crate::Cluster;
use catalog::Catalog;
use meta::Service;
use shard::account::{Manager, name_of};
use shard::{Login, ShardError, ShardHandle};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the shards are searched for accounts that are missing or left over.
const CLEAN_EVERY: Duration = Duration::from_secs(5);
/// How often the own incarnation is compared with that of the accounts.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long one visit of a shard may take.
const VISIT_TIME: Duration = Duration::from_secs(10);
/// Random bytes of a password.
const PASSWORD_BYTES: usize = 24;

/// Where an account is in place.
#[derive(PartialEq, Eq)]
struct InPlace {
    incarnation: u64,
    host: Arc<str>,
    port: u16,
    databases: BTreeSet<String>,
}

/// The accounts of this process, one on each shard that has a manager.
#[derive(Default)]
pub struct OwnAccounts {
    incarnation: Cell<u64>,
    passwords: RefCell<HashMap<Arc<str>, Arc<str>>>,
    in_place: RefCell<HashMap<Arc<str>, InPlace>>,
}

impl OwnAccounts {
    /// Goes on as another incarnation, with other passwords.
    pub fn become_incarnation(&self, incarnation: u64) {
        self.incarnation.set(incarnation);
        self.passwords.borrow_mut().clear();
    }

    /// The login of the own account; the manager's before there is an incarnation, which happens when
    /// the metadata service cannot be reached at the start.
    pub fn login(&self, manager: &Login) -> Result<Login, String> {
        let incarnation = self.incarnation.get();
        if incarnation == 0 {
            return Ok(manager.clone());
        }
        let mut passwords = self.passwords.borrow_mut();
        let password = match passwords.get(&manager.shard) {
            Some(known) => known.clone(),
            None => {
                let made: Arc<str> = password()?.into();
                passwords.insert(manager.shard.clone(), made.clone());
                made
            }
        };
        Ok(Login {
            user: name_of(incarnation).into(),
            password,
            ..manager.clone()
        })
    }

    /// Makes the account on a shard if it is not in place, with rights in every database; gives its
    /// login if it is new.
    pub async fn ensure(
        &self,
        manager: &Login,
        catalog: &Catalog,
    ) -> Result<Option<Login>, String> {
        let wanted = InPlace {
            incarnation: self.incarnation.get(),
            host: manager.host.clone(),
            port: manager.port,
            databases: databases(catalog),
        };
        let (incarnation, shard) = (wanted.incarnation, manager.shard.clone());
        if incarnation == 0 || self.in_place.borrow().get(&shard) == Some(&wanted) {
            return Ok(None);
        }
        let login = self.login(manager)?;
        let is_here = |p: &InPlace| {
            (p.incarnation, &p.host, p.port) == (incarnation, &manager.host, manager.port)
        };
        let known = self.in_place.borrow_mut().remove(&shard).filter(is_here);
        let visit = async {
            let mut m = Manager::connect(manager).await?;
            match &known {
                None => {
                    let names = wanted.databases.iter().map(String::as_str);
                    m.create(incarnation, &login.password, names).await
                }
                Some(old) => {
                    for database in wanted.databases.difference(&old.databases) {
                        m.grant(incarnation, database).await?;
                    }
                    Ok(())
                }
            }
        };
        let visited: Result<(), ShardError> = tokio::time::timeout(VISIT_TIME, visit)
            .await
            .map_err(|_| format!("shard {shard} does not answer its management account"))?;
        visited.map_err(|e| e.to_string())?;
        self.in_place.borrow_mut().insert(shard, wanted);
        Ok(known.is_none().then_some(login))
    }
}

/// The catalog's databases, and those that a job is making.
fn databases(catalog: &Catalog) -> BTreeSet<String> {
    let made = catalog.jobs.values().flat_map(|j| &j.objects);
    let made = made.filter(|o| o.table.is_empty()).map(|o| &o.database);
    catalog.databases.keys().chain(made).cloned().collect()
}

fn password() -> Result<String, String> {
    let mut bytes = [0u8; PASSWORD_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no random numbers".to_string())?;
    let engine = &base64::engine::general_purpose::URL_SAFE_NO_PAD;
    Ok(base64::Engine::encode(engine, bytes))
}

/// Keeps the accounts in place for as long as the proxy runs.
pub async fn keep(cluster: Arc<Cluster>, service: Rc<Service>, own: Rc<OwnAccounts>) {
    let mut cleaned = Instant::now();
    loop {
        let now = service.registered();
        // What was changed before the registration was not held up for this proxy: no worker may use the
        // new accounts by an older catalog.
        let is_current = cluster.proxy.epoch() >= now.epoch;
        if now.incarnation != 0 && now.incarnation != own.incarnation.get() && is_current {
            own.become_incarnation(now.incarnation);
        }
        let catalog = cluster.catalog();
        let visits: Vec<_> = managed(&cluster)
            .map(|(name, handle)| {
                let (own, cluster, catalog) = (own.clone(), cluster.clone(), catalog.clone());
                // One shard that is down does not hold up the others.
                tokio::task::spawn_local(async move {
                    take_care(&own, &cluster, &catalog, &name, handle).await
                })
            })
            .collect();
        for visit in visits {
            let _ = visit.await;
        }
        if cleaned.elapsed() > CLEAN_EVERY {
            clean(&cluster, &own).await;
            cleaned = Instant::now();
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn managed(cluster: &Cluster) -> impl Iterator<Item = (String, ShardHandle)> + use<> {
    let shards = cluster.shards.all();
    let list: Vec<_> = shards
        .iter()
        .filter(|(_, h)| h.manager.is_some())
        .map(|(n, h)| (n.clone(), h.clone()))
        .collect();
    list.into_iter()
}

async fn take_care(
    own: &OwnAccounts,
    cluster: &Cluster,
    catalog: &Catalog,
    name: &str,
    h: ShardHandle,
) {
    let Some(manager) = h.manager.clone() else {
        return;
    };
    match own.ensure(&manager, catalog).await {
        Ok(None) => {}
        Ok(Some(login)) if login.user == h.login.user && login.password == h.login.password => {}
        Ok(Some(login)) => {
            tracing::info!(shard = name, account = %login.user, "the shard is used with another account");
            cluster.shards.put(name, ShardHandle { login, ..h });
        }
        Err(error) => tracing::debug!(shard = name, error, "no account of its own yet"),
    }
}

/// Ends accounts of incarnations that are no more, and notices if the own one is missing.
async fn clean(cluster: &Cluster, own: &OwnAccounts) {
    for (name, handle) in managed(cluster) {
        let Some(manager) = &handle.manager else {
            continue;
        };
        let visit = tokio::time::timeout(VISIT_TIME, clean_one(cluster, own, manager));
        match visit.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(shard = name, %error, "accounts were not checked"),
            Err(_) => tracing::debug!(shard = name, "accounts were not checked in time"),
        }
    }
}

async fn clean_one(
    cluster: &Cluster,
    own: &OwnAccounts,
    manager: &Login,
) -> Result<(), ShardError> {
    let mut m = Manager::connect(manager).await?;
    // In this order: who has an account by now was registered before, and so is in the state.
    let accounts = m.list().await?;
    let mine = own.incarnation.get();
    if mine != 0 && !accounts.contains(&mine) {
        own.in_place.borrow_mut().remove(&manager.shard);
    }
    if accounts.iter().all(|n| *n == mine) {
        return Ok(());
    }
    let Ok(state) = cluster.meta.state().await else {
        return Ok(());
    };
    for n in accounts {
        let is_gone = n <= state.last_incarnation && !state.incarnations.contains_key(&n);
        if is_gone && n != mine {
            m.end(n).await?;
            let shard = &*manager.shard;
            tracing::info!(
                shard,
                incarnation = n,
                "ended the account of a proxy that is gone"
            );
        }
    }
    Ok(())
}
