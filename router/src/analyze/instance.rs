//! Uses of tables: what each name in FROM stands for.

use crate::analyze::block::{BlockId, QueryId};
use crate::analyze::information_schema::ObjectTable;
use catalog::{KeyType, Placement, Sharding, Table};
use sql::TokenRange;
use std::sync::Arc;

/// Number of a table instance in a statement (a table joined with itself has two).
pub type TableInstanceId = usize;

/// What stands in FROM, UPDATE or DELETE.
#[derive(Debug, Clone)]
pub enum Relation {
    /// A table of the catalog.
    Table(Arc<Table>),
    /// A derived table.
    Derived {
        /// Its query, once it has been read.
        query: Option<QueryId>,
        /// It may use the tables before it.
        is_lateral: bool,
    },
    /// A query of WITH: the query that has the WITH, and which of its list.
    Cte(QueryId, usize),
    /// A table of information_schema; with what its rows are about, if it is objects.
    InformationSchema(Option<&'static ObjectTable>),
    /// Another table of the server's own schemas.
    System,
    /// DUAL.
    Dual,
    /// A table that the catalog does not know, or something that is not understood: the analysis
    /// has a refusal then.
    Unknown,
}

/// A use of a table in FROM, UPDATE or DELETE.
#[derive(Debug, Clone)]
pub struct TableInstance {
    /// What it stands for.
    pub relation: Relation,
    /// The name it goes by.
    pub alias: String,
    /// Its database, if the statement named it without an alias.
    pub database: Option<String>,
    /// Names for its columns behind its alias.
    pub column_names: Vec<String>,
    /// The block it belongs to.
    pub block: BlockId,
    /// How many blocks stand around that one, 0 for the outermost.
    pub depth: usize,
    /// Where it stands, with its alias and hints.
    pub tokens: Option<TokenRange>,
}

/// Whether a table has a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// Its columns are not known.
    Maybe,
}

/// Columns of tables that information_schema does not list: an alias of a primary key, and the times of
/// versioned rows.
fn is_pseudo(column: &str) -> bool {
    let names = ["_rowid", "row_start", "row_end"];
    names.iter().any(|n| column.eq_ignore_ascii_case(n))
}

impl TableInstance {
    /// The table of the catalog, if it is one.
    pub fn table(&self) -> Option<&Arc<Table>> {
        match &self.relation {
            Relation::Table(t) => Some(t),
            _ => None,
        }
    }

    /// How its table is sharded, if it is.
    pub fn sharding(&self) -> Option<&Sharding> {
        self.table()?.sharding()
    }

    /// How its table is placed, if it is one of the catalog.
    pub fn placement(&self) -> Option<&Placement> {
        self.table().map(|t| &t.placement)
    }

    /// Columns about which facts are gathered: those of the sharding key, or those of information_schema that
    /// hold names of objects.
    pub fn fact_width(&self) -> usize {
        match &self.relation {
            Relation::InformationSchema(Some(o)) => o.columns().count(),
            _ => self.sharding().map_or(0, |s| s.key.len()),
        }
    }

    /// Which of these a column is.
    pub fn fact_column(&self, column: &str) -> Option<usize> {
        match &self.relation {
            Relation::InformationSchema(Some(o)) => {
                o.columns().position(|c| c.eq_ignore_ascii_case(column))
            }
            _ => self.sharding()?.key_index(column),
        }
    }

    /// Whether it has a column, as far as it knows by itself; the columns of queries are looked at elsewhere.
    pub fn has_column(&self, column: &str) -> Has {
        match &self.relation {
            Relation::Table(t) => match t.has_column(column) {
                true => Has::Yes,
                // An earlier version knew visible columns only; servers have some that no list shows.
                false if !t.definition.is_whole() || is_pseudo(column) => Has::Maybe,
                false => Has::No,
            },
            Relation::InformationSchema(_) if self.fact_column(column).is_some() => Has::Yes,
            Relation::Dual => Has::No,
            _ => Has::Maybe,
        }
    }

    /// True if equal values of these columns, numbered as in [`Self::fact_column`], are placed and compared
    /// alike.
    pub fn is_compatible(&self, column: usize, other: &Self, of_other: usize) -> bool {
        let is_schema = |i: &Self| matches!(i.relation, Relation::InformationSchema(Some(_)));
        if is_schema(self) && is_schema(other) {
            return true;
        }
        fn kind(i: &TableInstance, k: usize) -> Option<&KeyType> {
            i.sharding()?.key.get(k).map(|c| &c.kind)
        }
        match (kind(self, column), kind(other, of_other)) {
            (Some(a), Some(b)) => a.is_compatible(b),
            _ => false,
        }
    }
}
