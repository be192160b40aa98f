//! COM_CHANGE_USER: a new login on the same connection.

use crate::auth::handshake::{authenticate, nonce};
use crate::command::malformed;
use crate::session::settings::check_collation;
use crate::session::{Done, Outcome, Session, Stop, err_packet};
use errors::LoginError;
use wire::command::change_user;
use wire::handshake::{AuthSwitch, NATIVE};

/// Longest answer to the switch of the authentication plugin.
const AUTH_BYTES_MAX: usize = 4096;

/// Logs another user in.
pub(super) async fn run(s: &mut Session, body: &[u8]) -> Done {
    let response = change_user::decode(body, s.io.capabilities);
    let mut response = response.map_err(|_| malformed())?;
    s.branches.rollback_all().await;
    let shared = s.worker.shared.clone();
    // The nonce of the greeting is gone by now: give a new one with an auth switch.
    let over_tls = matches!(s.io.stream, shard::NetStream::Tls(_));
    let user = shared.users.find(&response.user, &shared.catalog());
    let user = user.unwrap_or_default();
    let plugin = user.plugin(response.plugin.as_deref().unwrap_or(NATIVE));
    let nonce = nonce().map_err(|_| LoginError::NoRandomNumbers)?;
    let switch = AuthSwitch {
        plugin: plugin.to_string(),
        nonce: nonce.to_vec(),
    };
    s.io.put_with(|b| switch.encode(b));
    s.io.flush().await.map_err(|_| Stop::Gone)?;
    let (seq, limit) = (s.io.seq, s.io.read_timeout);
    let io = &mut s.io;
    // The client may say nothing more.
    let login = async {
        let answer = io.payload(seq, AUTH_BYTES_MAX).await;
        response.auth = answer.map_err(|_| None)?;
        response.plugin = Some(plugin.to_string());
        authenticate(io, &shared, &response, &nonce, plugin, over_tls).await
    };
    let who = tokio::time::timeout(limit, login).await;
    let checked = |user| match check_collation(response.collation) {
        Ok(()) => Ok(user),
        Err(e) => Err(Some(e.into())),
    };
    let user = match who.unwrap_or(Err(None)).and_then(checked) {
        Ok(user) => user,
        Err(refused) => {
            if let Some(error) = refused {
                s.io.put_err(&err_packet(&error));
                let _ = s.io.flush().await;
            }
            return Err(Stop::Gone);
        }
    };
    s.reset().await;
    s.io.user = user.clone();
    let client = &mut s.client;
    client.user = user;
    client.database = None;
    client.info.set_identity(&client.user.name, None);
    if response.collation != 0 {
        client.settings.set_collation(&s.worker, response.collation);
    }
    if let Some(db) = &response.database {
        client.use_database(&s.worker, db)?;
    }
    client.rights_of = None;
    s.put_ok_with_database(0);
    Ok(Outcome::quiet())
}
