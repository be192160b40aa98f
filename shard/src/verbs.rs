//! What the proxy asks of a server for itself, by what it means. A verb that changes what the next request
//! does is planned and travels with it ([`crate::ServerConn::confirm`] sends it alone); the others are
//! run and answered.

mod binary_log;
mod changes;
pub mod clock;
pub mod insert_id;
pub mod kill;
pub mod locks;
pub mod ping;
pub mod rows_found;
pub mod savepoint;
pub mod session;
pub mod transaction;
pub mod warnings;
