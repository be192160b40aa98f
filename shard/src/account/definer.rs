//! Whose rights views, routines, triggers and events have: an account for each user of the cluster that
//! defined some, with the rights of that user, as which nobody can log in. It has the user's name, so that
//! SHOW CREATE and information_schema show it.

use super::{Manager, pattern, privileges};
use crate::error::ShardError;
use catalog::Rights;
use sql::ident::quote_string;
use std::collections::BTreeMap;

/// In place of the host of an account: no client comes from there, and no account of a server's own is there.
/// With the underscore it is a pattern, which servers with skip_name_resolve heed too; they ignore names of
/// hosts.
const OF_CLUSTER: &str = "shardwright_user";
/// The same for users of a configuration file, who may do everything whatever the catalog says.
const OF_FILE: &str = "shardwright_file";
/// The lock under which rights of definers change.
const LOCK: &str = "'shardwright_definers'";
/// How long it is waited for.
const LOCK_S: u32 = 5;

/// Somebody who defined a view, a routine, a trigger or an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definer {
    /// The user's name.
    pub user: String,
    /// True if a configuration file names the user.
    pub of_file: bool,
}

impl Definer {
    fn host(&self) -> &'static str {
        if self.of_file { OF_FILE } else { OF_CLUSTER }
    }
}

/// As statements write it, whatever the session's sql_mode.
impl std::fmt::Display for Definer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = self.user.replace('`', "``");
        write!(f, "`{plain}`@`{}`", self.host())
    }
}

/// Privileges of a database that an account of this kind may have had.
const ALL: [&str; 14] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "EXECUTE",
    "LOCK TABLES",
    "CREATE TEMPORARY TABLES",
    "SHOW VIEW",
    "REFERENCES",
    "TRIGGER",
    "EVENT",
    "CREATE",
    "ALTER",
    "DROP",
];

impl Manager {
    /// Takes the lock under which definers change, until the connection ends; false if somebody holds it.
    pub async fn lock_definers(&mut self) -> Result<bool, ShardError> {
        let sql = format!("SELECT GET_LOCK({LOCK}, {LOCK_S})");
        Ok(self.column(&sql).await?.first().is_some_and(|n| n == "1"))
    }

    /// Those that have an account here.
    pub async fn definers(&mut self) -> Result<Vec<Definer>, ShardError> {
        let mut out = Vec::new();
        for of_file in [false, true] {
            let host = if of_file { OF_FILE } else { OF_CLUSTER };
            let sql = format!("SELECT User FROM mysql.user WHERE Host = '{host}'");
            let users = self.column(&sql).await?.into_iter();
            out.extend(users.map(|user| Definer { user, of_file }));
        }
        Ok(out)
    }

    /// Makes the account of one, or brings it to these rights by database.
    pub async fn put_definer(
        &mut self,
        definer: &Definer,
        rights: &BTreeMap<String, Rights>,
    ) -> Result<(), ShardError> {
        let account = definer.to_string();
        let sql = format!("CREATE USER IF NOT EXISTS {account} ACCOUNT LOCK");
        self.conn.run(&sql).await?;
        let sql = format!(
            "SELECT Db FROM mysql.db WHERE Host = '{}' AND User = {}",
            definer.host(),
            quote_string(&definer.user, false)
        );
        let had = self.column(&sql).await?;
        for (database, rights) in rights {
            let on = pattern(database);
            let wanted = privileges::of_rows(*rights);
            if !wanted.is_empty() {
                let sql = format!("GRANT {} ON {on}.* TO {account}", wanted.join(", "));
                self.conn.run(&sql).await?;
            }
            let gone: Vec<_> = ALL
                .iter()
                .filter(|p| !wanted.contains(p))
                .copied()
                .collect();
            if had
                .iter()
                .any(|stored| format!("`{}`", stored.replace('`', "``")) == on)
            {
                let sql = format!("REVOKE {} ON {on}.* FROM {account}", gone.join(", "));
                self.revoke(&sql).await?;
            }
        }
        let named: Vec<_> = rights.keys().map(|d| pattern(d)).collect();
        for stored in had {
            let on = format!("`{}`", stored.replace('`', "``"));
            if !named.contains(&on) {
                let sql = format!("REVOKE ALL PRIVILEGES ON {on}.* FROM {account}");
                self.revoke(&sql).await?;
            }
        }
        Ok(())
    }

    /// What was taken away already is no error.
    async fn revoke(&mut self, sql: &str) -> Result<(), ShardError> {
        match self.conn.run(sql).await {
            Err(ShardError::Server { err, .. }) if [1133, 1141, 1147].contains(&err.code) => Ok(()),
            other => other.map(drop),
        }
    }

    /// A user is gone: what it defined gives 1449 from now on, as on one server.
    pub async fn drop_definer(&mut self, definer: &Definer) -> Result<(), ShardError> {
        let sql = format!("DROP USER IF EXISTS {definer}");
        self.conn.run(&sql).await.map(drop)
    }
}
