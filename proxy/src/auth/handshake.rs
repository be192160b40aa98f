//! A client logs in: greeting, TLS, password, and later COM_CHANGE_USER.

use crate::auth::rights::{may_use, no_entry};
use crate::auth::users::{LoginUser, Verdict};
use crate::metrics::count;
use crate::registry::Entered;
use crate::server::Shared;
use crate::session::client_io::{ClientIo, ReadEnd};
use crate::session::settings::check_collation;
use errors::{ClientError, LoginError};
use shard::NetStream;
use std::sync::Arc;
use wire::caps::*;
use wire::handshake::*;
use wire::reply::OkPacket;

/// Longest packet before a client is logged in.
const LOGIN_PACKET_MAX: usize = 64 * 1024;

/// Flags that the proxy offers, besides CLIENT_SSL.
const OFFERED: u64 = CLIENT_MYSQL
    | CLIENT_FOUND_ROWS
    | CLIENT_LONG_FLAG
    | CLIENT_CONNECT_WITH_DB
    | CLIENT_COMPRESS
    | CLIENT_LOCAL_FILES
    | CLIENT_PROTOCOL_41
    | CLIENT_INTERACTIVE
    | CLIENT_TRANSACTIONS
    | CLIENT_SECURE_CONNECTION
    | CLIENT_MULTI_STATEMENTS
    | CLIENT_MULTI_RESULTS
    | CLIENT_PS_MULTI_RESULTS
    | CLIENT_PLUGIN_AUTH
    | CLIENT_CONNECT_ATTRS
    | CLIENT_PLUGIN_AUTH_LENENC
    | CLIENT_SESSION_TRACK
    | CLIENT_DEPRECATE_EOF;

/// Flags of MariaDB's own that it offers where the shards are MariaDB.
const OFFERED_MARIADB: u64 = MARIADB_CLIENT_STMT_BULK_OPERATIONS | MARIADB_CLIENT_EXTENDED_METADATA;

/// Everything that is offered to clients of shards with this version, but CLIENT_SSL.
fn offered(version: &str) -> u64 {
    match version.contains("MariaDB") {
        // Who says that it is MySQL has none of the others.
        true => OFFERED & !CLIENT_MYSQL | OFFERED_MARIADB,
        false => OFFERED,
    }
}

/// Who logged in, and with what.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    /// The user.
    pub user: Arc<LoginUser>,
    /// Database asked for.
    pub database: Option<String>,
    /// Collation number of the client.
    pub collation: u16,
}

/// Why a client is not let in; `None` if it just went away.
pub(crate) type Refused = Option<ClientError>;

fn gone(e: ReadEnd) -> Refused {
    match e {
        ReadEnd::Gone => None,
        ReadEnd::Bad(e) | ReadEnd::BadFrame(e) => Some(e.into()),
    }
}

fn malformed(e: wire::Malformed) -> Refused {
    let detail = e.to_string();
    Some(LoginError::BadHandshake { detail }.into())
}

/// 20 random bytes that are neither 0 nor '$', as the server makes them.
pub(crate) fn nonce() -> Result<[u8; 20], Refused> {
    let mut out = [0; 20];
    let failed = |_| Some(LoginError::NoRandomNumbers.into());
    aws_lc_rs::rand::fill(&mut out).map_err(failed)?;
    out.iter_mut().for_each(|b| *b = b'!' + *b % 93);
    out.iter_mut()
        .filter(|b| **b == b'$')
        .for_each(|b| *b = b'%');
    Ok(out)
}

/// Lets a client in, up to and including the OK packet (not yet flushed).
pub(crate) async fn log_in(
    io: &mut ClientIo,
    shared: &Shared,
    entered: &Entered,
) -> Result<LoggedIn, Refused> {
    let nonce = nonce()?;
    let tls = if shared.tls.is_some() { CLIENT_SSL } else { 0 };
    let local = if shared.config.local_infile {
        0
    } else {
        CLIENT_LOCAL_FILES
    };
    let version = shared.greeting_version();
    let greeting = Greeting {
        capabilities: (offered(&version) | tls) & !local,
        version,
        connection_id: entered.info.id,
        nonce,
        collation: 45,
        status: SERVER_STATUS_AUTOCOMMIT,
        plugin: shared.default_plugin().to_string(),
    };
    io.put_with(|b| greeting.encode(b));
    io.flush().await.map_err(|_| None)?;
    let mut first = io
        .payload_exactly(io.seq, LOGIN_PACKET_MAX)
        .await
        .map_err(gone)?;
    let mut over_tls = false;
    if let FirstPacket::Tls { .. } = FirstPacket::decode(&first).map_err(malformed)? {
        start_tls(io, shared).await?;
        over_tls = true;
        first = io.payload(io.seq, LOGIN_PACKET_MAX).await.map_err(gone)?;
    }
    let FirstPacket::Response(response) = FirstPacket::decode(&first).map_err(malformed)? else {
        return Err(malformed(wire::Malformed("TLS was asked for twice")));
    };
    io.capabilities = response.capabilities & greeting.capabilities;
    if shared.config.require_tls && !over_tls {
        return Err(Some(LoginError::InsecureTransport.into()));
    }
    let user = authenticate(io, shared, &response, &nonce, &greeting.plugin, over_tls).await?;
    let max = shared.config.connections_per_user_max;
    if !entered.is_one_of(&user.name, max) {
        let user = user.name.clone();
        return Err(Some(LoginError::TooManyOfUser { user, max }.into()));
    }
    check_collation(response.collation).map_err(|e| Some(e.into()))?;
    if let Some(database) = &response.database {
        check_database(shared, &user, database)?;
    }
    io.put_ok(&OkPacket {
        status: SERVER_STATUS_AUTOCOMMIT,
        ..Default::default()
    });
    io.flush().await.map_err(|_| None)?;
    if io.capabilities & CLIENT_COMPRESS != 0 {
        io.compress();
    }
    Ok(LoggedIn {
        user,
        database: response.database,
        collation: response.collation,
    })
}

async fn start_tls(io: &mut ClientIo, shared: &Shared) -> Result<(), Refused> {
    let Some(config) = &shared.tls else {
        return Err(malformed(wire::Malformed("TLS is not configured")));
    };
    // Bytes sent in clear behind the request must not count as if they came over TLS.
    if io.has_input() {
        return Err(malformed(wire::Malformed(
            "bytes behind the request for TLS",
        )));
    }
    let NetStream::Tcp(tcp) = std::mem::replace(&mut io.stream, NetStream::Closed) else {
        return Err(None);
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(config.clone());
    let stream = acceptor.accept(tcp).await.map_err(|_| None)?;
    io.stream = NetStream::Tls(Box::new(stream.into()));
    Ok(())
}

/// A login names a database that is not there, or not for this user.
fn check_database(shared: &Shared, user: &LoginUser, database: &str) -> Result<(), Refused> {
    let catalog = shared.catalog();
    if user.is_of_cluster() {
        let known = catalog.users.get(&user.name);
        if !known.is_some_and(|u| may_use(u, database)) {
            return Err(Some(no_entry(&user.name, database)));
        }
    }
    if catalog.databases.contains_key(database) || router::scope::is_system_schema(database) {
        return Ok(());
    }
    Err(Some(ClientError::unknown_database(database)))
}

fn denied(user: &str, with_password: bool) -> Refused {
    let user = user.to_string();
    let using_password = if with_password { "YES" } else { "NO" };
    Some(
        LoginError::AccessDenied {
            user,
            using_password,
        }
        .into(),
    )
}

/// Checks the password in `response`, switching the plugin if need be.
pub(crate) async fn authenticate(
    io: &mut ClientIo,
    shared: &Shared,
    response: &HandshakeResponse,
    nonce: &[u8; 20],
    greeted_with: &str,
    over_tls: bool,
) -> Result<Arc<LoginUser>, Refused> {
    // An unknown user goes through the same steps as a known one with a wrong password.
    let known = shared.users.find(&response.user, &shared.catalog());
    let user = known.clone().unwrap_or_default();
    let asked = response.plugin.as_deref().unwrap_or(greeted_with);
    let plugin = user.plugin(asked);
    let mut answer = response.auth.clone();
    let mut nonce = *nonce;
    // A client without the plugin it was greeted with names its own, and waits to be asked for it.
    let unanswered = asked != greeted_with && answer.is_empty() && !user.without_password();
    if plugin != asked || unanswered {
        nonce = self::nonce()?;
        let switch = AuthSwitch {
            plugin: plugin.to_string(),
            nonce: nonce.to_vec(),
        };
        io.put_with(|b| switch.encode(b));
        io.flush().await.map_err(|_| None)?;
        answer = io.payload(io.seq, LOGIN_PACKET_MAX).await.map_err(gone)?;
    }
    // Some clients send a lone zero byte for no password.
    let answer: &[u8] = if answer == [0] { &[] } else { &answer };
    let mut verdict = user.check(plugin, &nonce, answer);
    if verdict == Verdict::Accepted && plugin == CACHING_SHA2 && !answer.is_empty() {
        io.put(&[1, 3]);
    }
    if verdict == Verdict::NeedsPassword {
        let password = full_password(io, shared, &nonce, over_tls).await?;
        let checked = user.clone();
        let ok = tokio::task::spawn_blocking(move || checked.check_password(&password)).await;
        verdict = if ok.unwrap_or(false) {
            Verdict::Accepted
        } else {
            Verdict::Rejected
        };
    }
    match (known, verdict) {
        (Some(user), Verdict::Accepted) => Ok(user),
        _ => {
            count(&shared.metrics.logins_refused);
            Err(denied(&response.user, !answer.is_empty()))
        }
    }
}

/// The password itself: in clear over TLS, else encrypted with the RSA key. In clear over a plain
/// socket it is refused (some clients would send it).
async fn full_password(
    io: &mut ClientIo,
    shared: &Shared,
    nonce: &[u8; 20],
    over_tls: bool,
) -> Result<Vec<u8>, Refused> {
    io.put(&[1, 4]);
    io.flush().await.map_err(|_| None)?;
    let answer = io.payload(io.seq, LOGIN_PACKET_MAX).await.map_err(gone)?;
    if over_tls {
        return Ok(answer.strip_suffix(&[0]).unwrap_or(&answer).to_vec());
    }
    if answer != [2] {
        return Err(Some(LoginError::NeedsTlsOrKey.into()));
    }
    let key = shared.rsa_key().await.ok_or(None)?;
    let mut pem = vec![1];
    pem.extend_from_slice(public_pem(key.public_der()).as_bytes());
    io.put(&pem);
    io.flush().await.map_err(|_| None)?;
    let cipher = io.payload(io.seq, LOGIN_PACKET_MAX).await.map_err(gone)?;
    let bad = |_| Some(LoginError::UnreadablePassword.into());
    key.decrypt_password(&cipher, nonce).map_err(bad)
}

fn public_pem(der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str("-----END PUBLIC KEY-----\n");
    out
}
