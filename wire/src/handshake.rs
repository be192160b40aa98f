//! The connection phase: greeting, TLS request, handshake response, auth switch.
//!
//! Source: MySQL "Connection Phase Packets". Both directions exist, because the proxy is a server to
//! its clients and a client to its shards.

use crate::caps::*;
use crate::read::{Malformed, Reader, put_lenenc_bytes};

/// mysql_native_password.
pub const NATIVE: &str = "mysql_native_password";
/// caching_sha2_password.
pub const CACHING_SHA2: &str = "caching_sha2_password";
/// Attribute bytes that a client may send.
const ATTRIBUTES_BYTES_MAX: usize = 65_536;

/// Protocol::HandshakeV10, the first packet of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Version text, as SELECT VERSION() gives it (MariaDB may prefix "5.5.5-").
    pub version: String,
    /// Thread id of the connection.
    pub connection_id: u32,
    /// 20 random bytes.
    pub nonce: [u8; 20],
    /// CLIENT_* flags.
    pub capabilities: u64,
    /// Default collation number.
    pub collation: u8,
    /// SERVER_STATUS_* flags.
    pub status: u16,
    /// Name of the default plugin.
    pub plugin: String,
}

impl Greeting {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(10);
        out.extend_from_slice(self.version.as_bytes());
        out.push(0);
        out.extend_from_slice(&self.connection_id.to_le_bytes());
        out.extend_from_slice(&self.nonce[..8]);
        out.push(0);
        out.extend_from_slice(&(self.capabilities as u16).to_le_bytes());
        out.push(self.collation);
        out.extend_from_slice(&self.status.to_le_bytes());
        out.extend_from_slice(&((self.capabilities >> 16) as u16).to_le_bytes());
        out.push(21);
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&extended(self.capabilities).to_le_bytes());
        out.extend_from_slice(&self.nonce[8..]);
        out.push(0);
        out.extend_from_slice(self.plugin.as_bytes());
        out.push(0);
    }

    /// Reads the payload of a server's first packet.
    pub fn decode(payload: &[u8]) -> Result<Greeting, Malformed> {
        let mut r = Reader::new(payload);
        if r.u8("protocol version")? != 10 {
            return Err(Malformed("protocol version is not 10"));
        }
        let version = String::from_utf8_lossy(r.null_bytes("server version")?).into_owned();
        let connection_id = r.u32("connection id")?;
        let mut nonce = [0; 20];
        nonce[..8].copy_from_slice(r.bytes(8, "nonce")?);
        r.u8("filler")?;
        let low = r.u16("capabilities")?;
        let collation = r.u8("collation")?;
        let status = r.u16("status")?;
        let high = r.u16("capabilities")?;
        let capabilities = u64::from(low) | u64::from(high) << 16;
        let nonce_len = usize::from(r.u8("nonce length")?);
        r.bytes(6, "reserved")?;
        let capabilities = with_extended(capabilities, r.u32("MariaDB's capabilities")?);
        let second = r.bytes(nonce_len.saturating_sub(8).max(13), "nonce")?;
        nonce[8..].copy_from_slice(&second[..12]);
        let plugin = match capabilities & CLIENT_PLUGIN_AUTH {
            0 => NATIVE.to_string(),
            _ => String::from_utf8_lossy(r.null_bytes("plugin").unwrap_or(r.rest())).into_owned(),
        };
        Ok(Greeting {
            version,
            connection_id,
            nonce,
            capabilities,
            collation,
            status,
            plugin,
        })
    }
}

/// What a client sends back: Protocol::HandshakeResponse41.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HandshakeResponse {
    /// CLIENT_* flags of the client.
    pub capabilities: u64,
    /// The longest packet that the client takes.
    pub max_packet: u32,
    /// Collation number (two bytes are sent by some drivers, in the filler).
    pub collation: u16,
    /// User name.
    pub user: String,
    /// Answer to the nonce.
    pub auth: Vec<u8>,
    /// Database to use.
    pub database: Option<String>,
    /// Plugin that made `auth`.
    pub plugin: Option<String>,
    /// Connection attributes, bounded.
    pub attributes: Vec<(String, String)>,
}

/// The first packet of a client: it wants TLS first, or it answers at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstPacket {
    /// Protocol::SSLRequest.
    Tls {
        /// CLIENT_* flags.
        capabilities: u64,
    },
    /// Protocol::HandshakeResponse41.
    Response(HandshakeResponse),
}

impl FirstPacket {
    /// Reads the first packet. A client without the 4.1 protocol is an error.
    pub fn decode(payload: &[u8]) -> Result<FirstPacket, Malformed> {
        let capabilities = u64::from(Reader::new(payload).u32("capabilities")?);
        if capabilities & CLIENT_PROTOCOL_41 == 0 {
            return Err(Malformed("client protocol older than 4.1"));
        }
        if payload.len() == 32 && capabilities & CLIENT_SSL != 0 {
            return Ok(FirstPacket::Tls { capabilities });
        }
        HandshakeResponse::decode(payload).map(FirstPacket::Response)
    }
}

/// MariaDB's own flags as they travel: in bytes that are filler to everybody else.
fn extended(capabilities: u64) -> u32 {
    match capabilities & CLIENT_MYSQL {
        0 => (capabilities >> 32) as u32,
        _ => 0,
    }
}

/// The flags with MariaDB's own, which are there if their sender does not say that it is MySQL.
fn with_extended(capabilities: u64, extended: u32) -> u64 {
    match capabilities & CLIENT_MYSQL {
        0 => capabilities | u64::from(extended) << 32,
        _ => capabilities,
    }
}

pub(crate) fn text(bytes: &[u8], what: &'static str) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed(what))
}

impl HandshakeResponse {
    /// Reads the payload.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(payload);
        let capabilities = u64::from(r.u32("capabilities")?);
        let max_packet = r.u32("max packet")?;
        let collation = u16::from(r.u8("collation")?);
        r.bytes(19, "filler")?;
        let capabilities = with_extended(capabilities, r.u32("MariaDB's capabilities")?);
        let user = text(r.null_bytes("user name")?, "user name is not utf-8")?;
        let auth = if capabilities & CLIENT_PLUGIN_AUTH_LENENC != 0 {
            r.lenenc_bytes("auth response")?.to_vec()
        } else if capabilities & CLIENT_SECURE_CONNECTION != 0 {
            let n = r.u8("auth response length")?;
            r.bytes(n.into(), "auth response")?.to_vec()
        } else {
            r.null_bytes("auth response")?.to_vec()
        };
        let mut database = None;
        if capabilities & CLIENT_CONNECT_WITH_DB != 0 && !r.is_empty() {
            let name = text(r.null_bytes("database")?, "database name is not utf-8")?;
            database = Some(name).filter(|n| !n.is_empty());
        }
        let mut plugin = None;
        if capabilities & CLIENT_PLUGIN_AUTH != 0 && !r.is_empty() {
            let bytes = r
                .null_bytes("plugin")
                .or_else(|_| r.bytes(r.rest().len(), "plugin"))?;
            plugin = Some(text(bytes, "plugin name is not utf-8")?);
        }
        let mut attributes = Vec::new();
        if capabilities & CLIENT_CONNECT_ATTRS != 0 && !r.is_empty() {
            attributes = decode_attributes(&mut r)?;
        }
        Ok(Self {
            capabilities,
            max_packet,
            collation,
            user,
            auth,
            database,
            plugin,
            attributes,
        })
    }

    /// Appends the payload (auth response with a length-encoded length).
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_prefix(out, self.capabilities, self.max_packet, self.collation);
        out.extend_from_slice(self.user.as_bytes());
        out.push(0);
        if self.capabilities & CLIENT_PLUGIN_AUTH_LENENC != 0 {
            put_lenenc_bytes(out, &self.auth);
        } else {
            out.push(self.auth.len().min(255) as u8);
            out.extend_from_slice(&self.auth[..self.auth.len().min(255)]);
        }
        if let Some(db) = &self.database {
            out.extend_from_slice(db.as_bytes());
            out.push(0);
        }
        if let Some(plugin) = &self.plugin {
            out.extend_from_slice(plugin.as_bytes());
            out.push(0);
        }
        if self.capabilities & CLIENT_CONNECT_ATTRS != 0 {
            let mut all = Vec::new();
            for (k, v) in &self.attributes {
                put_lenenc_bytes(&mut all, k.as_bytes());
                put_lenenc_bytes(&mut all, v.as_bytes());
            }
            put_lenenc_bytes(out, &all);
        }
    }
}

pub(crate) fn decode_attributes(r: &mut Reader<'_>) -> Result<Vec<(String, String)>, Malformed> {
    let all = r.lenenc_bytes("connection attributes")?;
    if all.len() > ATTRIBUTES_BYTES_MAX {
        return Err(Malformed("connection attributes above 64 KiB"));
    }
    let mut inner = Reader::new(all);
    let mut out = Vec::new();
    while !inner.is_empty() {
        let k = inner.lenenc_bytes("attribute name")?;
        let v = inner.lenenc_bytes("attribute value")?;
        out.push((
            String::from_utf8_lossy(k).into_owned(),
            String::from_utf8_lossy(v).into_owned(),
        ));
    }
    Ok(out)
}

fn put_prefix(out: &mut Vec<u8>, capabilities: u64, max_packet: u32, collation: u16) {
    out.extend_from_slice(&(capabilities as u32).to_le_bytes());
    out.extend_from_slice(&max_packet.to_le_bytes());
    out.push(collation as u8);
    out.extend_from_slice(&[0; 19]);
    out.extend_from_slice(&extended(capabilities).to_le_bytes());
}

/// Appends the payload of an SSLRequest.
pub fn put_ssl_request(out: &mut Vec<u8>, capabilities: u64, max_packet: u32, collation: u16) {
    put_prefix(out, capabilities, max_packet, collation);
}

/// Protocol::AuthSwitchRequest: use another plugin, with this nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthSwitch {
    /// The plugin.
    pub plugin: String,
    /// Its nonce, without the trailing zero.
    pub nonce: Vec<u8>,
}

impl AuthSwitch {
    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(0xfe);
        out.extend_from_slice(self.plugin.as_bytes());
        out.push(0);
        out.extend_from_slice(&self.nonce);
        out.push(0);
    }

    /// Reads the payload; an empty one is the old switch to mysql_old_password, an error here.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(payload);
        if r.u8("auth switch")? != 0xfe || r.is_empty() {
            return Err(Malformed("auth switch to the pre-4.1 password"));
        }
        let plugin = String::from_utf8_lossy(r.null_bytes("plugin")?).into_owned();
        let nonce = r.rest().strip_suffix(&[0]).unwrap_or(r.rest()).to_vec();
        Ok(Self { plugin, nonce })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting() -> Greeting {
        Greeting {
            version: "10.11.6-MariaDB".into(),
            connection_id: 7,
            nonce: *b"abcdefghijklmnopqrst",
            capabilities: 0x1d_81ff_f7fe,
            collation: 45,
            status: 2,
            plugin: NATIVE.into(),
        }
    }

    #[test]
    fn greeting_round_trips() {
        let mut out = Vec::new();
        greeting().encode(&mut out);
        assert_eq!(Greeting::decode(&out), Ok(greeting()));
        for n in 0..out.len() - NATIVE.len() - 1 {
            assert!(Greeting::decode(&out[..n]).is_err(), "cut at {n}");
        }
    }

    #[test]
    fn response_round_trips_and_cuts_are_errors() {
        let r = HandshakeResponse {
            capabilities: CLIENT_PROTOCOL_41
                | MARIADB_CLIENT_EXTENDED_METADATA
                | CLIENT_PLUGIN_AUTH_LENENC
                | CLIENT_CONNECT_WITH_DB
                | CLIENT_PLUGIN_AUTH
                | CLIENT_CONNECT_ATTRS,
            max_packet: 1 << 24,
            collation: 45,
            user: "root".into(),
            auth: vec![1; 20],
            database: Some("shop".into()),
            plugin: Some(NATIVE.into()),
            attributes: vec![("_pid".into(), "1".into())],
        };
        let mut out = Vec::new();
        r.encode(&mut out);
        assert_eq!(FirstPacket::decode(&out), Ok(FirstPacket::Response(r)));
        for n in 0..58 {
            assert!(FirstPacket::decode(&out[..n]).is_err(), "cut at {n}");
        }
    }

    #[test]
    fn auth_switch_round_trips() {
        let s = AuthSwitch {
            plugin: CACHING_SHA2.into(),
            nonce: vec![5; 20],
        };
        let mut out = Vec::new();
        s.encode(&mut out);
        assert_eq!(AuthSwitch::decode(&out), Ok(s));
        assert!(AuthSwitch::decode(&[0xfe]).is_err());
    }
}
