//! COM_PROCESS_KILL, and KILL as a statement: of a session here, or of one that another proxy serves, which
//! its id tells.

use crate::command::malformed;
use crate::registry::number_of;
use crate::session::{Done, Outcome, Session, Stop};
use errors::{RightsError, SessionError};
use peers::call::{KillAsked, Killed};
use peers::{Asked, Heard};
use wire::reply::OkPacket;

/// Ends a session by its number.
pub(super) async fn run(s: &mut Session, body: &[u8]) -> Done {
    let id = wire::Reader::new(body).u32("session");
    let id = id.map_err(|_| malformed())?;
    kill(s, u64::from(id), false).await?;
    s.put_ok(OkPacket::default(), 0);
    Ok(Outcome::quiet())
}

/// Ends a statement or a session, wherever it is.
pub(crate) async fn kill(s: &mut Session, id: u64, query: bool) -> Result<(), Stop> {
    let unknown = || Stop::from(SessionError::UnknownThread { id });
    let short = u32::try_from(id).map_err(|_| unknown())?;
    if short == s.client.info.id && query {
        return Err(SessionError::Interrupted.into());
    }
    let kill = KillAsked {
        id: short,
        query,
        by: s.client.may_end(&s.worker.catalog())?,
    };
    let shared = s.worker.shared.clone();
    let number = number_of(short);
    let own = shared.peers.me().registered().number;
    let killed = match shared.kill(&kill) {
        Killed::Unknown if number != 0 && number != own => {
            let asked = shared.peers.ask_number(number, kill);
            elsewhere(id, s.unless_ended(asked).await?)?
        }
        here => here,
    };
    match killed {
        Killed::Done => Ok(()),
        Killed::Unknown => Err(unknown()),
        Killed::NotOwner => Err(RightsError::NotOwner { id }.into()),
    }
}

/// What the proxy said that gave the id.
fn elsewhere(id: u64, asked: Asked<Killed>) -> Result<Killed, Stop> {
    let Some(Heard { proxy, answer }) = asked.heard.into_iter().next() else {
        return match asked.stale {
            None => Ok(Killed::Unknown),
            Some(why) => Err(SessionError::ProxyUnknown { id, why }.into()),
        };
    };
    answer.map_err(|why| {
        let (proxy, why) = (proxy.name, why.to_string());
        SessionError::ProxySilent { id, proxy, why }.into()
    })
}
