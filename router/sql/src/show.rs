//! SHOW, DESCRIBE and the statements about Shardwright itself.

use crate::cursor::Cursor;

/// Where the answer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// SHOW SHARDS
    Shards,
    /// SHOW SHARDED TABLES
    ShardedTables,
    /// SHOW PROXY SESSIONS
    ProxySessions,
    /// SHOW PROXY STATUS
    ProxyStatus,
    /// SHOW DDL JOBS
    DdlJobs,
    /// SHOW UNSUPPORTED.
    Unsupported,
    /// `SHOW [FULL] PROCESSLIST`
    ProcessList {
        /// FULL: statements are not cut at 100 characters.
        full: bool,
    },
    /// SHOW WARNINGS, SHOW ERRORS, SHOW COUNT(*) WARNINGS: about the last statement.
    Diagnostics(Diagnostics),
    /// About one table: columns, indexes, its CREATE statement.
    Table {
        /// The table (with a FROM db clause folded in).
        table: crate::ObjectName,
    },
    /// SHOW DATABASES, SHOW SCHEMAS.
    Databases,
    /// `SHOW GRANTS [FOR user]`.
    Grants {
        /// Of another user than the session's.
        of: Option<String>,
    },
    /// About one database: its tables and the like.
    Database(Option<String>),
    /// SHOW CREATE PROCEDURE, FUNCTION or PACKAGE of a database (`None`: of the current one).
    Routine(Option<String>),
    /// Answered the same by any shard (variables, collations, engines, ...).
    Anywhere,
    /// About one server's own state; refused, because one shard's answer would mislead.
    OneServer(&'static str),
}

/// Which diagnostics are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnostics {
    /// SHOW WARNINGS
    Warnings,
    /// SHOW ERRORS
    Errors,
    /// SHOW COUNT(*) WARNINGS
    WarningCount,
    /// SHOW COUNT(*) ERRORS
    ErrorCount,
}

/// Reads SHOW, DESC or DESCRIBE of a table; `None` for anything else.
pub fn parse(mut c: Cursor<'_>) -> Option<Show> {
    if c.eat_one(&["DESC", "DESCRIBE", "EXPLAIN"]).is_some() {
        let table = c.object_name()?;
        // DESC table [column]; anything longer explains a statement.
        return (c.at_end() || c.rest().len() == 1).then_some(Show::Table { table });
    }
    if !c.eat("SHOW") {
        return None;
    }
    if let Some(own) = own(&mut c) {
        return Some(own);
    }
    if let Some(kind) = diagnostics(&mut c) {
        return Some(Show::Diagnostics(kind));
    }
    let full = c.eat("FULL");
    c.eat_one(&["EXTENDED", "GLOBAL", "SESSION", "LOCAL", "STORAGE"]);
    let full = c.eat("FULL") || full;
    if c.eat("PROCESSLIST") {
        return Some(Show::ProcessList { full });
    }
    if c.eat_one(&["COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS"])
        .is_some()
    {
        c.eat_one(&["FROM", "IN"])?;
        let mut table = c.object_name()?;
        if c.eat_one(&["FROM", "IN"]).is_some() {
            table.database = Some(c.name()?);
        }
        return Some(Show::Table { table });
    }
    if c.eat_one(&["DATABASES", "SCHEMAS"]).is_some() {
        return Some(Show::Databases);
    }
    if c.eat("GRANTS") {
        return Some(Show::Grants {
            of: grants_of(&mut c),
        });
    }
    if c.eat("CREATE") {
        return create(&mut c);
    }
    let tables = c.eat("TABLES");
    if tables
        || c.eat_all(&["TABLE", "STATUS"])
        || c.eat("TRIGGERS")
        || c.eat_all(&["OPEN", "TABLES"])
    {
        let named = c.eat_one(&["FROM", "IN"]).is_some();
        return Some(Show::Database(if named { Some(c.name()?) } else { None }));
    }
    const ONE_SERVER: [&str; 9] = [
        "MASTER", "SLAVE", "REPLICA", "BINARY", "BINLOG", "RELAYLOG", "EXPLAIN", "PROFILE",
        "PROFILES",
    ];
    if let Some(what) = c.eat_one(&ONE_SERVER) {
        return Some(Show::OneServer(what));
    }
    if c.is_word("ENGINE") {
        return Some(Show::OneServer("ENGINE"));
    }
    Some(Show::Anywhere)
}

fn diagnostics(c: &mut Cursor<'_>) -> Option<Diagnostics> {
    if c.is_word("COUNT") {
        return Some(match c.is_word_at(4, "ERRORS") {
            true => Diagnostics::ErrorCount,
            false => Diagnostics::WarningCount,
        });
    }
    if c.eat("WARNINGS") {
        return Some(Diagnostics::Warnings);
    }
    c.eat("ERRORS").then_some(Diagnostics::Errors)
}

fn own(c: &mut Cursor<'_>) -> Option<Show> {
    let all: [(&[&str], Show); 6] = [
        (&["SHARDS"], Show::Shards),
        (&["SHARDED", "TABLES"], Show::ShardedTables),
        (&["PROXY", "SESSIONS"], Show::ProxySessions),
        (&["PROXY", "STATUS"], Show::ProxyStatus),
        (&["DDL", "JOBS"], Show::DdlJobs),
        (&["UNSUPPORTED"], Show::Unsupported),
    ];
    all.into_iter()
        .find(|(words, _)| c.eat_all(words))
        .map(|(_, show)| show)
}

/// The user behind FOR; `None` for the session's own.
fn grants_of(c: &mut Cursor<'_>) -> Option<String> {
    let own = !c.eat("FOR") || c.is_word("CURRENT_USER") || c.is_word("CURRENT_ROLE");
    (!own).then(|| c.name_or_string())?
}

fn create(c: &mut Cursor<'_>) -> Option<Show> {
    if c.eat("TABLE") || c.eat("VIEW") {
        return Some(Show::Table {
            table: c.object_name()?,
        });
    }
    if c.eat_one(&["DATABASE", "SCHEMA"]).is_some() {
        c.eat_all(&["IF", "NOT", "EXISTS"]);
        return Some(Show::Database(Some(c.name()?)));
    }
    if c.eat_one(&["PROCEDURE", "FUNCTION", "PACKAGE"]).is_some() {
        c.eat("BODY");
        return Some(Show::Routine(c.object_name()?.database));
    }
    if c.eat_one(&["TRIGGER", "EVENT", "SEQUENCE"]).is_some() {
        return Some(Show::Database(c.object_name()?.database));
    }
    Some(Show::Anywhere)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, LexMode, Lexed};

    fn p(sql: &str) -> Option<Show> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        parse(Cursor::new(sql.as_bytes(), &l.tokens, LexMode::default()))
    }

    #[test]
    fn kinds() {
        assert_eq!(p("show shards"), Some(Show::Shards));
        assert_eq!(
            p("SHOW FULL TABLES FROM `a b` LIKE 'x'"),
            Some(Show::Database(Some("a b".into())))
        );
        let Some(Show::Table { table }) = p("SHOW FULL COLUMNS FROM t FROM d") else {
            panic!()
        };
        assert_eq!(table.to_string(), "d.t");
        assert!(matches!(p("desc d.t"), Some(Show::Table { .. })));
        assert_eq!(p("desc select 1 from t"), None);
        assert_eq!(p("SHOW SESSION VARIABLES LIKE 'a'"), Some(Show::Anywhere));
        assert_eq!(
            p("SHOW COUNT(*) ERRORS"),
            Some(Show::Diagnostics(Diagnostics::ErrorCount))
        );
        assert_eq!(
            p("show full processlist"),
            Some(Show::ProcessList { full: true })
        );
        let of = Some("app".to_string());
        assert_eq!(
            p("show grants for app@'%'"),
            Some(Show::Grants { of: of.clone() })
        );
        assert_eq!(p("show grants for 'app'"), Some(Show::Grants { of }));
        let own = Some(Show::Grants { of: None });
        assert_eq!(p("show grants"), own);
        assert_eq!(p("show grants for current_user()"), own);
        assert_eq!(p("show schemas like 'a%'"), Some(Show::Databases));
        assert_eq!(p("SHOW MASTER STATUS"), Some(Show::OneServer("MASTER")));
    }
}
