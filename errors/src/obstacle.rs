//! Why a statement cannot be spread over shards, for `ReadError::NeedsSeveral` and EXPLAIN SHARD.

/// One obstacle as the documentation shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ObstacleEntry {
    pub text: &'static str,
    pub explanation: &'static str,
}

macro_rules! obstacles {
    ($(
        $(#[doc = $explanation:literal])+
        $variant:ident $({ $($field:ident: $type:ty),+ })?: $text:literal;
    )+) => {
        /// Why several shards cannot run a statement each for itself.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the explanation says what the fields are")]
        pub enum Obstacle {
            $($(#[doc = $explanation])+ $variant $({ $($field: $type),+ })?,)+
        }

        impl Obstacle {
            pub(crate) const ENTRIES: &'static [ObstacleEntry] = &[
                $(ObstacleEntry { text: $text, explanation: concat!($($explanation),+) }),+
            ];
        }

        impl std::fmt::Display for Obstacle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant $({ $($field),+ })? => write!(f, $text),)+
                }
            }
        }
    };
}

obstacles! {
    /// Sorting, grouping, limiting, removing duplicates or combining queries needs all rows in one place.
    Clause { clause: &'static str }: "it has {clause}";

    /// An aggregate or window function of each shard's rows is not one of all rows.
    Aggregate: "it has an aggregate or window function";

    /// ROW_NUMBER-like counters, RAND with a seed and sequences would begin anew on every shard.
    Counter { function: String }: "each shard would count for itself in {function}";

    /// A stored or loaded function may be an aggregate, or read tables of which a shard has a part.
    UnknownFunction { function: String }:
        "it calls {function}, which is not known to look at one row at a time";

    /// A reference table has the same rows on every shard: each would give those that find no partner
    /// there.
    OuterJoin { kept: String }: "the outer join keeps rows of {kept}, which every shard has";

    /// The subquery would see the rows of one shard.
    Subquery { table: String }: "the sharded table {table} stands in a subquery";

    /// Rows that belong together may be on different shards, unless each column of the sharding key of
    /// one table equals that of the other.
    NotJoinedOnKey { left: String, right: String }:
        "{left} and {right} are not joined on their whole sharding keys";

    /// `@a := 1`, SQL_CALC_FOUND_ROWS and the like would be set by each shard.
    SessionState: "it sets session state";

    /// @@port, VERSION() and the like: several shards would give several values in one answer.
    ServerValue: "it asks for a value that each server has for itself";

    /// The parser is known to read some constructs in another way than servers do; conditions beside them
    /// do not count as keys.
    UnreadSyntax: "its syntax is not read for routing";

    /// UPDATE and DELETE with these change rows that depend on rows of other shards.
    WriteWith { verb: &'static str, what: &'static str }: "the {verb} has {what}";

    /// The single table is on one shard; the other rows are elsewhere too.
    SingleTable: "it combines a single table with rows of other shards";
}
