//! Statements that are the administration of one server, and are refused with the way out.

use crate::refusal::Refusal;

pub(super) fn administration(what: &str) -> Refusal {
    Refusal::unsupported(format!(
        "{what} is administration of one server; connect to the shard itself \
         (SHOW SHARDS shows its address)"
    ))
}

pub(super) fn state_of_one(what: &str) -> Refusal {
    Refusal::unsupported(format!(
        "SHOW {what} shows the state of one server; connect to the shard itself \
         (SHOW SHARDS shows its address)"
    ))
}

pub(super) fn accounts() -> Refusal {
    Refusal::unsupported(
        "users and rights are kept in Shardwright's catalog, not on the shards: \
         shardctl user add, grant and revoke change them (docs/shardctl.md)",
    )
}

pub(super) fn set_global() -> Refusal {
    Refusal::unsupported(
        "SET GLOBAL would change one shard only; set it on every shard's server, \
         in its configuration file",
    )
}

pub(super) fn set_account() -> Refusal {
    Refusal::unsupported(
        "passwords are kept in Shardwright's catalog, and there are no roles: \
         shardctl user password changes one",
    )
}

pub(super) fn xa() -> Refusal {
    Refusal::unsupported(
        "XA statements are not supported: Shardwright coordinates transactions over \
         shards itself; use BEGIN and COMMIT",
    )
}
