//! CREATE USER, GRANT and their relatives: changes of the catalog's users, which every proxy knows when they
//! answer.

use super::{Change, answer};
use crate::exec::{Run, transaction};
use crate::session::{Done, Session, Stop};
use catalog::user::EVERYWHERE;
use catalog::{Catalog, Command, Rejected, Right, Rights, Verifiers};
use errors::{AdminError, ClientError, LoginError, RightsError};
use meta_client::MetaError;
use sql::account::{AccountStatement, Granted, NamedUser, Secret};
use std::sync::Arc;

/// Hosts that say as much as none: users are not kept by host.
const HOSTS: [&str; 3] = ["%", "", "localhost"];

/// Runs one, after what is open was committed.
pub(crate) async fn run(s: &mut Session, statement: &AccountStatement, run: Run<'_>) -> Done {
    if let AccountStatement::Unsupported(what) = statement {
        return Err(AdminError::Accounts { what }.into());
    }
    transaction::commit_all(s).await?;
    let mut change = Change::of(s);
    change.may_change(statement)?;
    change.change_users(statement).await?;
    let epoch = change.worker.epoch();
    change.followed(epoch).await;
    let Change { ok, notes, .. } = change;
    Ok(answer(s, ok, notes, run))
}

/// What of an operation went wrong for some users, as a server reports it.
struct Failed {
    operation: &'static str,
    users: Vec<String>,
}

impl Failed {
    fn new(operation: &'static str) -> Self {
        Self {
            operation,
            users: Vec::new(),
        }
    }

    fn add(&mut self, user: &str) {
        self.users.push(format!("'{user}'@'%'"));
    }

    fn end(self) -> Result<(), Stop> {
        match self.users.is_empty() {
            true => Ok(()),
            false => Err(RightsError::Users {
                operation: self.operation,
                users: self.users.join(","),
            }
            .into()),
        }
    }
}

impl Change<'_> {
    /// Users may change their own password; all else is for those who may do everything.
    fn may_change(&self, statement: &AccountStatement) -> Result<(), Stop> {
        let asker = self.client.of_cluster(&self.worker.catalog())?;
        let own = |user: &&NamedUser| {
            user.name
                .as_ref()
                .is_none_or(|n| *n == self.client.user.name)
        };
        let own_password = matches!(statement, AccountStatement::Password { .. })
            && statement.users().iter().all(own);
        if own_password || asker.is_none_or(|u| u.is_admin()) {
            return Ok(());
        }
        let what = "users and their rights".to_string();
        Err(RightsError::NotAdmin { what }.into())
    }

    async fn change_users(&mut self, statement: &AccountStatement) -> Result<(), Stop> {
        for user in statement.users() {
            self.check_user(user)?;
        }
        match statement {
            AccountStatement::Create {
                users,
                if_not_exists,
            } => self.create_users(users, *if_not_exists).await,
            AccountStatement::Password { users, if_exists } => {
                self.change_passwords(users, *if_exists).await
            }
            AccountStatement::Drop { users, if_exists } => self.drop_users(users, *if_exists).await,
            AccountStatement::Rights {
                revoke,
                granted,
                database,
                users,
            } => {
                let database = match database {
                    Some(database) => database.clone(),
                    None => {
                        let current = self.client.database.as_deref();
                        current.ok_or_else(ClientError::no_database)?.to_string()
                    }
                };
                self.change_rights(*revoke, *granted, &database, users)
                    .await
            }
            AccountStatement::RevokeAll(users) => self.revoke_all(users).await,
            AccountStatement::Unsupported(_) => Ok(()),
        }
    }

    /// The host says nothing, and no configuration file names the user.
    fn check_user(&mut self, user: &NamedUser) -> Result<(), Stop> {
        let name = self.name_of(user);
        if let Some(host) = user.host.as_deref().filter(|h| !HOSTS.contains(h)) {
            let (user, host) = (name, host.to_string());
            return Err(RightsError::UserHost { user, host }.into());
        }
        if self.worker.shared.users.is_of_file(&name) {
            return Err(RightsError::UserOfFile { user: name }.into());
        }
        if user.host.as_deref() == Some("localhost") {
            self.notes.note(&RightsError::AnyHost { user: name }.into());
        }
        Ok(())
    }

    fn name_of(&self, user: &NamedUser) -> String {
        let own = &self.client.user.name;
        user.name.as_ref().unwrap_or(own).clone()
    }

    async fn create_users(
        &mut self,
        users: &[(NamedUser, Secret)],
        if_not_exists: bool,
    ) -> Result<(), Stop> {
        let mut failed = Failed::new("CREATE USER");
        for (user, secret) in users {
            let name = self.name_of(user);
            let password = verifiers(secret).await?;
            let create = Command::CreateUser {
                name: name.clone(),
                password,
            };
            if let Err(e) = self.try_change(create).await? {
                match (&e, if_not_exists) {
                    (Rejected::Exists(_), true) => {
                        self.notes
                            .note(&RightsError::UserExists { user: name }.into());
                    }
                    (Rejected::Exists(_), false) => failed.add(&name),
                    _ => return Err(MetaError::Rejected(e).into()),
                }
            }
        }
        failed.end()
    }

    async fn change_passwords(
        &mut self,
        users: &[(NamedUser, Secret)],
        if_exists: bool,
    ) -> Result<(), Stop> {
        let mut failed = Failed::new("ALTER USER");
        for (user, secret) in users {
            let name = self.name_of(user);
            let password = verifiers(secret).await?;
            let set = Command::SetPassword {
                name: name.clone(),
                password,
            };
            self.note_missing(set, &name, if_exists, &mut failed)
                .await?;
        }
        failed.end()
    }

    async fn drop_users(&mut self, users: &[NamedUser], if_exists: bool) -> Result<(), Stop> {
        let mut failed = Failed::new("DROP USER");
        for user in users {
            let name = self.name_of(user);
            let dropped = Command::DropUser { name: name.clone() };
            self.note_missing(dropped, &name, if_exists, &mut failed)
                .await?;
        }
        failed.end()
    }

    async fn change_rights(
        &mut self,
        revoke: bool,
        granted: Granted,
        database: &str,
        users: &[NamedUser],
    ) -> Result<(), Stop> {
        let rights = rights(granted);
        for user in users {
            let name = self.name_of(user);
            let catalog = self.worker.catalog();
            let known = catalog.users.get(&name);
            let known = known.ok_or_else(|| RightsError::NoSuchUser { user: name.clone() })?;
            let held = known.grants.get(database).copied().unwrap_or_default();
            if database != EVERYWHERE && !catalog.databases.contains_key(database) && !revoke {
                return Err(ClientError::unknown_database(database).into());
            }
            let (name, database) = (name, database.to_string());
            let command = match revoke {
                // USAGE is no right.
                _ if rights.is_empty() => continue,
                false => Command::Grant {
                    name,
                    database,
                    rights,
                },
                true if held.is_empty() => {
                    return Err(RightsError::NoSuchGrant { user: name }.into());
                }
                true => Command::Revoke {
                    name,
                    database,
                    rights,
                },
            };
            if let Err(e) = self.try_change(command).await? {
                return Err(MetaError::Rejected(e).into());
            }
        }
        Ok(())
    }

    async fn revoke_all(&mut self, users: &[NamedUser]) -> Result<(), Stop> {
        for user in users {
            let name = self.name_of(user);
            let catalog: Arc<Catalog> = self.worker.catalog();
            let known = catalog.users.get(&name);
            let known = known.ok_or_else(|| RightsError::NoSuchUser { user: name.clone() })?;
            for (database, rights) in known.grants.clone() {
                let revoke = Command::Revoke {
                    name: name.clone(),
                    database,
                    rights,
                };
                if let Err(e) = self.try_change(revoke).await? {
                    return Err(MetaError::Rejected(e).into());
                }
            }
        }
        Ok(())
    }

    /// Makes a change; what is against the rules of the catalog is the caller's matter.
    async fn try_change(&mut self, command: Command) -> Result<Result<(), Rejected>, Stop> {
        let who = &self.client.user.name;
        let meta = &self.worker.shared.meta;
        match meta.propose_as(who, command, None).await {
            Ok(catalog) => {
                self.worker.set_catalog(catalog);
                Ok(Ok(()))
            }
            Err(MetaError::Rejected(e)) => Ok(Err(e)),
            Err(e) => Err(e.into()),
        }
    }

    /// Makes a change of a user that may not be there.
    async fn note_missing(
        &mut self,
        command: Command,
        name: &str,
        if_exists: bool,
        failed: &mut Failed,
    ) -> Result<(), Stop> {
        let user = || name.to_string();
        match self.try_change(command).await? {
            Ok(()) => {}
            Err(Rejected::Missing(_)) if if_exists => {
                self.notes
                    .note(&RightsError::UserMissing { user: user() }.into());
            }
            Err(Rejected::Missing(_)) => failed.add(name),
            Err(e) => return Err(MetaError::Rejected(e).into()),
        }
        Ok(())
    }
}

/// What the catalog keeps of a password. Takes milliseconds of CPU, away from the worker's thread.
async fn verifiers(secret: &Secret) -> Result<Verifiers, Stop> {
    let password = match secret {
        Secret::Hash(hash) => return Ok(Verifiers(vec![hash.clone()])),
        Secret::Password(password) => password.clone(),
    };
    let hashed = tokio::task::spawn_blocking(move || wire::password::verifiers(&password)).await;
    match hashed {
        Ok(Ok(verifiers)) => Ok(Verifiers(verifiers.to_vec())),
        _ => Err(LoginError::NoRandomNumbers.into()),
    }
}

/// The catalog's rights for what a statement names.
fn rights(granted: Granted) -> Rights {
    match granted {
        Granted::All => Rights::of(&Right::ALL),
        Granted::Some { read, write, ddl } => {
            let all = [
                (read, Right::Read),
                (write, Right::Write),
                (ddl, Right::Ddl),
            ];
            let has: Vec<Right> = all
                .iter()
                .filter(|(has, _)| *has)
                .map(|(_, r)| *r)
                .collect();
            Rights::of(&has)
        }
    }
}
