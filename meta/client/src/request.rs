//! Requests get a number that nobody else uses, so that one that comes twice happens once.

use crate::MetaError;
use catalog::{Answer, Change, Proposal};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of a request's number.
const REQUEST_BYTES: usize = 16;

/// Milliseconds since 1970, for people to read.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_millis() as u64)
}

/// A proposal with a new number.
pub fn proposal(
    who: &str,
    change: Change,
    expected_epoch: Option<u64>,
) -> Result<Proposal, MetaError> {
    Ok(Proposal {
        request: random_hex(REQUEST_BYTES)?,
        who: who.to_string(),
        at_ms: now_ms(),
        expected_epoch,
        change,
    })
}

/// Random bytes as hexadecimal digits.
pub fn random_hex(bytes: usize) -> Result<String, MetaError> {
    let mut buf = vec![0; bytes];
    let failed = |_| MetaError::Unavailable("no random numbers".to_string());
    aws_lc_rs::rand::fill(&mut buf).map_err(failed)?;
    Ok(buf.iter().map(|b| format!("{b:02x}")).collect())
}

/// A refusal is an error to callers.
pub fn accepted(answer: Answer) -> Result<Answer, MetaError> {
    match answer {
        Answer::Rejected(why) => Err(why.into()),
        other => Ok(other),
    }
}
