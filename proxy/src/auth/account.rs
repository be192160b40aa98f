//! Which account on the shards a session's statements have: the one with its user's rights, and no others.
//!
//! It is chosen when the session begins and when the catalog changes, so that statements only compare a
//! number.

use crate::session::Stop;
use crate::session::client_state::ClientState;
use crate::worker::Worker;
use catalog::{Catalog, RightsSet};
use shard::account::Definer;
use std::time::Duration;

impl ClientState {
    /// Follows what the user may do by the worker's catalog. A set of rights that nobody had before has its
    /// accounts made first; a shard that cannot be reached meanwhile says so to statements that need it.
    pub(crate) async fn follow_rights(&mut self, worker: &Worker) {
        let catalog = worker.catalog();
        if self.rights_of == Some(catalog.epoch) {
            return;
        }
        let accounts = &worker.shared.directory.accounts;
        let account = accounts.account_of(&self.rights(&catalog));
        if self.class.account != account {
            let patience = Duration::from_millis(worker.shared.pool.wait_ms);
            accounts.until_made(account, patience).await;
            self.class.account = account;
        }
        self.rights_of = Some(catalog.epoch);
    }

    /// What the user may do.
    pub(crate) fn rights(&self, catalog: &Catalog) -> RightsSet {
        if !self.user.is_of_cluster() {
            return RightsSet::everything();
        }
        let user = catalog.users.get(&self.user.name);
        user.map(RightsSet::of).unwrap_or_default()
    }

    /// As whom what the user defines runs.
    pub(crate) fn definer(&self) -> Definer {
        Definer {
            user: self.user.name.clone(),
            of_file: !self.user.is_of_cluster(),
        }
    }

    /// The definer that a statement names, for those who may name any; users may name themselves.
    pub(crate) fn definer_named(&self, worker: &Worker, named: &str) -> Result<Definer, Stop> {
        if named == self.user.name {
            return Ok(self.definer());
        }
        let catalog = worker.catalog();
        if !self.of_cluster(&catalog)?.is_none_or(|u| u.is_admin()) {
            let what = format!("DEFINER of another user, {named}");
            return Err(errors::RightsError::NotAdmin { what }.into());
        }
        let of_file = worker.shared.users.is_of_file(named);
        let user = named.to_string();
        match of_file || catalog.users.contains_key(named) {
            true => Ok(Definer { user, of_file }),
            // A dump brings names of its own: what it defines is its restorer's.
            false => Ok(self.definer()),
        }
    }
}
