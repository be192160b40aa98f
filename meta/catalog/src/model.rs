//! The catalog and what it holds.

use crate::definition::TableDefinition;
use crate::group::{Sharding, TableGroup};
use crate::job::{Job, JobId};
use crate::key::KeyType;
use crate::shard::Shard;
use crate::stored::Stored;
use crate::user::User;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
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

/// Where a table's rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
            Placement::Sharded(s) => s.group.kind().name(),
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

/// A table. What proposals and files say of one is a [`TableRecord`](crate::record::TableRecord).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its number.
    pub id: TableId,
    /// Its name.
    pub name: TableName,
    /// Where it is.
    pub placement: Placement,
    /// What it is made of, as its shards had it when it was made, altered or read again.
    pub definition: Arc<TableDefinition>,
    /// Its AUTO_INCREMENT column, for sharded and reference tables.
    pub auto_increment: Option<AutoIncrement>,
}

impl Table {
    /// True if it has a column of this name.
    pub fn has_column(&self, name: &str) -> bool {
        self.definition.column(name).is_some()
    }

    /// The AUTO_INCREMENT column, if no shard can tell whether its values are unique: they are because they
    /// come from one sequence.
    pub fn sequence_key(&self) -> Option<&str> {
        let id = &self.auto_increment.as_ref()?.column;
        let key = &self.sharding()?.key;
        let mut unique = self.definition.unique_keys.iter();
        unique.any(|u| !u.has_all(key)).then_some(id)
    }

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

/// Table groups by number.
pub type Groups = BTreeMap<GroupId, Arc<TableGroup>>;

/// Everything that proxies plan against. Copies share the tables until one changes them: most changes
/// are steps of jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Catalog {
    /// Increases by one with each change.
    pub epoch: u64,
    /// Numbers given out so far to tables, groups and jobs.
    pub last_id: u64,
    /// The shards.
    pub shards: BTreeMap<ShardId, Shard>,
    /// The databases.
    pub databases: BTreeMap<String, Database>,
    /// The groups of the sharded tables; one without tables is gone.
    #[serde(serialize_with = "values")]
    pub groups: Arc<Groups>,
    /// The tables, by database and name.
    #[serde(serialize_with = "values")]
    pub tables: Arc<Tables>,
    /// Rules that wait for their table.
    #[serde(serialize_with = "pairs")]
    pub rules: BTreeMap<TableName, PendingRule>,
    /// Jobs that are not finished.
    pub jobs: BTreeMap<JobId, Job>,
    /// Who may log in at every proxy, and what they may do.
    #[serde(skip_serializing_if = "no_users")]
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

    /// The tables, to change them. A sharded one comes in by [`Catalog::insert_table`].
    pub(crate) fn tables_mut(&mut self) -> &mut Tables {
        Arc::make_mut(&mut self.tables)
    }

    /// Puts a table in as it is, with its group, in place of the one of its name.
    pub fn insert_table(&mut self, table: Table) {
        if let Some(s) = table.sharding() {
            Arc::make_mut(&mut self.groups).insert(s.group.id, s.group.clone());
        }
        self.tables_mut()
            .insert(table.name.clone(), Arc::new(table));
    }

    /// Takes the groups out that have no table any more.
    pub(crate) fn drop_empty_groups(&mut self) {
        let of = |t: &Arc<Table>| Some(t.sharding()?.group.id);
        let used: BTreeSet<_> = self.tables.values().filter_map(of).collect();
        if self.groups.len() > used.len() {
            Arc::make_mut(&mut self.groups).retain(|id, _| used.contains(id));
        }
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

fn values<K, V: Serialize, S: Serializer>(
    map: &BTreeMap<K, Arc<V>>,
    s: S,
) -> Result<S::Ok, S::Error> {
    s.collect_seq(map.values().map(|v| &**v))
}

fn pairs<K: Serialize, V: Serialize, S: Serializer>(
    map: &BTreeMap<K, V>,
    s: S,
) -> Result<S::Ok, S::Error> {
    s.collect_seq(map.iter())
}
