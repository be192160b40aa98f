//! Commands by number: one file each, where there is something to it.

mod bulk_execute;
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
use wire::command::ClientCommand;
use wire::reply::OkPacket;

impl Session {
    /// Serves one command; the answer is queued, not flushed.
    pub(crate) async fn command(&mut self, byte: u8, body: &[u8]) -> Result<(), Stop> {
        let done = match ClientCommand::from_byte(byte) {
            Some(ClientCommand::Query) => return query::run(self, body).await,
            Some(ClientCommand::StmtExecute) => execute::run(self, body).await,
            Some(command) => Box::pin(self.less_common(command, body)).await,
            None => Err(ProtocolError::UnknownCommand { byte }.into()),
        };
        self.end_statement(done).await.map(drop)
    }

    async fn less_common(&mut self, command: ClientCommand, body: &[u8]) -> Done {
        match command {
            ClientCommand::Query => query::run(self, body).await.map(|()| Outcome::quiet()),
            ClientCommand::StmtExecute => execute::run(self, body).await,
            ClientCommand::Quit => Err(Stop::Gone),
            ClientCommand::InitDb => init_db::run(self, body),
            ClientCommand::Ping => {
                self.put_ok(OkPacket::default(), 0);
                Ok(Outcome::quiet())
            }
            ClientCommand::StmtBulkExecute => bulk_execute::run(self, body).await,
            ClientCommand::StmtPrepare => prepare::run(self, body).await,
            ClientCommand::StmtSendLongData => Ok(send_long_data::run(self, body)),
            ClientCommand::StmtClose => Ok(stmt_close::run(self, body)),
            ClientCommand::StmtReset => stmt_reset::run(self, body),
            ClientCommand::StmtFetch => fetch::run(self, body).await,
            ClientCommand::SetOption => set_option::run(self, body),
            ClientCommand::ResetConnection => Ok(reset_connection::run(self).await),
            ClientCommand::ChangeUser => change_user::run(self, body).await,
            ClientCommand::FieldList => field_list::run(self, body).await,
            ClientCommand::Statistics => Ok(statistics::run(self)),
            ClientCommand::ProcessKill => kill::run(self, body).await,
            ClientCommand::ProcessInfo => {
                query::run(self, b"SHOW PROCESSLIST").await?;
                Ok(Outcome::quiet())
            }
            ClientCommand::CreateDb
            | ClientCommand::DropDb
            | ClientCommand::Refresh
            | ClientCommand::Shutdown
            | ClientCommand::Debug
            | ClientCommand::BinlogDump
            | ClientCommand::RegisterSlave => {
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
