//! Commands by number: one file each, where there is something to it.

mod change_user;
pub(crate) mod execute;
mod fetch;
mod field_list;
mod init_db;
mod kill;
mod prepare;
mod query;
mod reset_connection;
mod send_long_data;
mod set_option;
mod statistics;
mod stmt_close;
mod stmt_reset;

pub(crate) use kill::kill;

use crate::session::{Done, Outcome, Session, Stop};
use errors::{AdminError, ProtocolError};
use wire::command::Command;
use wire::reply::OkPacket;

impl Session {
    /// Serves one command; the answer is queued, not flushed.
    pub(crate) async fn command(&mut self, byte: u8, body: &[u8]) -> Result<(), Stop> {
        let done = match Command::from_byte(byte) {
            Some(Command::Query) => return query::run(self, body).await,
            Some(Command::StmtExecute) => execute::run(self, body).await,
            Some(command) => Box::pin(self.less_common(command, body)).await,
            None => Err(ProtocolError::UnknownCommand { byte }.into()),
        };
        self.end_statement(done).await.map(drop)
    }

    async fn less_common(&mut self, command: Command, body: &[u8]) -> Done {
        match command {
            Command::Query => query::run(self, body).await.map(|()| Outcome::quiet()),
            Command::StmtExecute => execute::run(self, body).await,
            Command::Quit => Err(Stop::Gone),
            Command::InitDb => init_db::run(self, body),
            Command::Ping => {
                self.put_ok(OkPacket::default(), 0);
                Ok(Outcome::quiet())
            }
            Command::StmtPrepare => prepare::run(self, body).await,
            Command::StmtSendLongData => Ok(send_long_data::run(self, body)),
            Command::StmtClose => Ok(stmt_close::run(self, body)),
            Command::StmtReset => stmt_reset::run(self, body),
            Command::StmtFetch => fetch::run(self, body).await,
            Command::SetOption => set_option::run(self, body),
            Command::ResetConnection => Ok(reset_connection::run(self).await),
            Command::ChangeUser => change_user::run(self, body).await,
            Command::FieldList => field_list::run(self, body).await,
            Command::Statistics => Ok(statistics::run(self)),
            Command::ProcessKill => kill::run(self, body).await,
            Command::ProcessInfo => {
                query::run(self, b"SHOW PROCESSLIST").await?;
                Ok(Outcome::quiet())
            }
            Command::CreateDb
            | Command::DropDb
            | Command::Refresh
            | Command::Shutdown
            | Command::Debug
            | Command::BinlogDump
            | Command::RegisterSlave => {
                let command = command.label();
                Err(AdminError::OneServerCommand { command }.into())
            }
        }
    }
}

/// ER_MALFORMED_PACKET.
pub(crate) fn malformed() -> Stop {
    ProtocolError::Malformed.into()
}
