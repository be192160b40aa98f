//! The proxy's accounts on each shard: its own, made when it starts and with every new incarnation, and one
//! for each set of rights that its users have, made when the first of them comes. They are made again if
//! somebody drops them; and accounts of proxies that are gone are ended.

mod keep;

pub use keep::keep;

use catalog::{Catalog, Rights, RightsSet};
use meta_client::MetaService;
use shard::Login;
use shard::account::{AccountBook, AccountId, AccountName, AccountsOnShard, Manager};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long one visit of a shard may take.
const VISIT_TIME: Duration = Duration::from_secs(10);
/// Accounts for rights that no user has had for so long are ended: their sessions have others by now, and
/// transactions that began with them are over.
const RETIRE_AFTER: Duration = Duration::from_secs(3600);
/// Random bytes of a password.
const PASSWORD_BYTES: usize = 24;

/// What an account may do, by database.
type ByDatabase = BTreeMap<String, Rights>;

/// The accounts on one shard, for as long as the incarnation and the shard's address stay.
#[derive(Clone)]
struct OnShard {
    incarnation: u64,
    host: Arc<str>,
    port: u16,
    /// Of the own account.
    password: Arc<str>,
    /// Those of sets of rights.
    logins: Arc<AccountsOnShard>,
    granted: BTreeMap<AccountId, ByDatabase>,
}

/// The accounts of this process.
pub struct OwnAccounts {
    incarnation: Cell<u64>,
    /// The sets of rights that need some.
    pub book: Arc<AccountBook>,
    shards: RefCell<HashMap<Arc<str>, OnShard>>,
}

impl Default for OwnAccounts {
    fn default() -> Self {
        let book = AccountBook::default();
        // Users of the configuration file may log in at once.
        book.account_of(&RightsSet::everything());
        Self {
            incarnation: Cell::default(),
            book: Arc::new(book),
            shards: RefCell::default(),
        }
    }
}

impl OwnAccounts {
    /// Goes on as another incarnation, with other accounts.
    pub fn become_incarnation(&self, incarnation: u64) {
        self.incarnation.set(incarnation);
    }

    /// The login of the own account; the manager's before there is an incarnation, which happens when
    /// the metadata service cannot be reached at the start.
    pub fn login(&self, manager: &Login) -> Result<Login, String> {
        let incarnation = self.incarnation.get();
        if incarnation == 0 {
            return Ok(manager.clone());
        }
        let on_shard = self.on_shard(manager)?;
        Ok(Login {
            user: AccountName::own(incarnation).to_string().into(),
            password: on_shard.password,
            accounts: Some(on_shard.logins),
            ..manager.clone()
        })
    }

    /// What there is on a shard; nothing yet if the incarnation or the address is new.
    fn on_shard(&self, manager: &Login) -> Result<OnShard, String> {
        let mut shards = self.shards.borrow_mut();
        let incarnation = self.incarnation.get();
        let is_here = |s: &&OnShard| {
            (s.incarnation, &s.host, s.port) == (incarnation, &manager.host, manager.port)
        };
        if let Some(known) = shards.get(&manager.shard).filter(is_here) {
            return Ok(known.clone());
        }
        let fresh = OnShard {
            incarnation,
            host: manager.host.clone(),
            port: manager.port,
            password: password()?.into(),
            logins: Arc::default(),
            granted: BTreeMap::new(),
        };
        shards.insert(manager.shard.clone(), fresh.clone());
        Ok(fresh)
    }

    /// All accounts that there are to be, with their rights.
    fn wanted(&self, catalog: &Catalog) -> Vec<(AccountName, ByDatabase)> {
        let (incarnation, databases) = (self.incarnation.get(), databases(catalog));
        let none = |d: &String| (d.clone(), Rights::default());
        let own = databases.iter().map(none).collect();
        let mut out = vec![(AccountName::own(incarnation), own)];
        for (id, set) in self.book.all() {
            let rights = by_database(&databases, &set);
            let of = |id| AccountName::of_set(incarnation, id, &set);
            if set.changes_structure() {
                out.push((of(id.structure()), rights.clone()));
            }
            out.push((of(id), rights));
        }
        out
    }

    /// Makes the accounts on a shard that are not in place, with their rights.
    pub(crate) async fn ensure(
        &self,
        manager: &Login,
        catalog: &Catalog,
        meta: &dyn MetaService,
    ) -> Result<(), String> {
        if self.incarnation.get() == 0 {
            return Ok(());
        }
        let here = self.on_shard(manager)?;
        let mut missing = self.wanted(catalog);
        missing.retain(|(name, rights)| here.granted.get(&name.id) != Some(rights));
        if missing.is_empty() {
            return Ok(());
        }
        let visit = self.make(manager, &here, missing, meta);
        let shard = &manager.shard;
        tokio::time::timeout(VISIT_TIME, visit)
            .await
            .map_err(|_| format!("shard {shard} does not answer its management account"))?
    }

    async fn make(
        &self,
        manager: &Login,
        here: &OnShard,
        missing: Vec<(AccountName, ByDatabase)>,
        meta: &dyn MetaService,
    ) -> Result<(), String> {
        let text = |e: shard::ShardError| e.to_string();
        let mut m = Manager::connect(manager).await.map_err(text)?;
        if !m.lock(here.incarnation).await.map_err(text)? {
            return Err(
                "the accounts of this proxy are being changed by somebody else".to_string(),
            );
        }
        // In this order: who ends the incarnation ends this connection first.
        let state = meta.state().await.map_err(|e| e.to_string())?;
        if !state.incarnations.contains_key(&here.incarnation) {
            return Err(format!("incarnation {} is fenced", here.incarnation));
        }
        for (name, rights) in missing {
            let had = here.granted.get(&name.id);
            if had.is_none() {
                let password: Arc<str> = match name.id {
                    AccountId::OWN => here.password.clone(),
                    _ => password()?.into(),
                };
                m.create(name, &password).await.map_err(text)?;
                let user = name.to_string().into();
                here.logins.put(name.id, (user, password));
            }
            for (database, rights) in &rights {
                if had.and_then(|had| had.get(database)) != Some(rights) {
                    m.grant(name, database, *rights).await.map_err(text)?;
                }
            }
            if let Some(now) = self.shards.borrow_mut().get_mut(&manager.shard) {
                now.granted.insert(name.id, rights);
            }
        }
        Ok(())
    }

    /// Forgets sets of rights that no user has had for a while.
    fn retire(&self, catalog: &Catalog) {
        let sets: HashSet<RightsSet> = catalog.users.values().map(RightsSet::of).collect();
        let everything = RightsSet::everything();
        let is_used = |set: &RightsSet| *set == everything || sets.contains(set);
        self.book.retire(RETIRE_AFTER, is_used);
    }

    /// Own accounts whose set of rights is forgotten.
    fn unused<'a>(&self, own: impl Iterator<Item = &'a AccountName>) -> Vec<AccountName> {
        let known: HashSet<AccountId> = self.book.all().into_iter().map(|(id, _)| id).collect();
        let is_used = |n: &&AccountName| n.id == AccountId::OWN || known.contains(&n.id.rows());
        own.filter(|n| !is_used(n)).copied().collect()
    }

    /// Forgets accounts of a shard that somebody dropped, so that they are made again.
    fn forget_missing(&self, shard: &str, there: &[AccountName]) {
        let mut shards = self.shards.borrow_mut();
        let Some(here) = shards.get_mut(shard) else {
            return;
        };
        let incarnation = here.incarnation;
        here.granted.retain(|id, _| {
            let is_it = |n: &AccountName| (n.incarnation, n.id) == (incarnation, *id);
            there.iter().any(is_it)
        });
        here.logins.retain(|id| here.granted.contains_key(&id));
    }
}

/// The catalog's databases, and those that a job is making.
pub(crate) fn databases(catalog: &Catalog) -> BTreeSet<String> {
    let made = catalog.jobs.values().flat_map(|j| &j.objects);
    let made = made.filter(|o| o.table.is_empty()).map(|o| &o.database);
    catalog.databases.keys().chain(made).cloned().collect()
}

/// What a set of rights is in each of the databases.
pub(crate) fn by_database(databases: &BTreeSet<String>, set: &RightsSet) -> ByDatabase {
    let all = databases.iter().map(|d| (d.clone(), set.on(d)));
    all.filter(|(_, rights)| !rights.is_empty()).collect()
}

fn password() -> Result<String, String> {
    let mut bytes = [0u8; PASSWORD_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "no random numbers".to_string())?;
    let engine = &base64::engine::general_purpose::URL_SAFE_NO_PAD;
    Ok(base64::Engine::encode(engine, bytes))
}
