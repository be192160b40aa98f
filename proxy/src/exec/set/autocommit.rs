//! SET autocommit: the proxy's own, because all branches of a transaction end together.

use super::{keep, on_server, text::ServerText, value_text};
use crate::exec::{Run, transaction};
use crate::session::{Session, Stop};
use sql::set::{Assignment, SetTarget, SetValueKind};

const NAME: &str = "autocommit";
/// A switch of the same type that changes nothing here: it shows what a value means to the server.
const STAND_IN: &str = "sql_warnings";

fn is_autocommit(a: &Assignment) -> bool {
    matches!(&a.target, SetTarget::Session(name) if name == NAME)
}

/// What a SET wants it to be, if it names it; the last one counts.
pub(super) async fn asked(
    s: &mut Session,
    list: &[Assignment],
    run: Run<'_>,
) -> Result<Option<bool>, Stop> {
    let mut asked = None;
    for a in list.iter().filter(|a| is_autocommit(a)) {
        let value = value_text(s, a, run)?;
        asked = Some(match (a.kind, switch(&value)) {
            (SetValueKind::Default, _) => true,
            (_, Some(on)) => on,
            _ => judged(s, a.kind, value, run).await?,
        });
    }
    Ok(asked)
}

/// What the server takes a value for.
async fn judged(
    s: &mut Session,
    kind: SetValueKind,
    value: Vec<u8>,
    run: Run<'_>,
) -> Result<bool, Stop> {
    let mut asked = ServerText {
        text: [format!("SET SESSION {STAND_IN} = ").as_bytes(), &value].concat(),
        system: vec![STAND_IN.to_string()],
        ..Default::default()
    };
    if kind == SetValueKind::Expression {
        asked.expressions.push(value);
    }
    let done = on_server::run(s, &asked, run).await;
    let done = done.map_err(|stop| match stop {
        Stop::Server(mut err) => {
            err.message = err.message.replace(STAND_IN, NAME);
            Stop::Server(err)
        }
        other => other,
    })?;
    // The connection goes on as it was.
    let before = s.client.settings.all.get(STAND_IN).unwrap_or("DEFAULT");
    let back = format!("SET SESSION {STAND_IN} = {before}");
    let conn = s.branches.held(done.shard)?.conn()?;
    conn.run(&back).await?;
    conn.state_is_known();
    Ok(done.system.first().is_some_and(|(_, value)| value == "1"))
}

/// The texts that mean ON or OFF without asking anybody.
fn switch(value: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(value).ok()?.to_ascii_lowercase();
    match text.as_str() {
        "1" | "on" | "true" | "'on'" => Some(true),
        "0" | "off" | "false" | "'off'" => Some(false),
        _ => None,
    }
}

/// Turns it on or off.
pub(super) async fn turn(s: &mut Session, on: bool) -> Result<(), Stop> {
    if on && !s.client.settings.autocommit {
        // As on one server: turning it on commits what is open.
        transaction::commit_all(s).await?;
    }
    let value = if on { "DEFAULT" } else { "0" };
    keep(s, &[(NAME.to_string(), value.to_string())])
}

#[cfg(test)]
mod tests {
    use super::switch;

    #[test]
    fn only_what_is_sure_is_taken() {
        for on in ["1", "ON", "true", "'on'"] {
            assert_eq!(switch(on.as_bytes()), Some(true), "{on}");
        }
        for off in ["0", "off", "FALSE", "'OFF'"] {
            assert_eq!(switch(off.as_bytes()), Some(false), "{off}");
        }
        for other in ["00", "-0", "2", "NULL", "'1'", "'true'", "x'31'", "yes"] {
            assert_eq!(switch(other.as_bytes()), None, "{other}");
        }
    }
}
