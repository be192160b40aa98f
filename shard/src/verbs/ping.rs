//! Is the server there?

use crate::conn::ServerConn;
use crate::error::ShardError;
use wire::framer::Expect;

impl ServerConn {
    /// Asks without waiting for the answer, so that several servers can be asked at once.
    pub async fn send_ping(&mut self) -> Result<(), ShardError> {
        self.put_ping();
        self.flush().await
    }

    /// The answer to a ping.
    pub async fn pong(&mut self) -> Result<(), ShardError> {
        let limit = self.timeouts().ping();
        let answer = self.answer_within(Expect::Result, Some(limit)).await?;
        self.unless_refused(answer).map(drop)
    }
}
