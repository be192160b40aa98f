//! The kind of a statement, from its first words.

use crate::account::AccountStatement;
use crate::cursor::Cursor;
use crate::ddl::Ddl;
use crate::insert::Insert;
use crate::load::Load;
use crate::set::Set;
use crate::shard_by::{ClauseError, RuleStatement};
use crate::show::Show;
use crate::transaction::Transaction;
use crate::{LexMode, Lexed};

/// A statement, as far as one can tell without a full parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Nothing but comments.
    Empty,
    /// SELECT, WITH, VALUES, TABLE or a query in parentheses.
    Query,
    /// INSERT or REPLACE; `None` if its rows could not be read.
    Insert(Option<Box<Insert>>),
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// Transaction control.
    Transaction(Transaction),
    /// SET.
    Set(Set),
    /// USE database.
    Use(String),
    /// SHOW and DESCRIBE.
    Show(Show),
    /// Users and their rights.
    Account(Box<AccountStatement>),
    /// Structure.
    Ddl(Box<Ddl>),
    /// CREATE / DROP SHARDING RULE.
    Rule(Box<RuleStatement>),
    /// A clause of ours that is wrong.
    BadClause(ClauseError),
    /// KILL [CONNECTION | QUERY] id.
    Kill {
        /// Only the running statement.
        query: bool,
        /// The session.
        id: u64,
    },
    /// EXPLAIN SHARD statement: token index of the statement.
    ExplainShard(usize),
    /// EXPLAIN / DESCRIBE / ANALYZE of a statement: token index of the statement.
    Explain(usize),
    /// CALL.
    Call,
    /// PREPARE name FROM 'text' (the text if it is a literal).
    SqlPrepare(Option<String>),
    /// EXECUTE, DEALLOCATE PREPARE, DROP PREPARE.
    SqlExecute,
    /// EXECUTE IMMEDIATE 'text' (the text if it is a literal and nothing follows).
    ExecuteImmediate(Option<String>),
    /// LOCK TABLES.
    LockTables,
    /// UNLOCK TABLES.
    UnlockTables,
    /// LOAD DATA or LOAD XML.
    Load(Load),
    /// DO expressions.
    Do,
    /// HANDLER.
    Handler,
    /// FLUSH of what the shards keep up to date by themselves: tables, privileges, counters.
    Flush,
    /// FLUSH, RESET, PURGE, CHANGE MASTER, INSTALL, SHUTDOWN, ...: one server's administration.
    ServerAdmin(&'static str),
    /// Anything else.
    Other,
}

const ADMIN: [&str; 14] = [
    "FLUSH",
    "RESET",
    "PURGE",
    "CHANGE",
    "INSTALL",
    "UNINSTALL",
    "SHUTDOWN",
    "BINLOG",
    "STOP",
    "CACHE",
    "CLONE",
    "RESTART",
    "BACKUP",
    "START",
];

/// Tells what kind of statement the tokens are.
pub fn classify(text: &[u8], lexed: &Lexed, mode: LexMode) -> Statement {
    let c = Cursor::new(text, &lexed.tokens, mode);
    if c.at_end() {
        return Statement::Empty;
    }
    if let Some(t) = crate::transaction::parse(c) {
        return Statement::Transaction(t);
    }
    if c.is_word("INSERT") || c.is_word("REPLACE") {
        return Statement::Insert(crate::insert::parse(c).map(Box::new));
    }
    for (word, kind) in [
        ("SELECT", Statement::Query),
        ("UPDATE", Statement::Update),
        ("DELETE", Statement::Delete),
        ("VALUES", Statement::Query),
        ("TABLE", Statement::Query),
        ("CALL", Statement::Call),
        ("DO", Statement::Do),
        ("HANDLER", Statement::Handler),
    ] {
        if c.is_word(word) {
            return kind;
        }
    }
    if c.is_word("WITH") {
        return behind_with(c);
    }
    if c.is_op(crate::Op::LParen) {
        return Statement::Query;
    }
    if let Some(account) = crate::account::parse(c) {
        return Statement::Account(Box::new(account));
    }
    if c.is_word("SET") {
        return crate::set::parse(c).map_or(Statement::Other, Statement::Set);
    }
    if let Some(rule) = crate::shard_by::parse_statement(c) {
        return match rule {
            Ok(rule) => Statement::Rule(Box::new(rule)),
            Err(e) => Statement::BadClause(e),
        };
    }
    if c.is_word("LOAD") {
        return crate::load::parse(c).map_or(Statement::ServerAdmin("LOAD"), Statement::Load);
    }
    if let Some(kind) = less_common(c) {
        return kind;
    }
    match crate::ddl::parse(c) {
        Some(Ok(ddl)) => return Statement::Ddl(Box::new(ddl)),
        Some(Err(e)) => return Statement::BadClause(e),
        None => {}
    }
    let mut at = c;
    if is_harmless_flush(c) {
        return Statement::Flush;
    }
    at.eat_one(&ADMIN)
        .map_or(Statement::Other, Statement::ServerAdmin)
}

/// FLUSH without locks, logs and the like.
fn is_harmless_flush(mut c: Cursor<'_>) -> bool {
    if !c.eat("FLUSH") {
        return false;
    }
    c.eat_one(&["LOCAL", "NO_WRITE_TO_BINLOG"]);
    if c.eat_one(&["TABLES", "TABLE"]).is_some() {
        return c.at_end();
    }
    let kinds = ["PRIVILEGES", "STATUS", "HOSTS", "USER_RESOURCES"];
    while c.eat_one(&kinds).is_some() || c.eat_all(&["QUERY", "CACHE"]) {
        if !c.eat_op(crate::Op::Comma) {
            return c.at_end();
        }
    }
    false
}

/// WITH ctes, then the verb outside of parentheses.
fn behind_with(mut c: Cursor<'_>) -> Statement {
    while let Some(t) = c.peek() {
        if t.kind == crate::TokenKind::Op(crate::Op::LParen) {
            if c.skip_group().is_none() {
                break;
            }
            continue;
        }
        if c.is_word("UPDATE") {
            return Statement::Update;
        }
        if c.is_word("DELETE") {
            return Statement::Delete;
        }
        c.next();
    }
    Statement::Query
}

fn less_common(c: Cursor<'_>) -> Option<Statement> {
    let mut at = c;
    if at.eat("USE") {
        return Some(at.name().map_or(Statement::Other, Statement::Use));
    }
    if at.eat("KILL") {
        at.eat_one(&["HARD", "SOFT"]);
        let query = at.eat_one(&["CONNECTION", "QUERY"]) == Some("QUERY");
        let id = at
            .next()
            .and_then(|t| std::str::from_utf8(at.bytes(t)).ok()?.parse().ok());
        return Some(id.map_or(Statement::Other, |id| Statement::Kill { query, id }));
    }
    if at.eat_one(&["EXPLAIN", "DESCRIBE", "DESC"]).is_some() {
        if at.eat("SHARD") {
            return Some(Statement::ExplainShard(at.index));
        }
        if let Some(show) = crate::show::parse(c) {
            return Some(Statement::Show(show));
        }
        return Some(Statement::Explain(explained(at)));
    }
    if at.is_word("ANALYZE") && !at.is_word_at(1, "TABLE") && !at.is_word_at(2, "TABLE") {
        at.next();
        return Some(Statement::Explain(explained(at)));
    }
    if at.is_word("SHOW") {
        return Some(crate::show::parse(c).map_or(Statement::Other, Statement::Show));
    }
    if at.eat("PREPARE") {
        at.name();
        at.eat("FROM");
        return Some(Statement::SqlPrepare(at.string()));
    }
    if at.eat_all(&["EXECUTE", "IMMEDIATE"]) {
        let text = at.string();
        return Some(Statement::ExecuteImmediate(text.filter(|_| at.at_end())));
    }
    if at.is_word("EXECUTE")
        || at.is_word("DEALLOCATE")
        || at.is_word("DROP") && at.is_word_at(1, "PREPARE")
    {
        return Some(Statement::SqlExecute);
    }
    if at.eat("LOCK") && at.eat_one(&["TABLES", "TABLE"]).is_some() {
        return Some(Statement::LockTables);
    }
    if at.eat("UNLOCK") {
        return Some(Statement::UnlockTables);
    }
    None
}

/// Index of the statement behind EXPLAIN's options.
fn explained(mut c: Cursor<'_>) -> usize {
    loop {
        if c.eat_one(&["EXTENDED", "PARTITIONS", "ANALYZE"]).is_some() {
            continue;
        }
        if c.eat("FORMAT") {
            c.eat_op(crate::Op::Eq);
            c.next();
            continue;
        }
        return c.index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Flavor;

    fn k(sql: &str) -> Statement {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        classify(sql.as_bytes(), &l, LexMode::default())
    }

    #[test]
    fn first_words_decide() {
        assert_eq!(k(" /* x */ ;"), Statement::Empty);
        assert_eq!(k("/* a */ select 1"), Statement::Query);
        assert_eq!(k("with a as (select 1) delete from t"), Statement::Delete);
        assert_eq!(k("(select 1) union (select 2)"), Statement::Query);
        assert_eq!(k("kill query 7"), Statement::Kill { query: true, id: 7 });
        assert_eq!(k("explain shard select 1"), Statement::ExplainShard(2));
        assert_eq!(k("explain format=json select 1"), Statement::Explain(4));
        assert_eq!(k("analyze select 1"), Statement::Explain(1));
        assert!(matches!(k("analyze table t"), Statement::Ddl(_)));
        assert!(matches!(k("describe t"), Statement::Show(_)));
        for harmless in [
            "flush tables",
            "flush local privileges, status",
            "flush query cache",
        ] {
            assert_eq!(k(harmless), Statement::Flush);
        }
        for other in [
            "flush tables with read lock",
            "flush tables t",
            "flush logs",
            "flush",
        ] {
            assert_eq!(k(other), Statement::ServerAdmin("FLUSH"));
        }
        assert_eq!(k("use `a`"), Statement::Use("a".into()));
        assert_eq!(
            k("prepare s from 'select 1'"),
            Statement::SqlPrepare(Some("select 1".into()))
        );
        assert_eq!(
            k("execute immediate 'select 1';"),
            Statement::ExecuteImmediate(Some("select 1".into()))
        );
        assert_eq!(k("execute immediate @a"), Statement::ExecuteImmediate(None));
        assert_eq!(
            k("execute immediate 'select ?' using 1"),
            Statement::ExecuteImmediate(None)
        );
        assert!(matches!(
            k("create sharding rule for t hash(a)"),
            Statement::Rule(_)
        ));
        assert!(matches!(
            k("create sharding rule for t"),
            Statement::BadClause(_)
        ));
        assert_eq!(k("lock tables t write"), Statement::LockTables);
        assert_eq!(k("gibberish"), Statement::Other);
    }
}
