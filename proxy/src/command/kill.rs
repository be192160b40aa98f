//! COM_PROCESS_KILL, and KILL as a statement.

use crate::registry::Kill;
use crate::session::{Done, Outcome, Session, Stop, error};
use wire::reply::OkPacket;

/// Ends a session by its number.
pub(super) fn run(s: &mut Session, body: &[u8]) -> Done {
    let id = wire::Reader::new(body).u32("session");
    let id = id.map_err(|_| error(1094, "HY000", "Unknown thread id"))?;
    kill(s, u64::from(id), false)?;
    s.put_ok(OkPacket::default(), 0);
    Ok(Outcome::quiet())
}

/// Ends a statement or a session, of any worker.
pub(crate) fn kill(s: &Session, id: u64, query: bool) -> Result<(), Stop> {
    let found = u32::try_from(id)
        .ok()
        .and_then(|id| s.worker.shared.registry.get(id));
    let Some(target) = found else {
        return Err(error(1094, "HY000", format!("Unknown thread id: {id}")));
    };
    if !s.client.may_end(&s.worker.catalog(), &target)? {
        return Err(error(
            1095,
            "HY000",
            format!("You are not owner of thread {id}"),
        ));
    }
    if target.id == s.client.info.id && query {
        return Err(error(1317, "70100", "Query execution was interrupted"));
    }
    target.kill(if query { Kill::Query } else { Kill::Connection });
    Ok(())
}
