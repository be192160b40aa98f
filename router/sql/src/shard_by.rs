//! The SHARD BY clause and CREATE SHARDING RULE.

use crate::cursor::Cursor;
use crate::ident::ObjectName;
use crate::lexer::{Op, TokenKind};

/// A bound or list value as the rule's text has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleValue {
    /// A number with its sign.
    Number(String),
    /// A string without quotes.
    Text(String),
    /// NULL.
    Null,
    /// MAXVALUE.
    MaxValue,
}

/// One partition of a range rule: values below `upper`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangePart {
    /// Name of the partition.
    pub name: String,
    /// Exclusive upper bound, one value a column.
    pub upper: Vec<RuleValue>,
    /// Shard that holds it.
    pub shard: String,
}

/// One partition of a list rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPart {
    /// Name of the partition.
    pub name: String,
    /// Its values; `None` is DEFAULT.
    pub values: Option<Vec<Vec<RuleValue>>>,
    /// Shard that holds it.
    pub shard: String,
}

/// How a table is to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardBy {
    /// HASH (columns) [ON (shards)]
    Hash {
        /// The key.
        columns: Vec<String>,
        /// Shards to spread over; empty means all.
        shards: Vec<String>,
    },
    /// RANGE (columns) (PARTITION ...)
    Range {
        /// The key.
        columns: Vec<String>,
        /// Partitions in ascending order.
        parts: Vec<RangePart>,
    },
    /// LIST (columns) (PARTITION ...)
    List {
        /// The key.
        columns: Vec<String>,
        /// The partitions.
        parts: Vec<ListPart>,
    },
    /// REFERENCE: the same rows on every shard.
    Reference,
    /// SINGLE [ON shard]
    Single {
        /// The shard; `None` is the database's.
        shard: Option<String>,
    },
}

/// A whole rule: function, and the table whose group it joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The placement.
    pub by: ShardBy,
    /// WITH table: must have the same function and placement, and its group is joined.
    pub with: Option<ObjectName>,
}

/// A statement about rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleStatement {
    /// CREATE SHARDING RULE FOR table ...
    Create {
        /// The table, which does not exist yet.
        table: ObjectName,
        /// Its rule.
        rule: Rule,
    },
    /// DROP SHARDING RULE FOR table
    Drop {
        /// The table.
        table: ObjectName,
    },
    /// CANCEL DDL JOB id
    CancelJob {
        /// The job.
        id: u64,
    },
}

/// A clause that cannot be read: byte position and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at} of the statement: {expected}")]
pub struct ClauseError {
    /// Byte position in the statement.
    pub at: usize,
    /// What has to stand there.
    pub expected: &'static str,
}

fn want<T>(c: &Cursor<'_>, v: Option<T>, expected: &'static str) -> Result<T, ClauseError> {
    v.ok_or(ClauseError {
        at: c.position(),
        expected,
    })
}

fn need(c: &Cursor<'_>, yes: bool, expected: &'static str) -> Result<(), ClauseError> {
    want(c, yes.then_some(()), expected)
}

/// Reads what follows SHARD BY up to the end of the statement.
pub fn parse_rule(c: &mut Cursor<'_>) -> Result<Rule, ClauseError> {
    let by = if c.eat("HASH") {
        let columns = columns(c)?;
        let mut shards = Vec::new();
        if c.eat("ON") {
            let list = c.name_list();
            shards = want(c, list, "a list of shards: ON (s1, s2)")?;
        }
        ShardBy::Hash { columns, shards }
    } else if c.eat("RANGE") {
        ShardBy::Range {
            columns: columns(c)?,
            parts: parts(c, range_part)?,
        }
    } else if c.eat("LIST") {
        ShardBy::List {
            columns: columns(c)?,
            parts: parts(c, list_part)?,
        }
    } else if c.eat("REFERENCE") {
        ShardBy::Reference
    } else if c.eat("SINGLE") {
        let shard = if c.eat("ON") {
            Some(shard_name(c)?)
        } else {
            None
        };
        ShardBy::Single { shard }
    } else {
        let expected = "SHARD BY must be followed by HASH, RANGE, LIST, REFERENCE or SINGLE";
        return Err(ClauseError {
            at: c.position(),
            expected,
        });
    };
    let mut with = None;
    if c.eat("WITH") {
        let name = c.object_name();
        with = Some(want(c, name, "WITH names the table whose group is joined")?);
    }
    need(c, c.at_end(), "nothing may follow the SHARD BY clause")?;
    Ok(Rule { by, with })
}

fn columns(c: &mut Cursor<'_>) -> Result<Vec<String>, ClauseError> {
    let list = c.name_list();
    want(
        c,
        list,
        "the sharding key in parentheses, for example (user_id)",
    )
}

fn shard_name(c: &mut Cursor<'_>) -> Result<String, ClauseError> {
    let name = c.name_or_string();
    want(c, name, "the name of a shard")
}

fn parts<T>(
    c: &mut Cursor<'_>,
    one: fn(&mut Cursor<'_>, String) -> Result<T, ClauseError>,
) -> Result<Vec<T>, ClauseError> {
    let expected = "partitions in parentheses: (PARTITION name VALUES ... ON shard, ...)";
    let open = c.eat_op(Op::LParen);
    need(c, open, expected)?;
    let mut out = Vec::new();
    loop {
        let yes = c.eat("PARTITION");
        need(c, yes, "PARTITION")?;
        let name = c.name();
        let name = want(c, name, "the partition's name")?;
        out.push(one(c, name)?);
        if c.eat_op(Op::RParen) {
            return Ok(out);
        }
        let yes = c.eat_op(Op::Comma);
        need(
            c,
            yes,
            "a comma or the closing parenthesis of the partitions",
        )?;
    }
}

fn on_shard(c: &mut Cursor<'_>) -> Result<String, ClauseError> {
    let yes = c.eat("ON");
    need(c, yes, "ON and the shard that holds the partition")?;
    shard_name(c)
}

fn range_part(c: &mut Cursor<'_>, name: String) -> Result<RangePart, ClauseError> {
    let yes = c.eat_all(&["VALUES", "LESS", "THAN"]);
    need(c, yes, "VALUES LESS THAN (bound)")?;
    let upper = if c.eat("MAXVALUE") {
        vec![RuleValue::MaxValue]
    } else {
        tuple(c)?
    };
    Ok(RangePart {
        name,
        upper,
        shard: on_shard(c)?,
    })
}

fn list_part(c: &mut Cursor<'_>, name: String) -> Result<ListPart, ClauseError> {
    if c.eat("DEFAULT") {
        return Ok(ListPart {
            name,
            values: None,
            shard: on_shard(c)?,
        });
    }
    let yes = c.eat_all(&["VALUES", "IN"]);
    need(c, yes, "VALUES IN (values), or DEFAULT")?;
    let mut values = Vec::new();
    let tuples = c
        .peek_at(1)
        .is_some_and(|t| t.kind == TokenKind::Op(Op::LParen));
    if tuples {
        c.next();
        loop {
            values.push(tuple(c)?);
            if c.eat_op(Op::RParen) {
                break;
            }
            let yes = c.eat_op(Op::Comma);
            need(c, yes, "a comma between tuples")?;
        }
    } else {
        values = tuple(c)?.into_iter().map(|v| vec![v]).collect();
    }
    Ok(ListPart {
        name,
        values: Some(values),
        shard: on_shard(c)?,
    })
}

fn tuple(c: &mut Cursor<'_>) -> Result<Vec<RuleValue>, ClauseError> {
    let yes = c.eat_op(Op::LParen);
    need(c, yes, "values in parentheses")?;
    let mut out = Vec::new();
    loop {
        let v = value(c);
        out.push(want(c, v, "a number, a string, NULL or MAXVALUE")?);
        if c.eat_op(Op::RParen) {
            return Ok(out);
        }
        let yes = c.eat_op(Op::Comma);
        need(c, yes, "a comma or the closing parenthesis of the values")?;
    }
}

fn value(c: &mut Cursor<'_>) -> Option<RuleValue> {
    if c.eat("NULL") {
        return Some(RuleValue::Null);
    }
    if c.eat("MAXVALUE") {
        return Some(RuleValue::MaxValue);
    }
    if let Some(s) = c.string() {
        return Some(RuleValue::Text(s));
    }
    let minus = c.eat_op(Op::Minus);
    let t = c
        .peek()
        .filter(|t| matches!(t.kind, TokenKind::Int | TokenKind::Decimal))?;
    c.next();
    let digits = std::str::from_utf8(c.bytes(t)).ok()?;
    Some(RuleValue::Number(format!(
        "{}{digits}",
        if minus { "-" } else { "" }
    )))
}

/// Reads CREATE or DROP SHARDING RULE and CANCEL DDL JOB; `None` if it is none of them.
pub fn parse_statement(mut c: Cursor<'_>) -> Option<Result<RuleStatement, ClauseError>> {
    if c.eat_all(&["CANCEL", "DDL", "JOB"]) {
        let token = c.peek().filter(|t| t.kind == TokenKind::Int);
        let id = token.and_then(|t| std::str::from_utf8(c.bytes(t)).ok()?.parse().ok());
        let id = want(&c, id, "the number of a DDL job (SHOW DDL JOBS lists them)");
        return Some(id.map(|id| RuleStatement::CancelJob { id }));
    }
    let create = c.eat_all(&["CREATE", "SHARDING", "RULE"]);
    if !create && !c.eat_all(&["DROP", "SHARDING", "RULE"]) {
        return None;
    }
    Some((|| {
        let yes = c.eat("FOR");
        need(&c, yes, "FOR and the table")?;
        let table = c.object_name();
        let table = want(&c, table, "the table")?;
        if !create {
            need(&c, c.at_end(), "nothing may follow the table")?;
            return Ok(RuleStatement::Drop { table });
        }
        Ok(RuleStatement::Create {
            table,
            rule: parse_rule(&mut c)?,
        })
    })())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flavor, LexMode, Lexed};

    fn rule(sql: &str) -> Result<Rule, ClauseError> {
        let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
        parse_rule(&mut Cursor::new(
            sql.as_bytes(),
            &l.tokens,
            LexMode::default(),
        ))
    }

    #[test]
    fn every_function() {
        let h = rule("HASH (user_id) WITH shop.users").unwrap();
        assert_eq!(
            h.by,
            ShardBy::Hash {
                columns: vec!["user_id".into()],
                shards: vec![]
            }
        );
        assert_eq!(h.with.unwrap().to_string(), "shop.users");
        let r = rule(
            "RANGE (day) (PARTITION a VALUES LESS THAN ('2026-01-01') ON s1, \
             PARTITION b VALUES LESS THAN (MAXVALUE) ON s2)",
        );
        let ShardBy::Range { parts, .. } = r.unwrap().by else {
            panic!()
        };
        assert_eq!(parts[1].upper, [RuleValue::MaxValue]);
        let l = rule(
            "LIST (r, n) (PARTITION a VALUES IN (('n', -1), (NULL, 2)) ON s1, PARTITION o DEFAULT ON s2)",
        );
        let ShardBy::List { parts, .. } = l.unwrap().by else {
            panic!()
        };
        assert_eq!(parts[0].values.as_ref().unwrap()[1][0], RuleValue::Null);
        assert_eq!(parts[1].values, None);
        assert_eq!(rule("REFERENCE").unwrap().by, ShardBy::Reference);
    }

    #[test]
    fn mistakes_name_their_place() {
        let e = rule("RANGE (a) (PARTITION x VALUES LESS (1) ON s1)").unwrap_err();
        assert_eq!((e.at, e.expected), (23, "VALUES LESS THAN (bound)"));
        assert!(rule("HASH a").is_err() && rule("MAGIC (a)").is_err());
        assert!(rule("HASH (a) ENGINE=InnoDB").is_err());
    }
}
