//! COM_RESET_CONNECTION.

use crate::session::{Outcome, Session};
use wire::reply::OkPacket;

/// A session as after the login, on the same connection.
pub(super) async fn run(s: &mut Session) -> Outcome {
    s.reset().await;
    s.put_ok(OkPacket::default(), 0);
    Outcome::quiet()
}
