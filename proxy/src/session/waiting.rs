//! Waiting for something that no shard does: an answer of other proxies, a change of the catalog.

use crate::metrics::count;
use crate::registry::{Kill, SessionInfo};
use crate::session::client_io::ClientIo;
use crate::session::{Session, Stop};
use crate::worker::Worker;
use errors::SessionError;
use shard::net::Peek;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

impl Session {
    /// Waits; ends with KILL and with the client's leaving. What was waited for is dropped then.
    pub(crate) async fn unless_ended<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Stop> {
        unless_ended(&self.worker, &self.io, &self.client.info, work).await
    }
}

/// Waits for a session of which only these parts are at hand.
pub(crate) async fn unless_ended<T>(
    worker: &Worker,
    io: &ClientIo,
    info: &SessionInfo,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    let mut work = pin!(work);
    let done = poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        while io.stream.poll_news(cx).is_ready() {
            match io.stream.peek() {
                Some(Peek::Closed) => return Poll::Ready(None),
                // The next command, sent early.
                Some(Peek::Bytes) => break,
                None => {}
            }
        }
        info.register(cx.waker());
        match info.kill_state() {
            Kill::No => Poll::Pending,
            _ => Poll::Ready(None),
        }
    });
    if let Some(done) = done.await {
        return Ok(done);
    }
    count(&worker.shared.metrics.statements_cancelled);
    match info.kill_state() {
        Kill::Query => Err(SessionError::Interrupted.into()),
        _ => Err(Stop::Gone),
    }
}
