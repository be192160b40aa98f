//! Users of the cluster and their rights, and orders about them.

use catalog::{Command, Rights, Verifiers};
use serde::{Deserialize, Serialize};

/// A user of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// The name.
    pub name: String,
    /// What it may do.
    pub grants: Vec<GrantView>,
}

/// Rights of a user on a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    /// The database, or `*` for all.
    pub database: String,
    /// read, write, ddl, admin, with commas.
    pub rights: Rights,
}

/// A change of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum UserOrder {
    /// A new user, without rights.
    CreateUser {
        /// The name.
        name: String,
        /// What `shardwright hash-password` prints for the password.
        password: Verifiers,
    },
    /// Another password for a user.
    SetPassword {
        /// The user.
        name: String,
        /// What `shardwright hash-password` prints for it.
        password: Verifiers,
    },
    /// A user may not log in any more.
    DropUser {
        /// The user.
        name: String,
    },
    /// A user gets rights on a database.
    Grant {
        /// The user.
        name: String,
        /// The database, or `*` for all.
        database: String,
        /// read, write, ddl, admin, with commas.
        rights: Rights,
    },
    /// A user loses rights on a database.
    Revoke {
        /// The user.
        name: String,
        /// The database, or `*` for what was granted on all.
        database: String,
        /// read, write, ddl, admin, with commas.
        rights: Rights,
    },
}

impl From<UserOrder> for Command {
    fn from(order: UserOrder) -> Command {
        match order {
            UserOrder::CreateUser { name, password } => Command::CreateUser { name, password },
            UserOrder::SetPassword { name, password } => Command::SetPassword { name, password },
            UserOrder::DropUser { name } => Command::DropUser { name },
            UserOrder::Grant {
                name,
                database,
                rights,
            } => Command::Grant {
                name,
                database,
                rights,
            },
            UserOrder::Revoke {
                name,
                database,
                rights,
            } => Command::Revoke {
                name,
                database,
                rights,
            },
        }
    }
}
