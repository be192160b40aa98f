//! Commands: the first byte of each, and one file for each whose body somebody reads or writes.
//!
//! A `put` appends the whole command as packets, numbered from 0. Source: MySQL "Command Phase".

pub mod bulk_execute;
pub mod change_user;
pub mod execute;
pub mod fetch;
pub mod field_list;
pub mod init_db;
pub mod ping;
pub mod prepare;
pub mod query;
pub mod reset_connection;
pub mod send_long_data;
pub mod set_option;
pub mod stmt_close;
pub mod stmt_reset;

use crate::packet::put_packet_parts;

/// COM_* numbers that a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // the names are the documentation
pub enum ClientCommand {
    Quit = 0x01,
    InitDb = 0x02,
    Query = 0x03,
    FieldList = 0x04,
    CreateDb = 0x05,
    DropDb = 0x06,
    Refresh = 0x07,
    Shutdown = 0x08,
    Statistics = 0x09,
    ProcessInfo = 0x0a,
    ProcessKill = 0x0c,
    Debug = 0x0d,
    Ping = 0x0e,
    ChangeUser = 0x11,
    BinlogDump = 0x12,
    RegisterSlave = 0x15,
    StmtPrepare = 0x16,
    StmtExecute = 0x17,
    StmtSendLongData = 0x18,
    StmtClose = 0x19,
    StmtReset = 0x1a,
    SetOption = 0x1b,
    StmtFetch = 0x1c,
    ResetConnection = 0x1f,
    StmtBulkExecute = 0xfa,
}

impl ClientCommand {
    /// The command with this number, if it is one that a client may send.
    pub fn from_byte(byte: u8) -> Option<ClientCommand> {
        use ClientCommand::*;
        Some(match byte {
            0x01 => Quit,
            0x02 => InitDb,
            0x03 => Query,
            0x04 => FieldList,
            0x05 => CreateDb,
            0x06 => DropDb,
            0x07 => Refresh,
            0x08 => Shutdown,
            0x09 => Statistics,
            0x0a => ProcessInfo,
            0x0c => ProcessKill,
            0x0d => Debug,
            0x0e => Ping,
            0x11 => ChangeUser,
            0x12 => BinlogDump,
            0x15 => RegisterSlave,
            0x16 => StmtPrepare,
            0x17 => StmtExecute,
            0x18 => StmtSendLongData,
            0x19 => StmtClose,
            0x1a => StmtReset,
            0x1b => SetOption,
            0x1c => StmtFetch,
            0x1f => ResetConnection,
            0xfa => StmtBulkExecute,
            _ => return None,
        })
    }

    /// The name that SHOW PROCESSLIST prints.
    pub fn label(self) -> &'static str {
        use ClientCommand::*;
        match self {
            Quit => "Quit",
            InitDb => "Init DB",
            Query => "Query",
            FieldList => "Field List",
            StmtPrepare => "Prepare",
            StmtExecute | StmtBulkExecute => "Execute",
            StmtFetch => "Fetch",
            Ping => "Ping",
            ChangeUser => "Change user",
            Statistics => "Statistics",
            _ => "Query",
        }
    }
}

impl ClientCommand {
    /// Appends the command with a body of these parts.
    fn put(self, out: &mut Vec<u8>, body: &[&[u8]]) {
        let mut seq = 0;
        put_packet_parts(out, &mut seq, &[&[self as u8]], body);
    }
}
