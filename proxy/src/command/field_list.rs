//! COM_FIELD_LIST: columns of a table, as old clients ask for them.

use crate::command::malformed;
use crate::exec::one;
use crate::exec::relay::RelayOptions;
use crate::session::{Done, Session};
use wire::framer::Expect;

/// Passes the columns on that a shard of the table lists.
pub(super) async fn run(s: &mut Session, body: &[u8]) -> Done {
    let table = wire::command::field_list::table(body).map_err(|_| malformed())?;
    let table = String::from_utf8_lossy(table).into_owned();
    let catalog = s.worker.catalog();
    let Some(db) = s.client.database.clone() else {
        return Err(router::Refusal::no_database().into());
    };
    s.client.authorize_entry(&catalog, &db)?;
    let shard = router::plan::shard_of_table(&catalog, &db, &table)?;
    let branch = s
        .branches
        .acquire(&s.worker, &s.client, shard, false)
        .await?;
    branch.conn()?.field_list(body).await?;
    let options = RelayOptions {
        expect: Expect::Columns,
        ..Default::default()
    };
    let end = one::relay_on(s, shard, options).await?;
    one::learn(s, shard, end, router::Traits::default()).await
}
