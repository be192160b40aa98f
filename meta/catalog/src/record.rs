//! A table as proposals and files have it: with its function, or with the number of its group.
//!
//! A proposal states the function, because the group may not be there yet. This was also how earlier
//! versions kept every table.

use crate::definition::TableDefinition;
use crate::function::Function;
use crate::group::{Sharding, TableGroup};
use crate::model::*;
use serde::{Deserialize, Serialize, Serializer};
use std::sync::Arc;

/// Where a table's rows are, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlacementRecord {
    /// See [`Placement::Single`].
    Single(ShardId),
    /// See [`Placement::View`].
    View(ShardId),
    /// See [`Placement::Reference`].
    Reference,
    /// See [`Placement::Sharded`].
    Sharded(Box<ShardingRecord>),
}

/// How a sharded table is placed, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardingRecord {
    /// The sharding key.
    pub key: Vec<KeyColumn>,
    /// The function; without one the group must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<Function>,
    /// The group; 0 is the one that is placed alike, or else a new one.
    pub group: GroupId,
}

/// A table as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Its number; 0 for a new table.
    pub id: TableId,
    /// Its name.
    pub name: TableName,
    /// Where it is.
    pub placement: PlacementRecord,
    /// Columns that an INSERT without a column list fills, in order: what earlier versions know of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Arc<TableDefinition>>,
    /// See [`Table::auto_increment`].
    pub auto_increment: Option<AutoIncrement>,
}

impl PlacementRecord {
    /// Name of the kind: single, view, reference, or the function's.
    pub fn kind(&self) -> &'static str {
        match self {
            PlacementRecord::Single(_) => "single",
            PlacementRecord::View(_) => "view",
            PlacementRecord::Reference => "reference",
            PlacementRecord::Sharded(s) => {
                let function = s.function.as_ref();
                function.map_or("sharded", |f| f.kind().name())
            }
        }
    }
}

impl From<&Sharding> for ShardingRecord {
    fn from(s: &Sharding) -> Self {
        ShardingRecord {
            key: s.key.clone(),
            function: Some(s.group.function()),
            group: s.group.id,
        }
    }
}

impl From<&Table> for TableRecord {
    fn from(t: &Table) -> Self {
        TableRecord {
            id: t.id,
            name: t.name.clone(),
            placement: match &t.placement {
                Placement::Single(s) => PlacementRecord::Single(*s),
                Placement::View(s) => PlacementRecord::View(*s),
                Placement::Reference => PlacementRecord::Reference,
                Placement::Sharded(s) => PlacementRecord::Sharded(Box::new((&**s).into())),
            },
            columns: t.definition.visible_names(),
            definition: t.definition.is_whole().then(|| t.definition.clone()),
            auto_increment: t.auto_increment.clone(),
        }
    }
}

/// As files have it: in its group, and without what the definition says already.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            id: TableId,
            name: &'a TableName,
            placement: &'a Placement,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            columns: Vec<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            definition: Option<&'a TableDefinition>,
            auto_increment: &'a Option<AutoIncrement>,
        }
        let definition = Some(&*self.definition).filter(|d| d.is_whole());
        let written = Written {
            id: self.id,
            name: &self.name,
            placement: &self.placement,
            columns: match definition {
                Some(_) => Vec::new(),
                None => self.definition.visible_names(),
            },
            definition,
            auto_increment: &self.auto_increment,
        };
        written.serialize(s)
    }
}

impl Catalog {
    /// Puts a table in. Numbers that are 0 are given out, the table's before its group's: every version
    /// gives the same ones.
    pub(crate) fn put_record(&mut self, record: TableRecord) -> Result<(), String> {
        let id = match record.id {
            TableId(0) => TableId(self.next_id()),
            known => known,
        };
        let placement = match record.placement {
            PlacementRecord::Single(s) => Placement::Single(s),
            PlacementRecord::View(s) => Placement::View(s),
            PlacementRecord::Reference => Placement::Reference,
            PlacementRecord::Sharded(s) => Placement::Sharded(Box::new(self.sharding(*s)?)),
        };
        self.insert_table(Table {
            id,
            name: record.name,
            placement,
            definition: match record.definition {
                Some(definition) => definition,
                None => Arc::new(TableDefinition::of_names(record.columns)),
            },
            auto_increment: record.auto_increment,
        });
        Ok(())
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The sharding, in the group that it names or that is placed alike; that one is made if need be.
    fn sharding(&mut self, record: ShardingRecord) -> Result<Sharding, String> {
        let ShardingRecord {
            key,
            function,
            group,
        } = record;
        if let Some(known) = self.groups.get(&group) {
            if function.is_some_and(|f| f != known.function()) {
                let id = group.0;
                return Err(format!("table group {id} has another function by now"));
            }
            return Sharding::in_group(key, known.clone());
        }
        let function = function.ok_or_else(|| format!("there is no table group {}", group.0))?;
        let mut new = TableGroup::of_function(group, &function, &key)?;
        if group == GroupId(0) {
            if let Some(alike) = self.groups.values().find(|g| g.is_placed_like(&new)) {
                return Sharding::in_group(key, alike.clone());
            }
            new.id = GroupId(self.next_id());
        }
        Sharding::in_group(key, Arc::new(new))
    }
}
