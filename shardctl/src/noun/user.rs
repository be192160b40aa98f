//! `shardctl user`: users of the cluster, their passwords and rights.

use crate::cli::{Format, How};
use crate::client::Client;
use crate::output::{json, table};
use crate::password::{PasswordFrom, verifiers};
use crate::{Failed, Shown};
use admin_types::order::Order;
use admin_types::user::{UserOrder, UserView};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  shardctl user add app\n  shardctl user grant app shop read,write\n  \
    shardctl user grant dba '*' admin\n\nRights: read, write, ddl (structure), admin (all of these and the \
    database itself; on '*' the cluster too)."
)]
pub(crate) enum Verb {
    /// All users of the cluster; those of a proxy's configuration file are not among them.
    List,
    /// One user.
    Show {
        /// The name.
        name: String,
    },
    /// A new user, without rights; asks for the password. Only hashes of it leave this process.
    Add {
        /// The name.
        name: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        how: How,
    },
    /// Another password; asks for it.
    Password {
        /// The user.
        name: String,
        /// Where the password comes from.
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        how: How,
    },
    /// The user may not log in any more; its sessions end with their next statement.
    Drop {
        /// The user.
        name: String,
        #[command(flatten)]
        how: How,
    },
    /// Rights on a database, from the next statement on.
    Grant {
        /// The user.
        name: String,
        /// The database, or '*' for all.
        database: String,
        /// read, write, ddl, admin, with commas.
        rights: catalog::Rights,
        #[command(flatten)]
        how: How,
    },
    /// Take rights on a database back, from the next statement on.
    Revoke {
        /// The user.
        name: String,
        /// The database, or '*' for what was granted on all.
        database: String,
        /// read, write, ddl, admin, with commas.
        rights: catalog::Rights,
        #[command(flatten)]
        how: How,
    },
}

pub(crate) async fn run(client: &Client, verb: &Verb) -> Shown {
    let (order, how, danger): (UserOrder, &How, Option<String>) = match verb {
        Verb::List => return show(client, None).await,
        Verb::Show { name } => return show(client, Some(name)).await,
        Verb::Add {
            name,
            password,
            how,
        } => {
            let (name, password) = (name.clone(), verifiers(password)?);
            (UserOrder::CreateUser { name, password }, how, None)
        }
        Verb::Password {
            name,
            password,
            how,
        } => {
            let (name, password) = (name.clone(), verifiers(password)?);
            (UserOrder::SetPassword { name, password }, how, None)
        }
        Verb::Drop { name, how } => {
            let question = format!("The user {name} and its grants go.");
            (
                UserOrder::DropUser { name: name.clone() },
                how,
                Some(question),
            )
        }
        Verb::Grant {
            name,
            database,
            rights,
            how,
        } => {
            let (name, database, rights) = (name.clone(), database.clone(), *rights);
            let order = UserOrder::Grant {
                name,
                database,
                rights,
            };
            (order, how, None)
        }
        Verb::Revoke {
            name,
            database,
            rights,
            how,
        } => {
            let (name, database, rights) = (name.clone(), database.clone(), *rights);
            let order = UserOrder::Revoke {
                name,
                database,
                rights,
            };
            (order, how, None)
        }
    };
    client
        .order(Order::User(order), how, danger.as_deref())
        .await
}

async fn show(client: &Client, name: Option<&String>) -> Result<u8, Failed> {
    let mut list: Vec<UserView> = client.get("/v1/users").await?;
    if let Some(name) = name {
        list.retain(|u| u.name == *name);
        if list.is_empty() {
            return Err(format!("there is no user {name} in the catalog").into());
        }
    }
    if client.format == Format::Json {
        return json(&list);
    }
    let mut rows = Vec::new();
    for u in &list {
        if u.grants.is_empty() {
            rows.push(vec![u.name.clone(), "-".to_string(), "none".to_string()]);
        }
        for g in &u.grants {
            rows.push(vec![
                u.name.clone(),
                g.database.clone(),
                g.rights.to_string(),
            ]);
        }
    }
    table(&["user", "database", "rights"], rows);
    Ok(0)
}
