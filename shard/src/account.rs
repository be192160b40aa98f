//! The accounts of one proxy process on a shard, made and taken away through a management account.
//!
//! They belong to an incarnation of a proxy, whose number is never given twice: to lock them and to end their
//! connections stops that process for good, even one that was frozen and wakes up later. One is the process's
//! own; there is another for each set of rights that its users have, which holds exactly those: what the
//! proxy overlooks in a statement, the server refuses.

mod book;
mod definer;
mod ending;
mod name;
mod privileges;

pub use book::{AccountBook, AccountsOnShard, Credentials};
pub use definer::Definer;
pub use name::{AccountId, AccountName};

use crate::conn::{ConnClass, ServerConn};
use crate::error::ShardError;
use crate::login::Login;
use catalog::{Right, Rights};
use name::PREFIX;
use std::rc::Rc;
use wire::auth::native_verifier;
use wire::reply::ErrPacket;

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

    /// All accounts of proxies.
    pub async fn list(&mut self) -> Result<Vec<AccountName>, ShardError> {
        let sql = format!(
            "SELECT User FROM mysql.user WHERE Host = '%' AND User LIKE '{}%'",
            PREFIX.replace('_', "\\_")
        );
        let names = self.column(&sql).await?;
        Ok(names.iter().filter_map(|n| AccountName::read(n)).collect())
    }

    /// Makes an account without rights in any database, or gives it this password.
    pub async fn create(&mut self, name: AccountName, password: &str) -> Result<(), ShardError> {
        let account = account(name);
        let tls = if self.with_tls { "SSL" } else { "NONE" };
        let by = self.identified(password);
        for verb in ["CREATE USER IF NOT EXISTS", "ALTER USER"] {
            let sql = format!("{verb} {account} {by} REQUIRE {tls} ACCOUNT UNLOCK");
            self.conn.run(&sql).await?;
        }
        if name.id == AccountId::OWN {
            // A lock wait across shards is found in the list of transactions.
            self.conn
                .run(&format!("GRANT PROCESS ON *.* TO {account}"))
                .await?;
            self.see_routines(&account).await?;
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

    /// Lets an account do in a database, which need not be there yet, what these rights stand for.
    pub async fn grant(
        &mut self,
        name: AccountName,
        database: &str,
        rights: Rights,
    ) -> Result<(), ShardError> {
        let privileges = privileges::in_database(name.id, rights);
        if privileges.is_empty() {
            return Ok(());
        }
        let (on, to) = (pattern(database), account(name));
        let sql = format!("GRANT {} ON {on}.* TO {to}", privileges.join(", "));
        self.conn.run(&sql).await.map(|_| ())
    }

    /// Lets every account there is do in a new database what it may do in every one.
    pub async fn grant_all(&mut self, database: &str) -> Result<(), ShardError> {
        for name in self.list().await? {
            match self.grant(name, database, name.everywhere).await {
                // Ended in the meantime.
                Err(ShardError::Server { err, .. }) if [1133, 1410].contains(&err.code) => {}
                other => other?,
            }
        }
        // Under the lock, or who brings definers to the catalog of a moment ago takes it away again.
        if !self.lock_definers().await? {
            tracing::warn!(
                database,
                "definers may get their rights in it a moment later"
            );
        }
        let everything = Rights::of(&Right::ALL);
        for definer in self.definers().await?.iter().filter(|d| d.of_file) {
            let privileges = privileges::of_rows(everything).join(", ");
            let on = pattern(database);
            let sql = format!("GRANT {privileges} ON {on}.* TO {definer}");
            self.conn.run(&sql).await?;
        }
        Ok(())
    }

    /// No rights in a database any more, for any account.
    pub async fn revoke_all(&mut self, database: &str) -> Result<(), ShardError> {
        for name in self.list().await? {
            let (on, from) = (pattern(database), account(name));
            let sql = format!("REVOKE ALL PRIVILEGES ON {on}.* FROM {from}");
            match self.conn.run(&sql).await {
                // There was none, or the account is gone.
                Err(ShardError::Server { .. }) => {}
                other => drop(other?),
            }
        }
        Ok(())
    }
}

/// What stands for an account in an error of a server.
const HIDDEN: &str = "the proxy's account";

/// Takes the proxy's own account out of a server's refusal: clients know themselves by another name. True if
/// there was one.
pub fn hide(err: &mut ErrPacket) -> bool {
    let denials = [1044, 1045, 1142, 1143, 1227, 1370];
    if !denials.contains(&err.code) {
        return false;
    }
    let quoted = format!("'{PREFIX}");
    let Some(start) = err.message.find(&quoted) else {
        return false;
    };
    // 'name'@'host'
    // The host of a definer, whose name is the client's.
    if err.message[..start].ends_with('@') {
        let host = err.message[start + 1..].find('\'');
        let end = host.map_or(err.message.len(), |at| start + at + 2);
        err.message.replace_range(start..end, "'%'");
        return true;
    }
    let mut quotes = err.message[start..].match_indices('\'').map(|(at, _)| at);
    let Some(end) = quotes.nth(3) else {
        return false;
    };
    err.message.replace_range(start..=start + end, HIDDEN);
    true
}

/// Puts the client's name where [`hide`] took the account's out.
pub fn show_client(err: &mut ErrPacket, user: &str) {
    if err.message.contains(HIDDEN) {
        let client = format!("'{user}'@'%'");
        err.message = err.message.replacen(HIDDEN, &client, 1);
    }
}

fn account(name: AccountName) -> String {
    format!("'{name}'@'%'")
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
    fn clients_are_named_as_they_know_themselves() {
        let text = "DROP command denied to user 'shardwright_1_2rw'@'127.0.0.1' for table `a`.`b`";
        let mut err = ErrPacket::new(1142, "42000", text);
        hide(&mut err);
        show_client(&mut err, "app");
        let shown = "DROP command denied to user 'app'@'%' for table `a`.`b`";
        assert_eq!(err.message, shown);
    }

    #[test]
    fn definers_are_users() {
        let text = "execute command denied to user 'app'@'shardwright_user' for routine 'a.b'";
        let mut err = ErrPacket::new(1370, "42000", text);
        hide(&mut err);
        show_client(&mut err, "other");
        let shown = "execute command denied to user 'app'@'%' for routine 'a.b'";
        assert_eq!(err.message, shown);
    }

    #[test]
    fn names_are_no_patterns() {
        assert_eq!(pattern("my_db%"), "`my\\_db\\%`");
    }
}
