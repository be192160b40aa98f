//! The error catalogue: everything that the proxy itself can answer a client with an ERR packet.
//!
//! Layer 0, pure. What a shard's server answers is passed on as it is and is not listed here. Each error is
//! a variant with its fields, in the file of its area; beside it stand code, SQLSTATE, class, whether a
//! retry can help, text, and the explanation that `docs/errors.md` is generated from.
//!
//! A new error is a new variant in its area, and `UPDATE_DOCS=1 cargo test -p shardwright-errors`. The ERR
//! packet is made in one place, `proxy/src/session/stop.rs`.

#[macro_use]
mod area;
mod class;
mod code;
pub mod docs;
mod name_list;
mod obstacle;

mod admin;
mod availability;
mod ddl;
mod insert;
mod login;
mod metadata;
mod names;
mod prepare;
mod protocol;
mod read;
mod rights;
mod session;
mod settings;
mod sql;
mod transaction;
mod write;

pub use admin::AdminError;
pub use area::Entry;
pub use availability::AvailabilityError;
pub use class::{ErrorClass, Retry};
pub use code::Code;
pub use ddl::DdlError;
pub use insert::InsertError;
pub use login::LoginError;
pub use metadata::MetadataError;
pub use name_list::NameList;
pub use names::NameError;
pub use obstacle::Obstacle;
pub use prepare::PrepareError;
pub use protocol::ProtocolError;
pub use read::ReadError;
pub use rights::RightsError;
pub use session::SessionError;
pub use settings::SettingError;
pub use sql::SqlError;
pub use transaction::TransactionError;
pub use write::WriteError;

use std::fmt;

areas! {
    Sql(SqlError),
    Names(NameError),
    Read(ReadError),
    Write(WriteError),
    Insert(InsertError),
    Ddl(DdlError),
    Transaction(TransactionError),
    Prepare(PrepareError),
    Setting(SettingError),
    Admin(AdminError),
    Login(LoginError),
    Rights(RightsError),
    Session(SessionError),
    Protocol(ProtocolError),
    Availability(AvailabilityError),
    Metadata(MetadataError),
}

/// An error of the proxy's own, for the client. One pointer wide, so that results stay small.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientError(Box<Cause>);

impl ClientError {
    /// Which error it is, with its fields.
    pub fn cause(&self) -> &Cause {
        &self.0
    }

    /// What the catalogue says of it.
    pub fn entry(&self) -> &'static Entry {
        self.0.entry()
    }

    /// MySQL's number and SQLSTATE.
    pub fn code(&self) -> Code {
        self.entry().code
    }

    /// Whose matter it is.
    pub fn class(&self) -> ErrorClass {
        self.entry().class
    }

    /// Whether a retry can help.
    pub fn retry(&self) -> Retry {
        self.entry().retry
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ClientError {}

/// Errors that many places report.
impl ClientError {
    /// A table that is not in the catalog.
    pub fn no_such_table(database: &str, table: &str) -> Self {
        let (database, table) = (database.to_string(), table.to_string());
        NameError::NoSuchTable { database, table }.into()
    }

    /// A database that is not in the catalog.
    pub fn unknown_database(database: &str) -> Self {
        let database = database.to_string();
        NameError::UnknownDatabase { database }.into()
    }

    /// A name without a database, and none is current.
    pub fn no_database() -> Self {
        NameError::NoDatabase.into()
    }

    /// A text that is no statement; `detail` says where and why.
    pub fn syntax(detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        SqlError::Syntax { detail }.into()
    }
}

#[cfg(test)]
mod tests;
