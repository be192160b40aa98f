//! Names of columns against the tables of a block and those around it, all columns known by now.

use crate::analyze::Analysis;
use crate::analyze::block::*;
use crate::analyze::instance::{Has, TableInstance, TableInstanceId};
use crate::analyze::resolve::columns::{Columns, Known};
use sqlparser::ast::Ident;

/// Where a name stands, which decides whether it may mean an item of the select list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    /// It may not.
    Other,
    /// GROUP BY: a column goes first.
    Group,
    /// HAVING: servers differ.
    Having,
    /// ORDER BY: the item goes first, where the name stands alone.
    Order,
}

/// What there is to name.
pub(super) struct Names {
    /// By block: the one around it, its instances, the names of its items.
    blocks: Vec<(Option<BlockId>, Vec<TableInstanceId>, Columns)>,
    instances: Vec<Named>,
}

struct Named {
    alias: String,
    database: Option<String>,
    /// `None` if not all are known.
    columns: Option<Columns>,
}

impl Names {
    pub(super) fn of(a: &Analysis<'_>) -> Self {
        let mut known = Known::of(a);
        let block = |b: &Block<'_>| {
            let alias = |i: &SelectedItem<'_>| i.alias.map(|a| a.value.clone());
            let aliases = b.items.iter().map(alias);
            (b.around, b.instances.clone(), aliases.collect())
        };
        let instance = |(id, i): (usize, &TableInstance)| Named {
            alias: i.alias.clone(),
            database: i.database.clone(),
            columns: known.of_instance(id),
        };
        Self {
            blocks: a.blocks.iter().map(block).collect(),
            instances: a.instances.iter().enumerate().map(instance).collect(),
        }
    }

    /// Finds what the names of a piece mean. `only` are the tables of the block that it sees, if not all.
    pub(super) fn resolve(
        &self,
        block: Option<BlockId>,
        clause: Clause,
        only: Option<&[TableInstanceId]>,
        piece: &mut Piece<'_>,
    ) {
        let alone = piece.plain_column().is_some();
        for column in &mut piece.columns {
            let mut used = Vec::new();
            let item = match column.name.as_slice() {
                [name] if clause != Clause::Other => self.item(block, &name.value),
                _ => None,
            };
            let table = self.column(block, &column.name, only, &mut used);
            column.meaning = match (item, table) {
                (Some(item), _) if clause == Clause::Order && alone => Meaning::Item(item),
                (Some(item), None) if used.is_empty() => Meaning::Item(item),
                (None, Some(i)) => Meaning::Instance(i),
                (Some(_), Some(i)) if clause == Clause::Group => Meaning::Instance(i),
                _ => Meaning::Unknown,
            };
            match column.meaning {
                Meaning::Instance(i) => piece.instances.push(i),
                Meaning::Item(_) => {}
                Meaning::Unknown => {
                    piece.has_unresolved = true;
                    match used.is_empty() {
                        true => piece.instances.extend(self.visible(block)),
                        false => piece.instances.append(&mut used),
                    }
                }
            }
        }
        piece.instances.sort_unstable();
        piece.instances.dedup();
    }

    /// All instances of a block and of those around it.
    fn visible(&self, block: Option<BlockId>) -> Vec<TableInstanceId> {
        let (mut out, mut next) = (Vec::new(), block);
        while let Some((around, instances, _)) = next.and_then(|b| self.blocks.get(b)) {
            out.extend(instances);
            next = *around;
        }
        out
    }

    fn item(&self, block: Option<BlockId>, name: &str) -> Option<usize> {
        let aliases = &self.blocks.get(block?)?.2;
        let is = |a: &Option<String>| a.as_ref().is_some_and(|a| a.eq_ignore_ascii_case(name));
        aliases.iter().position(is)
    }

    /// The instance whose column a name is; if that is not certain, `used` has those that it may be of.
    fn column(
        &self,
        block: Option<BlockId>,
        name: &[&Ident],
        only: Option<&[TableInstanceId]>,
        used: &mut Vec<TableInstanceId>,
    ) -> Option<TableInstanceId> {
        let (table, column) = match name {
            [column] => (None, *column),
            [table, column] => (Some((None, *table)), *column),
            [database, table, column] => (Some((Some(*database), *table)), *column),
            _ => return None,
        };
        let found = |list: &[TableInstanceId], wanted: Has| {
            let has = |i: &TableInstanceId| match table {
                Some((database, table)) => self.instances[*i].is_called(database, table),
                None => self.instances[*i].has_column(&column.value),
            };
            let all = list.iter().copied().filter(|i| has(i) == wanted);
            all.collect::<Vec<_>>()
        };
        let mut next = block;
        // A condition of a join looks at the tables it joins first.
        let mut nearest = only;
        while let Some((around, instances, _)) = next.and_then(|b| self.blocks.get(b)) {
            let list = match nearest.take() {
                Some(list) => list,
                None => {
                    next = *around;
                    instances
                }
            };
            let (yes, maybe) = (found(list, Has::Yes), found(list, Has::Maybe));
            match (yes.as_slice(), maybe.is_empty()) {
                ([one], _) => {
                    // Another one may have been meant before.
                    let is_certain = used.iter().all(|u| u == one);
                    used.push(*one);
                    return is_certain.then_some(*one);
                }
                ([], true) => {}
                ([], false) => used.extend(maybe),
                _ => {
                    used.extend(yes);
                    return None;
                }
            }
        }
        // If only one can have it, it has.
        match used.as_slice() {
            [one, rest @ ..] if rest.iter().all(|r| r == one) => Some(*one),
            _ => None,
        }
    }
}

impl Named {
    fn has_column(&self, name: &str) -> Has {
        let Some(columns) = &self.columns else {
            return Has::Maybe;
        };
        let is = |c: &Option<String>| c.as_ref().is_some_and(|c| c.eq_ignore_ascii_case(name));
        match columns.iter().any(is) {
            true => Has::Yes,
            false if columns.iter().any(Option::is_none) => Has::Maybe,
            false => Has::No,
        }
    }

    fn is_called(&self, database: Option<&Ident>, table: &Ident) -> Has {
        let fits = match (database, &self.database) {
            (None, _) => true,
            (Some(wanted), Some(own)) => wanted.value.eq_ignore_ascii_case(own),
            (Some(_), None) => false,
        };
        match fits {
            true if self.alias == table.value => Has::Yes,
            // Whether case counts is the server's affair.
            true if self.alias.eq_ignore_ascii_case(&table.value) => Has::Maybe,
            _ => Has::No,
        }
    }
}
