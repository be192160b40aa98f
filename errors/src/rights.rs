//! What a user of the catalog has no right to.

area! {
    "Rights": RightsError

    /// The user has no right on the database at all.
    NoRightOnDatabase { user: String, database: String } = ER_DBACCESS_DENIED_ERROR, Denied, No:
        "Access denied for user '{user}'@'%' to database '{database}'";

    /// Rights are granted per database.
    NoRight { right: &'static str, user: String, database: String }
        = ER_TABLEACCESS_DENIED_ERROR, Denied, No:
        "{right} command denied to user '{user}'@'%' for database '{database}'; a DBA grants it with: \
         shardctl user grant {user} {database} {right}";

    /// What concerns the cluster is for users with all rights everywhere.
    NotAdmin { what: String } = ER_SPECIFIC_ACCESS_DENIED_ERROR, Denied, No:
        "Access denied; you need (at least one of) the admin privilege(s) on all databases for this \
         operation: {what}";

    /// SHOW GRANTS FOR another user.
    GrantsOfOthers { user: String, other: String } = ER_DBACCESS_DENIED_ERROR, Denied, No:
        "Access denied for user '{user}'@'%' to the grants of '{other}'";

    /// SHOW GRANTS FOR a user that the catalog does not have.
    NoSuchGrant { user: String } = ER_NONEXISTING_GRANT, Mistake, No:
        "There is no such grant defined for user '{user}' on host '%'";

    /// KILL of another user's session.
    NotOwner { id: u64 } = ER_KILL_DENIED_ERROR, Denied, No: "You are not owner of thread {id}";

    /// DROP DATABASE mysql and the like.
    SystemDatabase { database: String } = ER_DBACCESS_DENIED_ERROR, Denied, No:
        "Access denied: '{database}' belongs to the servers";
}
