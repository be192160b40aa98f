//! What an OK packet says of changes of the session: system variables, the database, anything else.
//!
//! Source: MySQL "Session State Information" of the OK packet. A server sends it to those who asked for it
//! with `session_track_system_variables` and its relatives.

use crate::read::{Malformed, Reader, put_lenenc_bytes};

const SYSTEM_VARIABLES: u8 = 0;
const SCHEMA: u8 = 1;
const STATE_CHANGE: u8 = 2;

/// One entry. Kinds that nobody here asks for (transaction state, GTIDs) are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateEntry<'a> {
    /// A system variable and its value. What a function set may come with the value from before.
    Variable(&'a [u8], &'a [u8]),
    /// The database that is current now.
    Database(&'a [u8]),
    /// Something changed: a variable of either kind, a temporary table, a prepared statement.
    Changed,
}

/// All entries of an OK packet's session state.
pub fn entries(raw: &[u8]) -> Result<Vec<StateEntry<'_>>, Malformed> {
    let (mut out, mut r) = (Vec::new(), Reader::new(raw));
    while !r.is_empty() {
        let kind = r.u8("kind of a session state entry")?;
        let mut data = Reader::new(r.lenenc_bytes("session state entry")?);
        match kind {
            SYSTEM_VARIABLES => {
                while !data.is_empty() {
                    let name = data.lenenc_bytes("name of a changed variable")?;
                    let value = data.lenenc_bytes("value of a changed variable")?;
                    out.push(StateEntry::Variable(name, value));
                }
            }
            SCHEMA => out.push(StateEntry::Database(data.lenenc_bytes("database")?)),
            STATE_CHANGE => out.push(StateEntry::Changed),
            _ => {}
        }
    }
    Ok(out)
}

/// True if a variable changed, or something that is not named; also if the state cannot be read.
pub fn is_change(raw: &[u8]) -> bool {
    let of_session = |e: &StateEntry<'_>| !matches!(e, StateEntry::Database(_));
    entries(raw).map_or(true, |list| list.iter().any(of_session))
}

/// Variables that clients are told of.
const FOR_CLIENTS: [&[u8]; 5] = [
    b"autocommit",
    b"character_set_client",
    b"character_set_connection",
    b"character_set_results",
    b"time_zone",
];

/// What a client that asked for nothing is told of the changes that a server reported.
pub fn for_client(raw: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    for entry in entries(raw)? {
        match entry {
            StateEntry::Variable(name, value) if FOR_CLIENTS.contains(&name) => {
                put_variable(&mut out, name, value);
            }
            StateEntry::Database(name) => put_database(&mut out, name),
            StateEntry::Variable(..) | StateEntry::Changed => {}
        }
    }
    Ok(out)
}

/// Appends that the database changed.
pub fn put_database(out: &mut Vec<u8>, database: &[u8]) {
    let mut inner = Vec::new();
    put_lenenc_bytes(&mut inner, database);
    out.push(SCHEMA);
    put_lenenc_bytes(out, &inner);
}

/// Appends that a system variable changed.
pub fn put_variable(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let mut inner = Vec::new();
    put_lenenc_bytes(&mut inner, name);
    put_lenenc_bytes(&mut inner, value);
    out.push(SYSTEM_VARIABLES);
    put_lenenc_bytes(out, &inner);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_send_is_read() {
        // MariaDB 10.11: CALL of a procedure that sets autocommit and time_zone.
        let raw = b"\x00\x0f\x0aautocommit\x03OFF\x00\x11\x09time_zone\x06+05:00\x02\x02\x011";
        let read = entries(raw).unwrap();
        assert_eq!(
            read,
            [
                StateEntry::Variable(b"autocommit", b"OFF"),
                StateEntry::Variable(b"time_zone", b"+05:00"),
                StateEntry::Changed
            ]
        );
        let mut raw = Vec::new();
        put_database(&mut raw, b"shop");
        put_variable(&mut raw, b"autocommit", b"ON");
        // A kind that is not asked for: MySQL sends it at COMMIT.
        raw.extend_from_slice(b"\x05\x02\x01_");
        assert!(is_change(&raw) && !is_change(b"\x05\x09\x08________\x01\x02\x01d"));
        let read = entries(&raw).unwrap();
        assert_eq!(read[0], StateEntry::Database(b"shop"));
        assert_eq!(read[1..], [StateEntry::Variable(b"autocommit", b"ON")]);
        let mut raw = raw.clone();
        put_variable(&mut raw, b"sql_mode", b"ANSI_QUOTES");
        let told = for_client(&raw).unwrap();
        assert_eq!(entries(&told).unwrap(), read);
    }

    #[test]
    fn lengths_that_lie_are_errors() {
        for raw in [
            &b"\x00"[..],
            b"\x00\x05\x01a",
            b"\x00\x03\x09ab",
            b"\x01\x00",
            b"\x02\xfe\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(entries(raw).is_err(), "{raw:?}");
        }
    }
}
