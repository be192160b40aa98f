//! Transactions that were rolled back, or of which a part may have committed.

use crate::NameList;

area! {
    "Transactions": TransactionError

    /// A connection with a branch of the transaction was lost, and its server rolled that branch back.
    LostBranch = ER_LOCK_DEADLOCK, Aborted, Transaction:
        "The transaction was rolled back on every shard, because the connection of one of its branches \
         was lost; repeat it";

    /// A shard could not go on with its branch. What was done on the others was taken back; all of the
    /// transaction may be repeated.
    RolledBack { cause: String } = ER_LOCK_DEADLOCK, Aborted, Transaction:
        "The transaction was rolled back on every shard: {cause}";

    /// No server sees a circle of waits over several shards, so a transaction with branches on several
    /// does not wait for a row for more than a second or two.
    Deadlock = ER_LOCK_DEADLOCK, Aborted, Transaction:
        "Deadlock found when trying to get lock; try restarting transaction (a transaction with locks \
         on several shards waited too long for a row)";

    /// Every branch refused COMMIT, so that nothing of the transaction stays.
    CommitRefused { cause: String } = ER_ERROR_DURING_COMMIT, Aborted, Transaction:
        "COMMIT was refused, and the transaction is rolled back on every shard: {cause}";

    /// A shard failed in the moment between the first and the last COMMIT of a `best_effort` transaction.
    /// The log of the proxy has it as an error.
    PartiallyCommitted { committed: NameList, refused: NameList, unknown: NameList }
        = ER_ERROR_DURING_COMMIT, Aborted, AfterCheck:
        "COMMIT in mode best_effort: committed on {committed}; not committed on {refused}; unknown on \
         {unknown}. Check the data before repeating the transaction";

    /// Each is kept on every branch.
    TooManySavepoints { max: usize } = ER_NOT_SUPPORTED_YET, Unsupported, No:
        "a transaction may have {max} savepoints; release some";

    /// As on one server.
    NoSavepoint { name: String } = ER_SP_DOES_NOT_EXIST, Mistake, No: "SAVEPOINT {name} does not exist";
}
