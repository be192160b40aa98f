//! The catalog and what it holds.

use crate::function::{Compiled, Function};
use crate::job::{Job, JobId};
use crate::key::KeyType;
use crate::shard::Shard;
use crate::user::User;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Number of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShardId(pub u32);

/// Number of a table, never reused, the same through renames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableId(pub u64);

/// Number of a table group: tables whose equal keys live together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupId(pub u64);

/// Database and table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
}

impl TableName {
    /// From both parts.
    pub fn new(database: impl Into<String>, table: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            table: table.into(),
        }
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

/// A logical database; it has the same name on every shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Where its single tables live.
    pub default_shard: ShardId,
}

/// A column of the sharding key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: KeyType,
}

/// How a sharded table is placed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "ShardingText", into = "ShardingText")]
pub struct Sharding {
    /// The sharding key.
    pub key: Vec<KeyColumn>,
    /// The function.
    pub function: Function,
    /// The group.
    pub group: GroupId,
    /// The function, ready to run.
    pub compiled: Arc<Compiled>,
}

#[derive(Clone, Serialize, Deserialize)]
struct ShardingText {
    key: Vec<KeyColumn>,
    function: Function,
    group: GroupId,
}

impl TryFrom<ShardingText> for Sharding {
    type Error = String;
    fn try_from(t: ShardingText) -> Result<Self, String> {
        Sharding::new(t.key, t.function, t.group)
    }
}

impl From<Sharding> for ShardingText {
    fn from(s: Sharding) -> Self {
        Self {
            key: s.key,
            function: s.function,
            group: s.group,
        }
    }
}

impl PartialEq for Sharding {
    fn eq(&self, o: &Self) -> bool {
        self.key == o.key && self.function == o.function && self.group == o.group
    }
}

impl Eq for Sharding {}

impl Sharding {
    /// Checks and compiles a rule.
    pub fn new(key: Vec<KeyColumn>, function: Function, group: GroupId) -> Result<Self, String> {
        let compiled = Arc::new(Compiled::new(&function, &key)?);
        Ok(Self {
            key,
            function,
            group,
            compiled,
        })
    }

    /// True if equal keys of both live together.
    pub fn is_placed_like(&self, other: &Sharding) -> bool {
        self.function == other.function
            && self.key.len() == other.key.len()
            && self
                .key
                .iter()
                .zip(&other.key)
                .all(|(a, b)| a.kind.is_compatible(&b.kind))
    }

    /// Index of a column in the key (column names ignore case).
    pub fn key_index(&self, column: &str) -> Option<usize> {
        self.key
            .iter()
            .position(|k| k.name.eq_ignore_ascii_case(column))
    }
}

/// Where a table's rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// All on one shard.
    Single(ShardId),
    /// A view, defined on one shard.
    View(ShardId),
    /// The same rows on every shard.
    Reference,
    /// Spread by a function.
    Sharded(Box<Sharding>),
}

impl Placement {
    /// Name of the kind: single, view, reference or the function's.
    pub fn kind(&self) -> &'static str {
        match self {
            Placement::Single(_) => "single",
            Placement::View(_) => "view",
            Placement::Reference => "reference",
            Placement::Sharded(s) => s.function.name(),
        }
    }
}

/// The AUTO_INCREMENT column of a table whose ids come from us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoIncrement {
    /// Its name.
    pub column: String,
    /// Largest value that fits.
    pub max: u64,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its number.
    pub id: TableId,
    /// Its name.
    pub name: TableName,
    /// Where it is.
    pub placement: Placement,
    /// Columns that an INSERT without a column list fills, in order.
    pub columns: Vec<String>,
    /// Its AUTO_INCREMENT column, for sharded and reference tables.
    pub auto_increment: Option<AutoIncrement>,
}

impl Table {
    /// The sharding, if it is sharded.
    pub fn sharding(&self) -> Option<&Sharding> {
        match &self.placement {
            Placement::Sharded(s) => Some(s),
            _ => None,
        }
    }
}

/// A rule for a table that does not exist yet, as its clause's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRule {
    /// What follows SHARD BY.
    pub clause: String,
}

/// Tables by database and name.
pub type Tables = BTreeMap<TableName, Arc<Table>>;

/// Everything that proxies plan against. Copies share the tables until one changes them: most changes
/// are steps of jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Increases by one with each change.
    pub epoch: u64,
    /// Numbers given out so far to tables, groups and jobs.
    pub last_id: u64,
    /// The shards.
    pub shards: BTreeMap<ShardId, Shard>,
    /// The databases.
    pub databases: BTreeMap<String, Database>,
    /// The tables, by database and name.
    #[serde(with = "tables_as_list")]
    pub tables: Arc<Tables>,
    /// Rules that wait for their table.
    #[serde(with = "rules_as_list")]
    pub rules: BTreeMap<TableName, PendingRule>,
    /// Jobs that are not finished.
    pub jobs: BTreeMap<JobId, Job>,
    /// Who may log in at every proxy, and what they may do.
    #[serde(default, with = "users_by_name", skip_serializing_if = "no_users")]
    pub users: Arc<BTreeMap<String, User>>,
}

fn no_users(users: &Arc<BTreeMap<String, User>>) -> bool {
    users.is_empty()
}

impl Catalog {
    /// A table by name.
    pub fn table(&self, database: &str, table: &str) -> Option<&Arc<Table>> {
        // A lookup without building the key would need a borrowed pair; plans are cached instead.
        self.tables.get(&TableName::new(database, table))
    }

    /// The tables, to change them.
    pub fn tables_mut(&mut self) -> &mut Tables {
        Arc::make_mut(&mut self.tables)
    }

    /// The users, to change them.
    pub fn users_mut(&mut self) -> &mut BTreeMap<String, User> {
        Arc::make_mut(&mut self.users)
    }

    /// A shard by name.
    pub fn shard_named(&self, name: &str) -> Option<&Shard> {
        self.shards.values().find(|s| s.name == name)
    }

    /// Name of a shard, for messages.
    pub fn shard_name(&self, id: ShardId) -> &str {
        self.shards.get(&id).map_or("?", |s| &s.name)
    }

    /// All shard numbers, ascending.
    pub fn shard_ids(&self) -> Vec<ShardId> {
        self.shards.keys().copied().collect()
    }

    /// Where statements go that any shard can answer: the database's shard, else the first.
    pub fn default_shard(&self, database: Option<&str>) -> Option<ShardId> {
        let of_db = database
            .and_then(|d| self.databases.get(d))
            .map(|d| d.default_shard);
        let enabled = || self.shards.values().find(|s| !s.disabled).map(|s| s.id);
        of_db
            .or_else(enabled)
            .or_else(|| self.shards.keys().next().copied())
    }
}

mod tables_as_list {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(map: &Arc<Tables>, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(map.values().map(|t| &**t))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Arc<Tables>, D::Error> {
        let list = Vec::<Table>::deserialize(d)?;
        let pairs = list.into_iter().map(|t| (t.name.clone(), Arc::new(t)));
        Ok(Arc::new(pairs.collect()))
    }
}

mod rules_as_list {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        map: &BTreeMap<TableName, PendingRule>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        s.collect_seq(map.iter())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<BTreeMap<TableName, PendingRule>, D::Error> {
        Ok(Vec::<(TableName, PendingRule)>::deserialize(d)?
            .into_iter()
            .collect())
    }
}

mod users_by_name {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        map: &Arc<BTreeMap<String, User>>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        map.as_ref().serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Arc<BTreeMap<String, User>>, D::Error> {
        BTreeMap::deserialize(d).map(Arc::new)
    }
}
