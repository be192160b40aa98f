//! What the API answers and what it is asked, as JSON.

use catalog::{Answer, Command, Placement, Rights, Table, Verifiers};
use serde::{Deserialize, Serialize};

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardView {
    /// Its name.
    pub name: String,
    /// Host of its primary.
    pub host: String,
    /// Port of its primary.
    pub port: u16,
    /// True if nothing new is placed on it.
    pub disabled: bool,
    /// Single tables and partitions on it.
    pub tables: usize,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseView {
    /// Its name.
    pub name: String,
    /// The shard of its single tables.
    pub default_shard: String,
    /// Number of tables.
    pub tables: usize,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableView {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// single, view, reference, hash, range or list.
    pub kind: String,
    /// Columns of the sharding key.
    pub key: Vec<String>,
    /// Shards that it is on.
    pub shards: Vec<String>,
    /// Its group, for sharded tables.
    pub group: Option<u64>,
    /// Its number, the same through renames.
    pub id: u64,
    /// Columns that an INSERT without a list fills.
    pub columns: Vec<String>,
    /// Its AUTO_INCREMENT column, where ids come from the metadata service.
    pub auto_increment: Option<String>,
}

impl TableView {
    /// From the catalog.
    pub fn new(catalog: &catalog::Catalog, t: &Table) -> Self {
        let shards = match &t.placement {
            Placement::Single(s) | Placement::View(s) => vec![*s],
            Placement::Reference => catalog.shard_ids(),
            Placement::Sharded(s) => s.function.shards().to_vec(),
        };
        let sharding = t.sharding();
        TableView {
            database: t.name.database.clone(),
            table: t.name.table.clone(),
            kind: t.placement.kind().to_string(),
            key: sharding.map_or(Vec::new(), |s| {
                s.key.iter().map(|k| k.name.clone()).collect()
            }),
            shards: shards
                .iter()
                .map(|s| catalog.shard_name(*s).to_string())
                .collect(),
            group: sharding.map(|s| s.group.0),
            id: t.id.0,
            columns: t.columns.clone(),
            auto_increment: t.auto_increment.as_ref().map(|a| a.column.clone()),
        }
    }
}

/// A rule that waits for its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    /// Its database.
    pub database: String,
    /// The table.
    pub table: String,
    /// What follows SHARD BY.
    pub clause: String,
}

/// The ids of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceView {
    /// Its database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The next id that no proxy has leased.
    pub next: u64,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingView {
    /// Its name.
    pub name: String,
    /// Its value now.
    pub value: String,
    /// Its value unless somebody sets another.
    pub default: String,
    /// What it may be.
    pub range: String,
    /// What it does.
    pub help: String,
}

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

/// A change that a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// A new shard, or another address of one.
    PutShard {
        /// Its name.
        name: String,
        /// Host of its primary.
        host: String,
        /// Port of its primary.
        port: u16,
        /// Add it although a check found something.
        #[serde(default)]
        force: bool,
    },
    /// Nothing new is placed on a shard, or again.
    DisableShard {
        /// Its name.
        name: String,
        /// False takes it back.
        disabled: bool,
    },
    /// A rule for a table to come.
    PutRule {
        /// Its database.
        database: String,
        /// The table.
        table: String,
        /// What follows SHARD BY.
        clause: String,
    },
    /// The rule is not wanted any more.
    DropRule {
        /// Its database.
        database: String,
        /// The table.
        table: String,
    },
    /// The next id of a table, never lower than now.
    RaiseSequence {
        /// Its database.
        database: String,
        /// The table.
        table: String,
        /// The next id.
        next: u64,
    },
    /// A setting; without a value its default.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: Option<String>,
    },
    /// A proxy lets go of its clients, or goes on.
    Drain {
        /// Its incarnation.
        incarnation: u64,
        /// False takes it back.
        draining: bool,
    },
    /// A proxy's incarnation ends for ever.
    Fence {
        /// The incarnation.
        incarnation: u64,
    },
    /// A table that the shards have already enters the catalog.
    ImportTable {
        /// Its database.
        database: String,
        /// The table.
        table: String,
        /// What would follow SHARD BY, `SINGLE ON s1` and `REFERENCE` among it.
        clause: String,
    },
    /// About a user.
    #[serde(untagged)]
    User(UserOrder),
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

/// An order and how to carry it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// The order.
    pub order: Order,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// Only at this epoch of the catalog.
    #[serde(default)]
    pub expected_epoch: Option<u64>,
}

/// What an order did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReply {
    /// True if nothing was changed.
    pub dry_run: bool,
    /// What the metadata service answered.
    pub answer: Answer,
    /// What checks found and did not object to.
    pub notes: Vec<String>,
}

/// Versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Of the process that answers.
    pub version: String,
    /// The catalog's epoch there.
    pub epoch: u64,
}
