//! COM_QUERY: one statement, or several between semicolons.

use crate::exec::{self, Run};
use crate::session::outcome::Next;
use crate::session::{Done, Session, Stop};
use router::Refusal;
use sql::lexer::Op;
use sql::{Lexed, TokenKind};
use wire::caps::SERVER_MORE_RESULTS_EXISTS;

/// Runs the statements of a packet.
pub(super) async fn run(s: &mut Session, text: &[u8]) -> Result<(), Stop> {
    let mut lexed = s.worker.take_lexer();
    let read = lexed.read(text, s.client.settings.mode, s.worker.flavor.get());
    let ended = match read {
        Err(e) => s.end_statement(Err(Refusal::syntax(e).into())).await,
        Ok(()) if is_one_statement(&lexed) => {
            let done = one(s, text, &mut lexed, 0).await;
            s.end_statement(done).await
        }
        Ok(()) => Box::pin(several(s, text, &lexed)).await,
    };
    s.worker.put_lexer(lexed);
    ended.map(drop)
}

/// Statements between semicolons, one after the other, up to the first error.
async fn several(s: &mut Session, text: &[u8], lexed: &Lexed) -> Result<Next, Stop> {
    let ranges = sql::split::statements(text, &lexed.tokens);
    if ranges.is_empty() {
        let done = one(s, text, &mut lexed.clone(), 0).await;
        return s.end_statement(done).await;
    }
    if ranges.len() > 1 && !s.client.multi_statements {
        let why = "several statements in one query need CLIENT_MULTI_STATEMENTS";
        return s.end_statement(Err(Refusal::syntax(why).into())).await;
    }
    let last = ranges.len() - 1;
    for (i, range) in ranges.into_iter().enumerate() {
        let part = &text[range];
        let more = match i == last {
            true => 0,
            false => SERVER_MORE_RESULTS_EXISTS,
        };
        let mut lexed = Lexed::default();
        let done = match lexed.read(part, s.client.settings.mode, s.worker.flavor.get()) {
            Err(e) => Err(Refusal::syntax(e).into()),
            Ok(()) => Box::pin(one(s, part, &mut lexed, more)).await,
        };
        if s.end_statement(done).await? == Next::Command {
            break;
        }
    }
    Ok(Next::Command)
}

async fn one(s: &mut Session, text: &[u8], lexed: &mut Lexed, more: u16) -> Done {
    let now = s.worker.shared.registry.now_ms();
    s.client.info.begin("Query", text, now);
    let catalog = s.worker.catalog();
    let plan = exec::plan(&s.worker, &s.client, &catalog, text, lexed);
    let run = Run {
        text,
        lexed,
        bound: None,
        more,
        plan: &plan,
        catalog: &catalog,
    };
    exec::statement(s, run).await
}

/// True if no semicolon stands before the last token.
fn is_one_statement(lexed: &Lexed) -> bool {
    let semicolon = TokenKind::Op(Op::Semicolon);
    match lexed.tokens.split_last() {
        None => false,
        Some((last, rest)) => {
            let alone = last.kind == semicolon && rest.is_empty();
            !alone && !rest.iter().any(|t| t.kind == semicolon)
        }
    }
}
