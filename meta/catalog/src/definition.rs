//! What a table is made of: columns, keys, foreign keys and triggers, as its servers have them.

use crate::model::{KeyColumn, TableName};
use serde::{Deserialize, Serialize};

/// A table as its shards define it; the same on each of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableDefinition {
    /// In the table's order.
    pub columns: Vec<Column>,
    /// The primary key, which is called PRIMARY, among them; by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique_keys: Vec<UniqueKey>,
    /// By name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// By name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// As it is written in the definition; names of columns ignore case.
    pub name: String,
    /// The whole type in lower case, `bigint(20) unsigned` or `enum('a','b')`; values keep their case.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Of texts only; empty for other types.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub collation: String,
    /// NULL may be stored.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// An SQL expression, strings in quotes; `None` if there is none, or NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// An SQL expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_update: Option<String>,
    /// Its value is computed by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// Neither `SELECT *` nor an INSERT without a column list has it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub invisible: bool,
    /// AUTO_INCREMENT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_increment: bool,
}

/// How a generated column comes to its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Generated {
    /// As the server prints it.
    pub expression: String,
    /// STORED rather than VIRTUAL.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stored: bool,
}

/// A unique key, the primary key among them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UniqueKey {
    /// Its name.
    pub name: String,
    /// Columns that it contains whole, in its order.
    pub columns: Vec<String>,
    /// Parts that are no whole column: a prefix `name(10)`, or an expression. Equal parts do not mean equal
    /// columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
}

impl UniqueKey {
    /// True if the column is in it whole. A prefix does not do: equal prefixes may be of different values.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c.eq_ignore_ascii_case(column))
    }

    /// True if it contains a whole sharding key, so that each shard can tell whether a value is unique.
    pub fn has_all(&self, key: &[KeyColumn]) -> bool {
        key.iter().all(|k| self.has(&k.name))
    }
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// Columns of its table.
    pub columns: Vec<String>,
    /// The table that it refers to.
    pub table: TableName,
    /// Columns there, one for each.
    pub referred: Vec<String>,
    /// ON UPDATE.
    #[serde(default, skip_serializing_if = "Action::is_restrict")]
    pub on_update: Action,
    /// ON DELETE.
    #[serde(default, skip_serializing_if = "Action::is_restrict")]
    pub on_delete: Action,
}

/// What happens to rows that refer to one that changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// The change is refused: RESTRICT, and NO ACTION, which is the same to InnoDB.
    #[default]
    Restrict,
    /// They change, or go, too.
    Cascade,
    /// They refer to nothing.
    SetNull,
    /// They get the default.
    SetDefault,
}

/// A trigger; what it does is between it and its server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// When it runs: `BEFORE INSERT`, `AFTER DELETE`, ...
    pub event: String,
    /// Its text was read, and changes nothing of the session that runs it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_harmless: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn is_false(b: &bool) -> bool {
    !b
}

impl Action {
    fn is_restrict(&self) -> bool {
        *self == Action::Restrict
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Action::Restrict => "RESTRICT",
            Action::Cascade => "CASCADE",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
        })
    }
}

impl TableDefinition {
    /// What earlier versions knew of a table: the columns that an INSERT without a list fills.
    pub fn of_names<N: Into<String>>(names: impl IntoIterator<Item = N>) -> TableDefinition {
        let column = |name: N| Column {
            name: name.into(),
            ..Column::default()
        };
        TableDefinition {
            columns: names.into_iter().map(column).collect(),
            ..TableDefinition::default()
        }
    }

    /// False while only names of columns are known: nobody has read the table since an earlier version
    /// made it.
    pub fn is_whole(&self) -> bool {
        let mut columns = self.columns.iter();
        !self.columns.is_empty() && columns.all(|c| !c.data_type.is_empty())
    }

    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|c| c.name.eq_ignore_ascii_case(name))
    }

    /// Columns that an INSERT without a list fills, and `SELECT *` gives, in order.
    pub fn visible(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !c.invisible)
    }

    /// Their names.
    pub fn visible_names(&self) -> Vec<String> {
        self.visible().map(|c| c.name.clone()).collect()
    }
}
