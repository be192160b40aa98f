//! What the metadata service does not do.

area! {
    "The metadata service": MetadataError

    /// A sharding rule, job or other object of that name is in the catalog.
    ObjectExists { what: String } = ER_TABLE_EXISTS_ERROR, Mistake, No: "{what} exists already";

    /// The object is not in the catalog (any more).
    ObjectMissing { what: String } = ER_UNKNOWN_ERROR, Mistake, No: "{what} does not exist";

    /// An earlier change of the same object is not done on every shard. `SHOW DDL JOBS` lists them.
    ObjectBusy { job: u64, object: String, statement: String } = ER_LOCK_WAIT_TIMEOUT, Unavailable, Later:
        "DDL job {job} still works on {object} ({statement}); repeat that statement to finish it, or \
         CANCEL DDL JOB {job}";

    /// Somebody else changed the catalog in between. Nothing was done.
    CatalogChanged { expected: u64, now: u64 } = ER_UNKNOWN_ERROR, Aborted, Statement:
        "the catalog is at epoch {now}, the change expected {expected}; repeat it";

    /// A job is finished only when its statement is done everywhere.
    JobUnfinished { job: u64 } = ER_UNKNOWN_ERROR, Unavailable, Later:
        "DDL job {job} is not done on every shard";

    /// The change would make a catalog that cannot be.
    InvalidChange { why: String } = ER_UNKNOWN_ERROR, Mistake, No: "{why}";

    /// The service has no leader, or its disk is full. Nothing was done.
    NotStored { why: String } = ER_UNKNOWN_ERROR, Unavailable, Later:
        "the metadata service cannot store the change: {why}";

    /// The answer was lost.
    NoAnswer { why: String } = ER_UNKNOWN_ERROR, Unavailable, AfterCheck:
        "the metadata service gave no answer ({why}); check whether the change was made before \
         repeating it";

    /// The token file of this proxy is not that of the service.
    TokenRefused = ER_UNKNOWN_ERROR, Internal, No:
        "the metadata service refused the token of this node; give it the service's token";
}
