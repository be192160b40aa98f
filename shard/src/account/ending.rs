//! The end of an incarnation's accounts, which nothing that the incarnation still does may outlive.
//!
//! A proxy that was frozen while it made an account would make it after its end. So it holds a named lock of
//! the server while it makes some, and asks the metadata service whether it is still registered after it has
//! the lock; who ends an incarnation ends the connection that holds its lock, and takes the lock, before the
//! list of accounts is read.

use super::{AccountName, Manager, PREFIX, account};
use crate::error::ShardError;
use std::time::Duration;

/// Looks for connections of an account that is being ended.
const KILL_ROUNDS: u32 = 50;
/// Pause between two of them.
const KILL_PAUSE: Duration = Duration::from_millis(20);
/// How long the lock of an incarnation is waited for: by its process, and by who has ended what held it.
const LOCK_S: u32 = 5;

fn lock_of(incarnation: u64) -> String {
    format!("'{PREFIX}accounts_{incarnation}'")
}

impl Manager {
    /// Takes the lock of an incarnation, until the connection ends; false if somebody holds it.
    pub async fn lock(&mut self, incarnation: u64) -> Result<bool, ShardError> {
        let sql = format!("SELECT GET_LOCK({}, {LOCK_S})", lock_of(incarnation));
        Ok(self.column(&sql).await?.first().is_some_and(|n| n == "1"))
    }

    /// Ends an incarnation's accounts: nobody logs in with them again or makes another, and their connections
    /// are gone when this returns. False if a connection that makes accounts could not be ended.
    pub async fn end(&mut self, incarnation: u64) -> Result<bool, ShardError> {
        let holder = format!("SELECT IS_USED_LOCK({})", lock_of(incarnation));
        for thread in self.numbers(&holder).await? {
            self.kill(&thread).await?;
        }
        if !self.lock(incarnation).await? {
            return Ok(false);
        }
        let all = self.list().await?.into_iter();
        let names: Vec<_> = all.filter(|n| n.incarnation == incarnation).collect();
        self.drop_accounts(&names).await?;
        let sql = format!("SELECT RELEASE_LOCK({})", lock_of(incarnation));
        self.column(&sql).await?;
        Ok(true)
    }

    /// Takes accounts away, and ends their connections.
    pub async fn drop_accounts(&mut self, names: &[AccountName]) -> Result<(), ShardError> {
        for name in names {
            let sql = format!("ALTER USER {} ACCOUNT LOCK", account(*name));
            match self.conn.run(&sql).await {
                // Somebody else was faster.
                Err(ShardError::Server { err, .. }) if err.code == 1396 => {}
                other => drop(other?),
            }
        }
        self.end_connections(names).await?;
        for name in names {
            let sql = format!("DROP USER IF EXISTS {}", account(*name));
            self.conn.run(&sql).await?;
        }
        Ok(())
    }

    async fn end_connections(&mut self, names: &[AccountName]) -> Result<(), ShardError> {
        if names.is_empty() {
            return Ok(());
        }
        let list: Vec<_> = names.iter().map(|n| format!("'{n}'")).collect();
        let sql = format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE USER IN ({})",
            list.join(", ")
        );
        for _ in 0..KILL_ROUNDS {
            let threads = self.numbers(&sql).await?;
            if threads.is_empty() {
                break;
            }
            for thread in threads {
                self.kill(&thread).await?;
            }
            tokio::time::sleep(KILL_PAUSE).await;
        }
        Ok(())
    }

    async fn numbers(&mut self, sql: &str) -> Result<Vec<String>, ShardError> {
        let mut all = self.column(sql).await?;
        all.retain(|n| n.parse::<u64>().is_ok());
        Ok(all)
    }

    async fn kill(&mut self, thread: &str) -> Result<(), ShardError> {
        match self.conn.run(&format!("KILL {thread}")).await {
            // It is gone already.
            Err(ShardError::Server { err, .. }) if err.code == 1094 => Ok(()),
            other => other.map(drop),
        }
    }
}
