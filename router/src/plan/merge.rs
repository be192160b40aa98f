//! Reads whose parts can be put together row by row: each shard sorts, groups and limits its own rows, and
//! the streams are merged.

mod find;
mod group;
mod having;
mod route;

use crate::analyze::Analysis;
use crate::analyze::comparison::Comparison;
use crate::args::Source;
use crate::plan::Read;
use sql::TokenRange;

pub use route::{ColumnAt, HavingValue, MergeRoute, SortKey};

/// How to merge the answers of shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Where columns are added to the select list: behind this token.
    last_item: u32,
    /// Columns that are added.
    hidden: Vec<Hidden>,
    /// What each item of the select list may be sorted by, if ORDER BY names it; empty with a star.
    items: Vec<Option<Key>>,
    /// The order in which rows come from each shard, and leave.
    keys: Vec<(Key, bool)>,
    /// ORDER BY and LIMIT of the client: what is put in their place.
    tail: Tail,
    /// LIMIT.
    limit: Option<Limit>,
    /// Rows with equal first keys become one.
    groups: Option<GroupMerge>,
}

/// A column that is added to what is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hidden {
    /// What an expression of the statement compares by.
    Of(Comparison, TokenRange),
    /// `SUM` or `COUNT` of the arguments that stand here.
    Call(&'static str, TokenRange),
}

/// What rows are compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// A column that was added.
    Hidden(usize, Comparison),
    /// An item of the select list.
    Item(usize, Comparison),
    /// ORDER BY 2: the item whose number this token is.
    Position(u32),
}

/// The text behind the last clause before ORDER BY.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tail {
    /// The token in front of it.
    behind: u32,
    /// The client's ORDER BY, if shards have another one.
    order_by: Option<TokenRange>,
    /// What shards sort by instead.
    sort: Vec<(TokenRange, bool)>,
    /// Expressions that stand behind these: they change no order, but columns are described as those of a
    /// statement that sorts by them.
    sort_also: Option<TokenRange>,
    /// The client's HAVING, which shards cannot judge: all of it, and its condition.
    having: Option<(TokenRange, TokenRange)>,
    /// The client's LIMIT.
    limit: Option<TokenRange>,
}

/// LIMIT with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limit {
    rows: Source,
    offset: Option<Source>,
    /// A shard need not give more rows than these.
    is_pushed: bool,
}

/// How rows of one group become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMerge {
    /// How many of the keys in which rows arrive make a group.
    pub keys: usize,
    /// What becomes of each item of the select list.
    pub columns: Vec<Combine>,
    /// What becomes of columns that were added, by their numbers.
    pub added: Vec<(usize, Combine)>,
    /// HAVING.
    having: Vec<Having>,
    /// The groups leave in another order than they arrive in.
    pub is_sorted_again: bool,
    /// The keys of that order.
    leave: Vec<(Key, bool)>,
}

/// A condition of HAVING: a number of a group against one of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Having {
    at: ColumnAt,
    operator: Comparator,
    value: Source,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// =
    Equal,
    /// <>
    Different,
    /// <
    Less,
    /// <=
    LessOrEqual,
    /// >
    Greater,
    /// >=
    GreaterOrEqual,
}

impl Comparator {
    /// True if it holds for values that compare so.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Comparator::Equal => order.is_eq(),
            Comparator::Different => order.is_ne(),
            Comparator::Less => order.is_lt(),
            Comparator::LessOrEqual => order.is_le(),
            Comparator::Greater => order.is_gt(),
            Comparator::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// How the values of a column in the rows of one group become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Combine {
    /// They are equal, or any of them does.
    First,
    /// Their sum.
    Sum,
    /// The smallest, by how a column compares.
    Min(ColumnAt, Comparison),
    /// The largest.
    Max(ColumnAt, Comparison),
    /// All bits that all have.
    BitAnd,
    /// All bits that one has.
    BitOr,
    /// All bits that an odd number of them have.
    BitXor,
    /// The quotient of the sums of two added columns.
    Average {
        /// Number of the added column with the sums.
        sum: usize,
        /// That with the counts.
        count: usize,
    },
}

impl Read<'_> {
    /// How to merge this query, if that gives what one server would give.
    pub(super) fn merge(self, a: &Analysis<'_>) -> Option<Merge> {
        let traits = self.traits;
        let of_session = traits.of_session()
            || traits.calc_found_rows
            || traits.writes_user_variables
            || traits.sets_last_insert_id
            || traits.into_file;
        if of_session || a.needs_rows_together {
            return None;
        }
        find::Finder::new(a, traits.locking)?.merge()
    }
}
