//! SHOW DATABASES: a shard answers, for the databases that the user may see.

use crate::exec::relay::RelayOptions;
use crate::exec::request::Request;
use crate::exec::{Run, one};
use crate::session::{Done, Session, Stop};
use catalog::ShardId;
use router::Refusal;
use sql::cursor::Cursor;
use sql::ident::quote_string;
use sql::{Op, TokenKind};

/// Runs it as it is for those who may see everything, else with a condition.
pub(crate) async fn run(s: &mut Session, shard: ShardId, run: Run<'_>) -> Done {
    let user = s.client.of_cluster(run.catalog)?.filter(|u| !u.is_admin());
    let Some(user) = user else {
        return one::run(s, shard, None, run).await;
    };
    let mode = s.client.settings.mode;
    let mut list: Vec<String> = vec![quote_string("information_schema", false)];
    let visible = run.catalog.databases.keys().filter(|d| user.may_enter(d));
    list.extend(visible.map(|d| quote_string(d, mode.no_backslash_escapes)));
    let mut c = Cursor::new(run.text, &run.lexed.tokens, mode);
    c.index = 2;
    let mut text = format!("SHOW DATABASES WHERE `Database` IN ({})", list.join(", "));
    text += &databases_clause(c)?;
    let request = Request::Query(text.into_bytes().into());
    let options = RelayOptions {
        status_set: run.more,
        ..Default::default()
    };
    let (outcome, _) = one::exchange(s, shard, &request, run.plan.traits, options).await?;
    Ok(outcome)
}

/// What stands behind SHOW DATABASES, as a further condition. It cannot reach out of its place.
fn databases_clause(mut c: Cursor<'_>) -> Result<String, Stop> {
    let wrong =
        || Refusal::syntax("behind SHOW DATABASES stands LIKE 'pattern' or WHERE condition");
    let text = |from: usize, to: usize| String::from_utf8_lossy(&c.text[from..to]).into_owned();
    if c.at_end() {
        return Ok(String::new());
    }
    let start = c.position();
    if c.eat("LIKE") {
        c.string().filter(|_| c.at_end()).ok_or_else(wrong)?;
        return Ok(format!(" AND `Database` {}", text(start, c.end_of_last())));
    }
    if !c.eat("WHERE") {
        return Err(wrong().into());
    }
    let (start, mut depth) = (c.position(), 0usize);
    while !c.at_end() {
        match c.next().map(|t| t.kind) {
            Some(TokenKind::Op(Op::LParen)) => depth += 1,
            Some(TokenKind::Op(Op::RParen)) => depth = depth.checked_sub(1).ok_or_else(wrong)?,
            _ => {}
        }
    }
    if depth > 0 {
        return Err(wrong().into());
    }
    Ok(format!(" AND ({})", text(start, c.end_of_last())))
}
