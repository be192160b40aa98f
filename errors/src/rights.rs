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

    /// CREATE USER, ALTER USER or DROP USER; those that are not named were changed.
    Users { operation: &'static str, users: String } = ER_CANNOT_USER, Mistake, No:
        "Operation {operation} failed for {users}";

    /// A user of the configuration file is changed there, and may do everything at its proxy.
    UserOfFile { user: String } = ER_CANNOT_USER, Mistake, No:
        "user '{user}' is in the configuration file of this proxy; change it there";

    /// A user with a host other than '%' and localhost.
    UserHost { user: String, host: String } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "users are not kept by host: write '{user}'@'%' instead of '{user}'@'{host}', and let a firewall \
         decide who may connect";

    /// A note about `user@localhost`, which is taken for `user@%`.
    AnyHost { user: String } = ER_UNKNOWN_ERROR, Mistake, No:
        "users are not kept by host: '{user}' may log in from everywhere";

    /// A note of CREATE USER IF NOT EXISTS.
    UserExists { user: String } = ER_USER_CREATE_EXISTS, Mistake, No:
        "Can't create user '{user}'@'%'; it already exists";

    /// A note of DROP USER IF EXISTS.
    UserMissing { user: String } = ER_USER_DROP_EXISTS, Mistake, No:
        "Can't drop user '{user}'@'%'; it doesn't exist";

    /// GRANT to or REVOKE from somebody who is not there.
    NoSuchUser { user: String } = ER_PASSWORD_NO_MATCH, Mistake, No:
        "Can't find any matching row in the user table: '{user}'@'%'";

    /// KILL of another user's session.
    NotOwner { id: u64 } = ER_KILL_DENIED_ERROR, Denied, No: "You are not owner of thread {id}";

    /// DROP DATABASE mysql and the like.
    SystemDatabase { database: String } = ER_DBACCESS_DENIED_ERROR, Denied, No:
        "Access denied: '{database}' belongs to the servers";
}
