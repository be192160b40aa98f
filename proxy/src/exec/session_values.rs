//! Session functions in a statement's text: their values take their places.

use crate::session::client_state::ClientState;
use sql::ident::{quote_name, quote_string};
use sql::lexer::{Op, Token, TokenKind};
use sql::splice::Splices;

/// A number that is a BIGINT by its length.
const BIG: u64 = 1_000_000_000_000;

/// The text with the values of FOUND_ROWS(), USER() and the like in their places.
pub(crate) fn replace(client: &ClientState, text: &[u8], tokens: &[Token]) -> Vec<u8> {
    let mut splices = Splices::default();
    let mut depth = 0usize;
    for (i, t) in tokens.iter().enumerate() {
        match t.kind {
            TokenKind::Op(Op::LParen) => depth += 1,
            TokenKind::Op(Op::RParen) => depth = depth.saturating_sub(1),
            _ => {}
        }
        let called = |n: usize, op| {
            tokens
                .get(i + n)
                .is_some_and(|t| t.kind == TokenKind::Op(op))
        };
        let is_call = called(1, Op::LParen) && called(2, Op::RParen);
        if is_call && router::names::stands_for_table(text, tokens, i) {
            continue;
        }
        let Some(value) = value_of(client, &text[t.range()], t.kind, is_call) else {
            continue;
        };
        let last = if is_call { i + 2 } else { i };
        let range = t.start as usize..tokens[last].end as usize;
        // The column keeps the name that it would have had.
        let with = match depth == 0 && is_select_item(text, tokens, i, last) {
            true => {
                let name = String::from_utf8_lossy(&text[range.clone()]);
                format!("{value} AS {}", quote_name(&name))
            }
            false => value,
        };
        splices.replace(range, with);
    }
    splices.apply(text)
}

/// True if tokens `first` to `last` are a whole item of a select list, without an alias.
fn is_select_item(text: &[u8], tokens: &[Token], first: usize, last: usize) -> bool {
    let opens = first > 0 && {
        let before = tokens[first - 1];
        before.kind == TokenKind::Op(Op::Comma) || router::traits::is_word(text, before, b"SELECT")
    };
    let closes = tokens.get(last + 1).is_none_or(|n| {
        matches!(n.kind, TokenKind::Op(Op::Comma | Op::Semicolon))
            || router::traits::is_word(text, *n, b"FROM")
            || router::traits::is_word(text, *n, b"LIMIT")
    });
    opens && closes
}

/// A number that may be NULL, as the variable's type is.
fn count(n: usize) -> String {
    format!("NULLIF(CAST(COALESCE({n}, {BIG}) AS UNSIGNED), NULL)")
}

/// What a shard reports to the proxy is the proxy's: a client has what it set, or the server's default.
fn tracking(client: &ClientState, whole: &str, variable: &str) -> Option<String> {
    if whole.contains("GLOBAL.") {
        return None;
    }
    let variable = variable.to_ascii_lowercase();
    let set = client.settings.all.get(&variable).map(str::to_string);
    Some(set.unwrap_or_else(|| format!("@@global.{variable}")))
}

fn value_of(client: &ClientState, word: &[u8], kind: TokenKind, is_call: bool) -> Option<String> {
    let name = String::from_utf8_lossy(word).to_ascii_uppercase();
    let last = &client.last;
    if kind == TokenKind::SysVar {
        let variable = name.rsplit(['.', '@']).next().unwrap_or_default();
        return match variable {
            own if own.starts_with("SESSION_TRACK_") => tracking(client, &name, own),
            "WARNING_COUNT" => Some(count(last.diagnostics.count())),
            "ERROR_COUNT" => Some(count(last.diagnostics.errors())),
            "PSEUDO_THREAD_ID" => Some(client.info.id.to_string()),
            _ => None,
        };
    }
    if kind != TokenKind::Word {
        return None;
    }
    let host = client.info.host.rsplit_once(':').map_or("%", |(h, _)| h);
    let user = &client.user.name;
    let quote = |s: String| quote_string(&s, client.settings.mode.no_backslash_escapes);
    match name.as_str() {
        "CURRENT_USER" => Some(quote(format!("{user}@%"))),
        _ if !is_call => None,
        // Written so that the values keep the functions' types: BIGINT, and INT UNSIGNED.
        "FOUND_ROWS" => Some(format!("COALESCE({}, {BIG})", last.found_rows)),
        "ROW_COUNT" => Some(format!("COALESCE({}, {BIG})", last.row_count)),
        "CONNECTION_ID" => Some(format!("CAST({} AS UNSIGNED)", client.info.id)),
        "USER" | "SESSION_USER" | "SYSTEM_USER" => Some(quote(format!("{user}@{host}"))),
        _ => None,
    }
}
