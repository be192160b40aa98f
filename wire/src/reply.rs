//! OK, ERR and EOF packets, both ways.
//!
//! Source: MySQL "Generic Response Packets".

use crate::caps::*;
use crate::read::{Malformed, Reader, put_lenenc, put_lenenc_bytes};

/// An OK packet (header 0x00, or 0xfe at the end of a result set).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OkPacket {
    /// Rows changed.
    pub affected_rows: u64,
    /// First generated AUTO_INCREMENT value, 0 if none.
    pub last_insert_id: u64,
    /// SERVER_STATUS_* flags.
    pub status: u16,
    /// Warnings of the statement.
    pub warnings: u16,
    /// Human-readable text ("Rows matched: 1 ...").
    pub info: Vec<u8>,
    /// Raw session state changes, present only with SERVER_SESSION_STATE_CHANGED.
    pub session_state: Vec<u8>,
}

impl OkPacket {
    /// Reads a payload; `session_track` tells whether the peer speaks CLIENT_SESSION_TRACK.
    pub fn decode(payload: &[u8], session_track: bool) -> Result<Self, Malformed> {
        let mut r = Reader::new(payload);
        r.u8("OK header")?;
        let affected_rows = r.lenenc("affected rows")?;
        let last_insert_id = r.lenenc("last insert id")?;
        let status = r.u16("status")?;
        let warnings = r.u16("warnings")?;
        let mut out = Self {
            affected_rows,
            last_insert_id,
            status,
            warnings,
            ..Default::default()
        };
        if session_track && !r.is_empty() {
            out.info = r.lenenc_bytes("info")?.to_vec();
            if status & SERVER_SESSION_STATE_CHANGED != 0 && !r.is_empty() {
                out.session_state = r.lenenc_bytes("session state")?.to_vec();
            }
        } else {
            // MariaDB writes the info with a length even without session tracking.
            out.info = match r.lenenc_bytes("info") {
                Ok(info) if r.is_empty() => info.to_vec(),
                _ => Vec::new(),
            };
        }
        Ok(out)
    }

    /// Appends the payload with `header` 0x00 or 0xfe, for a client with these capabilities.
    pub fn encode(&self, out: &mut Vec<u8>, header: u8, capabilities: u64) {
        let track = capabilities & CLIENT_SESSION_TRACK != 0;
        let changed = track && !self.session_state.is_empty();
        let mut status = self.status & !SERVER_SESSION_STATE_CHANGED;
        if changed {
            status |= SERVER_SESSION_STATE_CHANGED;
        }
        out.push(header);
        put_lenenc(out, self.affected_rows);
        put_lenenc(out, self.last_insert_id);
        out.extend_from_slice(&status.to_le_bytes());
        out.extend_from_slice(&self.warnings.to_le_bytes());
        if changed || !self.info.is_empty() {
            put_lenenc_bytes(out, &self.info);
        }
        if changed {
            put_lenenc_bytes(out, &self.session_state);
        }
    }
}

/// An ERR packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrPacket {
    /// MySQL error code.
    pub code: u16,
    /// Five characters.
    pub sqlstate: [u8; 5],
    /// Text for people.
    pub message: String,
}

impl ErrPacket {
    /// An error with its SQLSTATE (a wrong length becomes HY000).
    pub fn new(code: u16, sqlstate: &str, message: impl Into<String>) -> Self {
        let sqlstate = sqlstate.as_bytes().try_into().unwrap_or(*b"HY000");
        Self {
            code,
            sqlstate,
            message: message.into(),
        }
    }

    /// Reads a payload, with or without the SQLSTATE (servers leave it out before authentication).
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(payload);
        r.u8("ERR header")?;
        let code = r.u16("error code")?;
        let mut sqlstate = *b"HY000";
        if r.rest().first() == Some(&b'#') && r.rest().len() >= 6 {
            sqlstate.copy_from_slice(&r.bytes(6, "sqlstate")?[1..]);
        }
        let message = String::from_utf8_lossy(r.rest()).into_owned();
        Ok(Self {
            code,
            sqlstate,
            message,
        })
    }

    /// Appends the payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(0xff);
        out.extend_from_slice(&self.code.to_le_bytes());
        out.push(b'#');
        out.extend_from_slice(&self.sqlstate);
        out.extend_from_slice(self.message.as_bytes());
    }
}

/// Appends the payload of an EOF packet.
pub fn put_eof(out: &mut Vec<u8>, warnings: u16, status: u16) {
    out.push(0xfe);
    out.extend_from_slice(&warnings.to_le_bytes());
    out.extend_from_slice(&status.to_le_bytes());
}

/// Reads an EOF payload: warnings and status.
pub fn decode_eof(payload: &[u8]) -> Result<(u16, u16), Malformed> {
    let mut r = Reader::new(payload);
    r.u8("EOF header")?;
    Ok((r.u16("warnings")?, r.u16("status")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_round_trips_with_and_without_tracking() {
        let mut ok = OkPacket {
            affected_rows: 3,
            last_insert_id: 70_000,
            status: 2,
            warnings: 1,
            info: b"Rows matched: 3".to_vec(),
            session_state: Vec::new(),
        };
        let mut out = Vec::new();
        ok.encode(&mut out, 0, 0);
        assert_eq!(OkPacket::decode(&out, false), Ok(ok.clone()));
        crate::session_state::put_database(&mut ok.session_state, b"shop");
        ok.status |= SERVER_SESSION_STATE_CHANGED;
        out.clear();
        ok.encode(&mut out, 0, CLIENT_SESSION_TRACK);
        assert_eq!(OkPacket::decode(&out, true), Ok(ok));
    }

    #[test]
    fn captured_mariadb_ok() {
        // MariaDB 10.11, UPDATE of one row: the info has a length byte.
        let bytes = b"\x00\x01\x00\x02\x00\x00\x00\x28Rows matched: 1  Changed: 1  Warnings: 0";
        let ok = OkPacket::decode(bytes, false).unwrap();
        assert_eq!((ok.affected_rows, ok.status), (1, 2));
        assert_eq!(ok.info, b"Rows matched: 1  Changed: 1  Warnings: 0");
    }

    #[test]
    fn err_round_trips() {
        let e = ErrPacket::new(1146, "42S02", "Table 'a.b' doesn't exist");
        let mut out = Vec::new();
        e.encode(&mut out);
        assert_eq!(ErrPacket::decode(&out), Ok(e));
        assert!(ErrPacket::decode(&[0xff, 1]).is_err());
    }
}
