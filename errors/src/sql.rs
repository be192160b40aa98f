//! Texts that are no statement.

area! {
    "Statements that cannot be read": SqlError

    /// The text holds nothing but spaces and comments.
    EmptyQuery = ER_EMPTY_QUERY, Mistake, No: "Query was empty";

    /// Shardwright reads every statement as far as it must to know where it belongs, and found something
    /// that no server would take. Statements on single tables are read by their server alone, with its
    /// own text of this error.
    Syntax { detail: String } = ER_PARSE_ERROR, Mistake, No:
        "You have an error in your SQL syntax: {detail}";
}
