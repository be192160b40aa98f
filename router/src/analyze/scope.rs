//! Names of columns to table instances, through nested blocks, as far as they are certain.

use crate::analyze::block::{Block, BlockId};
use crate::analyze::facts::KeyColumnRef;
use crate::analyze::instance::{Has, TableInstance, TableInstanceId};
use catalog::KeyType;
use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart};

/// Schemas that every server has by itself.
pub fn is_system_schema(name: &str) -> bool {
    ["information_schema", "mysql", "performance_schema", "sys"]
        .iter()
        .any(|s| name.eq_ignore_ascii_case(s))
}

/// The parts of a name, if all are plain.
pub fn parts(name: &ObjectName) -> Option<Vec<&Ident>> {
    name.0
        .iter()
        .map(|p| match p {
            ObjectNamePart::Identifier(i) => Some(i),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

/// The blocks and instances that were read so far.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    pub blocks: &'s [Block<'a>],
    pub instances: &'s [TableInstance],
    /// The block whose names are looked up.
    pub block: Option<BlockId>,
}

impl<'s, 'a> Scope<'s, 'a> {
    /// The block and those around it, innermost first.
    pub(super) fn blocks_outward(self) -> impl Iterator<Item = &'s Block<'a>> {
        let mut next = self.block;
        std::iter::from_fn(move || {
            let block = self.blocks.get(next?)?;
            next = block.around;
            Some(block)
        })
    }

    /// True for a table of the block itself.
    pub(super) fn is_innermost(self, i: TableInstanceId) -> bool {
        self.block.is_some() && self.block == self.instances.get(i).map(|i| i.block)
    }

    /// The column with facts that an expression names, if it is one for sure.
    pub(super) fn fact_column(self, e: &Expr) -> Option<KeyColumnRef> {
        match e {
            Expr::Nested(inner) => self.fact_column(inner),
            Expr::Identifier(column) => self.bare(&column.value),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] => self.qualified(None, &table.value, &column.value),
                [db, table, column] => self.qualified(Some(&db.value), &table.value, &column.value),
                _ => None,
            },
            _ => None,
        }
    }

    fn bare(self, column: &str) -> Option<KeyColumnRef> {
        for block in self.blocks_outward() {
            let has = |wanted: Has| {
                let all = block.instances.iter().copied();
                all.filter(move |i| self.instances[*i].has_column(column) == wanted)
            };
            let mut found = has(Has::Yes);
            if let Some(i) = found.next() {
                return match found.next() {
                    Some(_) => None,
                    None => self.of_instance(i, column),
                };
            }
            // A derived table may have it: then it is not a column of an outer query.
            if has(Has::Maybe).next().is_some() {
                return None;
            }
        }
        None
    }

    fn qualified(self, db: Option<&str>, table: &str, column: &str) -> Option<KeyColumnRef> {
        for block in self.blocks_outward() {
            let mut found = block.instances.iter().copied().filter(|&i| {
                let instance = &self.instances[i];
                instance.alias == table
                    && db.is_none_or(|d| instance.database.as_deref().is_some_and(|x| x == d))
            });
            if let Some(i) = found.next() {
                return match found.next() {
                    Some(_) => None,
                    None => self.of_instance(i, column),
                };
            }
        }
        None
    }

    fn of_instance(self, i: TableInstanceId, column: &str) -> Option<KeyColumnRef> {
        Some((i, self.instances[i].fact_column(column)?))
    }

    /// True if IS NULL finds NULLs of this column and nothing else: dates and ids have meanings of their own.
    pub(super) fn is_plain_null(self, (i, k): KeyColumnRef) -> bool {
        let instance = &self.instances[i];
        let column = instance.sharding().and_then(|s| s.key.get(k));
        let Some((column, table)) = column.zip(instance.table()) else {
            return false;
        };
        let plain = matches!(column.kind, KeyType::Integer { .. } | KeyType::Text { .. });
        let definition = table.definition.column(&column.name);
        plain && definition.is_some_and(|d| !d.auto_increment)
    }

    /// True if equal values of both columns are placed and compared alike.
    pub(super) fn is_compatible(self, a: KeyColumnRef, b: KeyColumnRef) -> bool {
        self.instances[a.0].is_compatible(a.1, &self.instances[b.0], b.1)
    }

    /// How many columns of an instance have facts.
    pub(super) fn fact_width(self, i: TableInstanceId) -> usize {
        self.instances.get(i).map_or(0, TableInstance::fact_width)
    }
}
