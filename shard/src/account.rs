//! The account of one proxy process on a shard, made and taken away through a management account.
//!
//! An account belongs to an incarnation of a proxy, whose number is never given twice: to lock it and to
//! end its connections stops that process for good, even one that was frozen and wakes up later. It may
//! read and write rows of the catalog's databases; their structure is changed by the management account.

use crate::conn::{ConnClass, ServerConn};
use crate::error::ShardError;
use crate::login::Login;
use std::rc::Rc;
use std::time::Duration;
use wire::auth::native_verifier;
use wire::reply::ErrPacket;

/// What the name of each such account begins with.
const PREFIX: &str = "shardwright_";
/// Rights in each database. TRIGGER and EVENT make triggers and events visible, no more is done with them.
const IN_DATABASE: &str = "SELECT, INSERT, UPDATE, DELETE, EXECUTE, LOCK TABLES, \
    CREATE TEMPORARY TABLES, SHOW VIEW, TRIGGER, EVENT";
/// Looks for connections of an account that is being ended.
const KILL_ROUNDS: u32 = 50;
/// Pause between two of them.
const KILL_PAUSE: Duration = Duration::from_millis(20);

/// Name of an incarnation's account.
pub fn name_of(incarnation: u64) -> String {
    format!("{PREFIX}{incarnation}")
}

fn incarnation_of(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.parse().ok()
}

/// A connection of the management account.
pub struct Manager {
    conn: ServerConn,
    mariadb: bool,
    with_tls: bool,
}

impl Manager {
    /// Logs in.
    pub async fn connect(login: &Login) -> Result<Self, ShardError> {
        let conn = ServerConn::connect(login, ConnClass::default(), Rc::default(), 1).await?;
        let mariadb = conn.version.contains("MariaDB");
        let with_tls = login.tls.is_some();
        Ok(Self {
            conn,
            mariadb,
            with_tls,
        })
    }

    async fn column(&mut self, sql: &str) -> Result<Vec<String>, ShardError> {
        let answer = self.conn.run(sql).await?;
        let rows = answer.text_rows().map_err(|e| self.conn.broken(e))?;
        Ok(rows
            .into_iter()
            .filter_map(|r| r.into_iter().next())
            .collect())
    }

    /// Incarnations that have an account.
    pub async fn list(&mut self) -> Result<Vec<u64>, ShardError> {
        let sql = format!(
            "SELECT User FROM mysql.user WHERE Host = '%' AND User LIKE '{}%'",
            PREFIX.replace('_', "\\_")
        );
        let names = self.column(&sql).await?;
        Ok(names.iter().filter_map(|n| incarnation_of(n)).collect())
    }

    /// Makes an account, or gives it this password, with rights in these databases.
    pub async fn create(
        &mut self,
        incarnation: u64,
        password: &str,
        databases: impl IntoIterator<Item = &str>,
    ) -> Result<(), ShardError> {
        let account = account(incarnation);
        let tls = if self.with_tls { "SSL" } else { "NONE" };
        let by = self.identified(password);
        for verb in ["CREATE USER IF NOT EXISTS", "ALTER USER"] {
            let sql = format!("{verb} {account} {by} REQUIRE {tls} ACCOUNT UNLOCK");
            self.conn.run(&sql).await?;
        }
        // PROCESS: a lock wait across shards is found in the list of transactions.
        self.conn
            .run(&format!("GRANT PROCESS ON *.* TO {account}"))
            .await?;
        self.see_routines(&account).await?;
        for database in databases {
            self.grant(incarnation, database).await?;
        }
        Ok(())
    }

    /// SHOW CREATE PROCEDURE tells the body to those who may see it.
    async fn see_routines(&mut self, account: &str) -> Result<(), ShardError> {
        let sql = match self.mariadb {
            true => format!("GRANT SELECT ON mysql.proc TO {account}"),
            false => format!("GRANT SHOW_ROUTINE ON *.* TO {account}"),
        };
        match self.conn.run(&sql).await {
            // MySQL before 8.0.20 has no such privilege: the body stays hidden.
            Err(ShardError::Server { .. }) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// MariaDB is sent a hash, since it writes statements to its log as they are; MySQL hides the
    /// password in its logs itself, and has no hash that every version of it takes.
    fn identified(&self, password: &str) -> String {
        if !self.mariadb {
            return format!("IDENTIFIED BY '{password}'");
        }
        let hash = native_verifier(password.as_bytes());
        let hex: String = hash.iter().map(|b| format!("{b:02X}")).collect();
        format!("IDENTIFIED VIA mysql_native_password USING '*{hex}'")
    }

    /// Rights in a database, which need not be there yet.
    pub async fn grant(&mut self, incarnation: u64, database: &str) -> Result<(), ShardError> {
        let (on, to) = (pattern(database), account(incarnation));
        let sql = format!("GRANT {IN_DATABASE} ON {on}.* TO {to}");
        self.conn.run(&sql).await.map(|_| ())
    }

    /// Rights in a database for every account there is.
    pub async fn grant_all(&mut self, database: &str) -> Result<(), ShardError> {
        for incarnation in self.list().await? {
            match self.grant(incarnation, database).await {
                // Ended in the meantime.
                Err(ShardError::Server { err, .. }) if [1133, 1410].contains(&err.code) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// No rights in a database any more, for any account.
    pub async fn revoke_all(&mut self, database: &str) -> Result<(), ShardError> {
        for incarnation in self.list().await? {
            let (on, from) = (pattern(database), account(incarnation));
            let sql = format!("REVOKE {IN_DATABASE} ON {on}.* FROM {from}");
            match self.conn.run(&sql).await {
                // There was none, or the account is gone.
                Err(ShardError::Server { .. }) => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Ends an account: nobody logs in with it again, and its connections are gone when this returns.
    pub async fn end(&mut self, incarnation: u64) -> Result<(), ShardError> {
        let (name, account) = (name_of(incarnation), account(incarnation));
        match self
            .conn
            .run(&format!("ALTER USER {account} ACCOUNT LOCK"))
            .await
        {
            // Somebody else was faster.
            Err(ShardError::Server { err, .. }) if err.code == 1396 => return Ok(()),
            other => drop(other?),
        }
        let sql = format!("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{name}'");
        for _ in 0..KILL_ROUNDS {
            let threads = self.column(&sql).await?;
            if threads.is_empty() {
                break;
            }
            for thread in threads {
                match self.conn.run(&format!("KILL {thread}")).await {
                    Err(ShardError::Server { err, .. }) if err.code == 1094 => {}
                    other => drop(other?),
                }
            }
            tokio::time::sleep(KILL_PAUSE).await;
        }
        let sql = format!("DROP USER IF EXISTS {account}");
        self.conn.run(&sql).await.map(|_| ())
    }
}

/// Takes the proxy's own account out of a server's refusal: clients know themselves by another name.
pub fn hide(err: &mut ErrPacket) {
    let denials = [1044, 1045, 1142, 1143, 1227, 1370];
    if !denials.contains(&err.code) {
        return;
    }
    let quoted = format!("'{PREFIX}");
    let Some(start) = err.message.find(&quoted) else {
        return;
    };
    // 'name'@'host'
    let end = err.message[start..].match_indices('\'').nth(3);
    if let Some((at, _)) = end {
        err.message
            .replace_range(start..=start + at, "the proxy's account");
    }
}

fn account(incarnation: u64) -> String {
    format!("'{}'@'%'", name_of(incarnation))
}

/// A database's name as GRANT reads it: with `_` and `%` as they are.
fn pattern(database: &str) -> String {
    let plain = database.replace('\\', "\\\\");
    let plain = plain.replace('_', "\\_").replace('%', "\\%");
    format!("`{}`", plain.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_do_not_see_the_account() {
        let text = "SELECT command denied to user 'shardwright_1'@'127.0.0.1' for table `a`.`b`";
        let mut err = ErrPacket::new(1142, "42000", text);
        hide(&mut err);
        let hidden = "SELECT command denied to user the proxy's account for table `a`.`b`";
        assert_eq!(err.message, hidden);
        hide(&mut err);
        assert_eq!(err.message, hidden);
    }

    #[test]
    fn names_and_patterns() {
        assert_eq!(incarnation_of(&name_of(17)), Some(17));
        assert_eq!(incarnation_of("shardwright_admin"), None);
        assert_eq!(pattern("my_db%"), "`my\\_db\\%`");
    }
}
