//! Two questions about an error: whose matter is it, and can a retry help?

/// Whose matter an error is. Metrics count by it, so there are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The statement or its values are wrong.
    Mistake,
    /// The user has no right to it.
    Denied,
    /// One server would do it, Shardwright does not (yet).
    Unsupported,
    /// A shard, the metadata service or room for one more is missing now.
    Unavailable,
    /// It was begun and given up: a deadlock, a lost connection, KILL.
    Aborted,
    /// Shardwright, a shard or their installation is at fault.
    Internal,
}

impl ErrorClass {
    /// All of them.
    pub const ALL: [ErrorClass; 6] = [
        ErrorClass::Mistake,
        ErrorClass::Denied,
        ErrorClass::Unsupported,
        ErrorClass::Unavailable,
        ErrorClass::Aborted,
        ErrorClass::Internal,
    ];

    /// The name in metrics and documentation.
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::Mistake => "mistake",
            ErrorClass::Denied => "denied",
            ErrorClass::Unsupported => "unsupported",
            ErrorClass::Unavailable => "unavailable",
            ErrorClass::Aborted => "aborted",
            ErrorClass::Internal => "internal",
        }
    }

    /// What it means, for the documentation.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            ErrorClass::Mistake => "the statement or its values are wrong",
            ErrorClass::Denied => "the user has no right to it",
            ErrorClass::Unsupported => {
                "one server would do it, Shardwright does not; the text names a way out"
            }
            ErrorClass::Unavailable => {
                "a shard, the metadata service or room for one more is missing at the moment"
            }
            ErrorClass::Aborted => "it was begun and given up: a deadlock, a lost connection, KILL",
            ErrorClass::Internal => "Shardwright, a shard or their installation is at fault",
        }
    }
}

/// Whether a retry can help, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same will fail again until somebody changes the statement, the rights or the cluster.
    No,
    /// Nothing was done: the same statement may be repeated at once.
    Statement,
    /// The transaction was rolled back on every shard: all of it may be repeated.
    Transaction,
    /// Nothing was done, and nothing will be for the moment: repeat it after a pause.
    Later,
    /// It may have been done: look at the data first.
    AfterCheck,
}

impl Retry {
    pub(crate) const ALL: [Retry; 5] = [
        Retry::No,
        Retry::Statement,
        Retry::Transaction,
        Retry::Later,
        Retry::AfterCheck,
    ];

    /// The name in documentation.
    pub fn name(self) -> &'static str {
        match self {
            Retry::No => "no",
            Retry::Statement => "the statement",
            Retry::Transaction => "the transaction",
            Retry::Later => "later",
            Retry::AfterCheck => "after a check",
        }
    }

    /// What it means, for the documentation.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Retry::No => {
                "the same fails again until the statement, the rights or the cluster is changed"
            }
            Retry::Statement => "nothing was done; the same statement may be repeated at once",
            Retry::Transaction => {
                "the transaction was rolled back on every shard; all of it may be repeated"
            }
            Retry::Later => "nothing was done; repeat it after a pause",
            Retry::AfterCheck => "it may have been done; check the data before repeating it",
        }
    }
}
