//! Logging in to a shard: TLS, both password plugins, and what the proxy needs to know of the server.

use crate::account::{AccountId, AccountsOnShard};
use crate::conn::ConnClass;
use crate::error::ShardError;
use crate::net::NetStream;
use crate::timeouts::Timeouts;
use errors::AvailabilityError;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpStream;
use wire::auth::{native_scramble, rsa_encrypt_password, sha2_scramble};
use wire::caps::*;
use wire::command::query;
use wire::handshake::*;
use wire::packet::{Front, front, put_packet};
use wire::reply::ErrPacket;

/// Longest packet of the login.
const LOGIN_PACKET_MAX: usize = 1 << 20;
/// utf8mb4_general_ci: what a fresh connection of ours speaks.
const COLLATION: u16 = 45;
/// What `settings::Settings` takes a fresh connection to have.
const SET_NAMES: &str = "SET NAMES utf8mb4";
/// ER_NOT_SUPPORTED_YET.
const NOT_SUPPORTED: u16 = 1235;
/// Every variable of a session that can be set. ('*' would be those that servers change by themselves too, as
/// the GTID of each commit.)
const ALL_VARIABLES: &str = "(SELECT GROUP_CONCAT(VARIABLE_NAME) FROM information_schema.SYSTEM_VARIABLES \
     WHERE VARIABLE_SCOPE <> 'GLOBAL' AND READ_ONLY = 'NO' \
     AND VARIABLE_NAME NOT IN ('IDENTITY', 'LAST_INSERT_ID') AND VARIABLE_NAME NOT LIKE 'SESSION\\_TRACK%')";
/// What MySQL names when it changes: with '*' that would be a number of each statement too. Of others it says
/// that something changed.
const TRACKED_ON_MYSQL: &str = "autocommit,character_set_client,character_set_connection,\
     character_set_results,collation_connection,foreign_key_checks,sql_auto_is_null,sql_mode,time_zone,\
     transaction_isolation,transaction_read_only,unique_checks";

/// How to reach a shard and as whom.
#[derive(Clone)]
pub struct Login {
    /// The shard's name, for messages.
    pub shard: Arc<str>,
    /// Host of the primary.
    pub host: Arc<str>,
    /// Its port.
    pub port: u16,
    /// The proxy's account.
    pub user: Arc<str>,
    /// Its password.
    pub password: Arc<str>,
    /// Which of the process's accounts it is.
    pub account: AccountId,
    /// Accounts for the sets of rights of clients; `None` if the one named here serves them all.
    pub accounts: Option<Arc<AccountsOnShard>>,
    /// TLS, if it is to be used; then it is required.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// How long to wait for it.
    pub timeouts: Timeouts,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}@{}:{} ({})",
            self.user, self.host, self.port, self.shard
        )
    }
}

/// A stream that is logged in.
pub struct LoggedIn {
    /// The stream.
    pub stream: NetStream,
    /// The server's thread id, for KILL.
    pub thread_id: u32,
    /// The server's version text.
    pub version: String,
    /// Flags that both sides agreed on.
    pub capabilities: u64,
    /// It names every variable that changes.
    pub names_all_changes: bool,
}

impl Login {
    fn unreachable(&self, why: impl std::fmt::Display) -> ShardError {
        let why = format!("{}:{}: {why}", self.host, self.port);
        let shard = self.shard.to_string();
        AvailabilityError::Unreachable { shard, why }.into()
    }

    fn account_refused(&self, why: String) -> ShardError {
        let shard = self.shard.to_string();
        AvailabilityError::AccountRefused { shard, why }.into()
    }

    fn refused(&self, err: &ErrPacket) -> ShardError {
        let why = format!("{} ({})", err.message, err.code);
        match err.code {
            // Too many connections, host blocked: the account is not the problem.
            1040 | 1129 | 1203 => self.unreachable(why),
            _ => self.account_refused(why),
        }
    }

    /// The same shard, reached with another account of this process. Which user that is, is looked up when
    /// somebody connects.
    pub fn with_account(&self, account: AccountId) -> Login {
        Login {
            account,
            ..self.clone()
        }
    }

    /// With user and password of the account.
    fn named(&self) -> Result<Login, ShardError> {
        let wanted = Some(self.account).filter(|id| *id != AccountId::OWN);
        let Some((accounts, id)) = self.accounts.as_ref().zip(wanted) else {
            return Ok(self.clone());
        };
        let Some((user, password)) = accounts.get(id) else {
            return Err(
                self.unreachable("the account with these rights is not there yet; try again")
            );
        };
        Ok(Login {
            user,
            password,
            ..self.clone()
        })
    }

    /// Connects and logs in.
    pub async fn connect(&self, class: ConnClass) -> Result<LoggedIn, ShardError> {
        let limit = self.timeouts.connect;
        match tokio::time::timeout(limit, self.named()?.connect_now(class)).await {
            Ok(result) => result,
            Err(_) => Err(self.unreachable(format_args!(
                "no answer within {} ms (pool.connect_timeout_ms)",
                limit.as_millis()
            ))),
        }
    }

    async fn connect_now(&self, class: ConnClass) -> Result<LoggedIn, ShardError> {
        let tcp = TcpStream::connect((&*self.host, self.port)).await;
        let tcp = tcp.map_err(|e| self.unreachable(e))?;
        tcp.set_nodelay(true).map_err(|e| self.unreachable(e))?;
        let (keepalive, unacknowledged) = (self.timeouts.keepalive, self.timeouts.unacknowledged);
        crate::net::notice_silence(&tcp, keepalive, unacknowledged)
            .map_err(|e| self.unreachable(e))?;
        let mut wire = Wire {
            stream: NetStream::Tcp(tcp),
            inbuf: Vec::new(),
            seq: 0,
        };
        let first = wire.read(self).await?;
        if first.first() == Some(&0xff) {
            let err = ErrPacket::decode(&first).map_err(|e| self.unreachable(e))?;
            return Err(self.refused(&err));
        }
        let greeting = Greeting::decode(&first).map_err(|e| self.unreachable(e))?;
        let capabilities = class.capabilities(self.tls.is_some()) & greeting.capabilities;
        if self.tls.is_some() {
            self.start_tls(&mut wire, capabilities).await?;
        }
        self.respond(&mut wire, &greeting, capabilities).await?;
        let names_all_changes = self
            .begin_session(&mut wire, &greeting.version, capabilities)
            .await?;
        Ok(LoggedIn {
            names_all_changes,
            stream: wire.stream,
            thread_id: greeting.connection_id,
            version: greeting.version,
            capabilities,
        })
    }

    async fn start_tls(&self, wire: &mut Wire, capabilities: u64) -> Result<(), ShardError> {
        let Some(config) = &self.tls else {
            return Ok(());
        };
        if capabilities & CLIENT_SSL == 0 {
            return Err(self.unreachable("the server does not offer TLS, which is required"));
        }
        let mut out = Vec::new();
        put_ssl_request(&mut out, capabilities, u32::MAX, COLLATION);
        wire.write(self, &out).await?;
        let NetStream::Tcp(tcp) = std::mem::replace(&mut wire.stream, NetStream::Closed) else {
            return Err(self.unreachable("TLS twice"));
        };
        let name = rustls::pki_types::ServerName::try_from(self.host.to_string())
            .map_err(|e| self.unreachable(e))?;
        let tls = tokio_rustls::TlsConnector::from(config.clone())
            .connect(name, tcp)
            .await;
        let tls = tls.map_err(|e| self.unreachable(format_args!("TLS: {e}")))?;
        wire.stream = NetStream::Tls(Box::new(tls.into()));
        Ok(())
    }

    async fn respond(
        &self,
        wire: &mut Wire,
        greeting: &Greeting,
        capabilities: u64,
    ) -> Result<(), ShardError> {
        let mut plugin = greeting.plugin.clone();
        if plugin != CACHING_SHA2 {
            plugin = NATIVE.to_string();
        }
        let mut nonce = greeting.nonce.to_vec();
        let response = HandshakeResponse {
            capabilities,
            max_packet: 1 << 30,
            collation: COLLATION,
            user: self.user.to_string(),
            auth: self.scramble(&plugin, &nonce),
            database: None,
            plugin: Some(plugin.clone()),
            attributes: vec![("program_name".to_string(), "shardwright".to_string())],
        };
        let mut out = Vec::new();
        response.encode(&mut out);
        wire.write(self, &out).await?;
        loop {
            let packet = wire.read(self).await?;
            match packet.first() {
                Some(0x00) => return Ok(()),
                Some(0xff) => {
                    let err = ErrPacket::decode(&packet).map_err(|e| self.unreachable(e))?;
                    return Err(self.refused(&err));
                }
                Some(0xfe) => {
                    let switch = AuthSwitch::decode(&packet).map_err(|e| self.unreachable(e))?;
                    if switch.plugin != NATIVE && switch.plugin != CACHING_SHA2 {
                        let why = format!("it wants the unknown plugin {}", switch.plugin);
                        return Err(self.account_refused(why));
                    }
                    (plugin, nonce) = (switch.plugin, switch.nonce);
                    let answer = self.scramble(&plugin, &nonce);
                    wire.write(self, &answer).await?;
                }
                Some(0x01) if packet.get(1) == Some(&3) => {}
                Some(0x01) if packet.get(1) == Some(&4) => self.full(wire, &nonce).await?,
                _ => return Err(self.unreachable("an unknown packet during login")),
            }
        }
    }

    /// The server's own default collation of utf8mb4, as a client's SET NAMES would choose it (the number
    /// in the handshake means another collation on MySQL 8 and newer MariaDB servers), and what the server
    /// is to report of changes of the session.
    ///
    /// True if it names every variable that changes.
    async fn begin_session(
        &self,
        wire: &mut Wire,
        version: &str,
        capabilities: u64,
    ) -> Result<bool, ShardError> {
        let first = first_settings(version, capabilities);
        match self.set(wire, &first).await? {
            None => Ok(can_name_all(version, capabilities)),
            // A proxy in place of a server tells of changes by itself.
            Some(err) if err.code == NOT_SUPPORTED => match self.set(wire, SET_NAMES).await? {
                None => Ok(false),
                Some(err) => Err(self.refused(&err)),
            },
            Some(err) => Err(self.refused(&err)),
        }
    }

    /// Runs a SET; the error, if the server refuses it.
    async fn set(&self, wire: &mut Wire, text: &str) -> Result<Option<ErrPacket>, ShardError> {
        wire.seq = 1;
        let mut out = Vec::new();
        query::put(&mut out, &[text.as_bytes()]);
        wire.send(self, &out).await?;
        let packet = wire.read(self).await?;
        match packet.first() {
            Some(0x00) => Ok(None),
            _ => ErrPacket::decode(&packet)
                .map(Some)
                .map_err(|e| self.unreachable(e)),
        }
    }

    fn scramble(&self, plugin: &str, nonce: &[u8]) -> Vec<u8> {
        match plugin {
            CACHING_SHA2 => sha2_scramble(self.password.as_bytes(), nonce),
            _ => native_scramble(self.password.as_bytes(), nonce),
        }
    }

    /// caching_sha2_password wants the password itself: over TLS, or encrypted with its RSA key.
    async fn full(&self, wire: &mut Wire, nonce: &[u8]) -> Result<(), ShardError> {
        if self.tls.is_some() {
            let mut text = self.password.as_bytes().to_vec();
            text.push(0);
            return wire.write(self, &text).await;
        }
        wire.write(self, &[2]).await?;
        let packet = wire.read(self).await?;
        let pem = packet.strip_prefix(&[1]).unwrap_or(&packet);
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem)
            .map_err(|e| self.unreachable(format_args!("the server's RSA key: {e}")))?;
        let cipher = rsa_encrypt_password(key.as_ref(), self.password.as_bytes(), nonce)
            .map_err(|e| self.unreachable(e))?;
        wire.write(self, &cipher).await
    }
}

/// True if a server can be told to name every variable that changes: it lists them itself.
fn can_name_all(version: &str, capabilities: u64) -> bool {
    let flavor = sql::Flavor::from_version(version);
    capabilities & CLIENT_SESSION_TRACK != 0 && flavor.mariadb && flavor.version >= 100_200
}

/// The SET that makes a fresh connection one of ours. Servers before MariaDB 10.2 and MySQL 5.7 report
/// nothing.
fn first_settings(version: &str, capabilities: u64) -> String {
    if capabilities & CLIENT_SESSION_TRACK == 0 {
        return SET_NAMES.to_string();
    }
    let (head, names) = match can_name_all(version, capabilities) {
        true => (
            "SET STATEMENT group_concat_max_len = 65536 FOR ",
            ALL_VARIABLES.to_string(),
        ),
        false => ("", format!("'{TRACKED_ON_MYSQL}'")),
    };
    format!(
        "{head}{SET_NAMES}, SESSION session_track_system_variables = {names}, \
         SESSION session_track_state_change = ON, SESSION session_track_transaction_info = 'OFF'"
    )
}

/// Packets of the login, one at a time.
struct Wire {
    stream: NetStream,
    inbuf: Vec<u8>,
    seq: u8,
}

impl Wire {
    async fn read(&mut self, login: &Login) -> Result<Vec<u8>, ShardError> {
        loop {
            let found = front(&self.inbuf, self.seq, LOGIN_PACKET_MAX);
            if let Front::Whole {
                payload,
                consumed,
                seq,
            } = found.map_err(|e| login.unreachable(e))?
            {
                let out = self.inbuf[payload].to_vec();
                self.inbuf.drain(..consumed);
                self.seq = seq.wrapping_add(1);
                return Ok(out);
            }
            let mut buf = [0; 2048];
            let n = poll_fn(|cx| self.stream.poll_read(cx, &mut buf)).await;
            match n.map_err(|e| login.unreachable(e))? {
                0 => return Err(login.unreachable("the server closed the connection during login")),
                n => self.inbuf.extend_from_slice(&buf[..n]),
            }
        }
    }

    async fn write(&mut self, login: &Login, payload: &[u8]) -> Result<(), ShardError> {
        let mut out = Vec::new();
        put_packet(&mut out, &mut self.seq, payload);
        self.send(login, &out).await
    }

    /// Sends packets.
    async fn send(&mut self, login: &Login, out: &[u8]) -> Result<(), ShardError> {
        let mut at = 0;
        poll_fn(|cx| {
            while at < out.len() {
                match self.stream.poll_write(cx, &out[at..]) {
                    Poll::Ready(Ok(n)) => at += n,
                    Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            self.stream.poll_flush(cx)
        })
        .await
        .map_err(|e| login.unreachable(e))
    }
}
