//! The definition of a temporary table that stands in for a real one: same name, columns, keys and
//! collations, so that a statement on it means and shows the same.

use sql::cursor::Cursor;
use sql::ident::{name_of, quote_name};
use sql::{Flavor, LexMode, Lexed, Op, Token, TokenKind};
use std::collections::BTreeSet;
use std::ops::Range;

/// Character sets whose text does not always come back the same from utf8mb4.
const NOT_LOSSLESS: [&str; 9] = [
    "big5", "gbk", "gb2312", "gb18030", "sjis", "cp932", "ujis", "eucjpms", "euckr",
];

/// A stand-in for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// CREATE TEMPORARY TABLE.
    pub create: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
}

/// Makes one from what SHOW CREATE TABLE says. `keeps` tells which columns a statement may use.
/// An error says what keeps the table from having a stand-in.
pub fn shadow(
    create: &str,
    database: &str,
    table: &str,
    keeps: impl Fn(&str) -> bool,
) -> Result<Shadow, String> {
    let mode = LexMode::default();
    let lexed =
        Lexed::new(create.as_bytes(), mode, Flavor::default()).map_err(|e| e.to_string())?;
    let tokens = &lexed.tokens[..];
    let d = Definition {
        text: create,
        tokens,
    };
    let (items, end) = d.items().ok_or("its definition could not be read")?;
    let kept = d.kept(&items, keeps);
    let mut columns = Vec::new();
    let mut parts = Vec::new();
    for item in items.iter().filter(|i| d.is_column(i)) {
        let name = d.name(item.start).ok_or("a column without a name")?;
        if kept.contains(&name) {
            parts.push(d.column(item)?);
            columns.push(name);
        }
    }
    for item in items.iter().filter(|i| !d.is_column(i)) {
        parts.extend(d.key(item, &columns)?);
    }
    let (db, name) = (quote_name(database), quote_name(table));
    let create = format!(
        "CREATE TEMPORARY TABLE {db}.{name} ({}) ENGINE=InnoDB{}",
        parts.join(", "),
        d.options(end)?
    );
    Ok(Shadow { create, columns })
}

struct Definition<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Definition<'_> {
    fn is_op(&self, at: usize, op: Op) -> bool {
        self.tokens.get(at).map(|t| t.kind) == Some(TokenKind::Op(op))
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        let t = self.tokens.get(at);
        t.is_some_and(|t| t.kind == TokenKind::Word && self.raw(*t).eq_ignore_ascii_case(word))
    }

    fn raw(&self, t: Token) -> &str {
        self.text.get(t.range()).unwrap_or_default()
    }

    fn name(&self, at: usize) -> Option<String> {
        name_of(self.text.as_bytes(), *self.tokens.get(at)?)
    }

    fn slice(&self, tokens: Range<usize>) -> &str {
        let first = self.tokens.get(tokens.start);
        let last = tokens.end.checked_sub(1).and_then(|i| self.tokens.get(i));
        match (first, last) {
            (Some(a), Some(b)) if !tokens.is_empty() => {
                let range = a.start as usize..b.end as usize;
                self.text.get(range).unwrap_or_default()
            }
            _ => "",
        }
    }

    /// Token ranges between the commas of the outer parentheses, and the token behind them.
    fn items(&self) -> Option<(Vec<Range<usize>>, usize)> {
        let open = (0..self.tokens.len()).find(|i| self.is_op(*i, Op::LParen))?;
        let (mut depth, mut start, mut out) = (0usize, open + 1, Vec::new());
        for i in open + 1..self.tokens.len() {
            match self.tokens[i].kind {
                TokenKind::Op(Op::LParen) => depth += 1,
                TokenKind::Op(Op::RParen) if depth == 0 => {
                    out.push(start..i);
                    return Some((out, i + 1));
                }
                TokenKind::Op(Op::RParen) => depth -= 1,
                TokenKind::Op(Op::Comma) if depth == 0 => {
                    out.push(start..i);
                    start = i + 1;
                }
                _ => {}
            }
        }
        None
    }

    /// Columns begin with their quoted name; keys with a word.
    fn is_column(&self, item: &Range<usize>) -> bool {
        let first = self.tokens.get(item.start);
        first.is_some_and(|t| t.kind != TokenKind::Word)
    }

    /// Columns that stay: those that are used, and those that share a key with one, so that columns show the
    /// same flags. The primary key stays in any case: rows then have their usual order.
    fn kept(&self, items: &[Range<usize>], keeps: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let columns = items.iter().filter(|i| self.is_column(i));
        let columns: Vec<String> = columns.filter_map(|i| self.name(i.start)).collect();
        let mut kept: BTreeSet<String> = columns.iter().filter(|c| keeps(c)).cloned().collect();
        let keys = items.iter().filter(|i| self.is_plain_key(i));
        let keys: Vec<(bool, Vec<String>)> = keys
            .map(|i| {
                let names = i.clone().filter_map(|t| self.name(t));
                let names = names.filter(|n| columns.contains(n)).collect();
                (self.is_word(i.start, "PRIMARY"), names)
            })
            .collect();
        loop {
            let before = kept.len();
            for (primary, names) in &keys {
                if *primary || names.iter().any(|n| kept.contains(n)) {
                    kept.extend(names.iter().cloned());
                }
            }
            if kept.len() == before {
                break;
            }
        }
        // A table needs a column, and rows count.
        if kept.is_empty() {
            kept.extend(columns.into_iter().next());
        }
        kept
    }

    fn is_plain_key(&self, item: &Range<usize>) -> bool {
        let plain = ["PRIMARY", "UNIQUE", "KEY"];
        plain.iter().any(|w| self.is_word(item.start, w))
    }

    /// A column as a plain one: what a server computes is filled like the rest.
    fn column(&self, item: &Range<usize>) -> Result<String, String> {
        let mut out = String::new();
        let mut at = item.start;
        let mut put = |text: &str| {
            if !(out.is_empty() || text.is_empty()) {
                out.push(' ');
            }
            out.push_str(text);
        };
        let mut from = at;
        while at < item.end {
            let generated = self.is_word(at, "GENERATED") && self.is_word(at + 1, "ALWAYS");
            let short = self.is_word(at, "AS") && self.is_op(at + 1, Op::LParen);
            let check = self.is_word(at, "CHECK") && self.is_op(at + 1, Op::LParen);
            if generated && self.is_word(at + 3, "ROW") {
                return Err("it is system-versioned".to_string());
            }
            if self.is_word(at, "SET") && self.is_lossy(at + 1)
                || self.is_word(at, "CHARSET") && self.is_lossy(at + 1)
            {
                return Err(format!(
                    "a column has the character set {}, whose text does not always come back the same",
                    self.raw(self.tokens[at + 1])
                ));
            }
            if !(generated || short || check) {
                at += 1;
                continue;
            }
            put(self.slice(from..at));
            at += if generated { 3 } else { 1 };
            at = self
                .behind_group(at)
                .ok_or("a generated column could not be read")?;
            while ["VIRTUAL", "STORED", "PERSISTENT"]
                .iter()
                .any(|w| self.is_word(at, w))
            {
                at += 1;
            }
            from = at;
        }
        put(self.slice(from..item.end));
        // Its key may be gone, and the values are all given.
        Ok(out.replace(" AUTO_INCREMENT", ""))
    }

    fn is_lossy(&self, at: usize) -> bool {
        let at = if self.is_op(at, Op::Eq) { at + 1 } else { at };
        NOT_LOSSLESS.iter().any(|c| self.is_word(at, c))
    }

    fn behind_group(&self, open: usize) -> Option<usize> {
        let mut c = Cursor::new(self.text.as_bytes(), self.tokens, LexMode::default());
        c.index = open;
        c.skip_group()?;
        Some(c.index)
    }

    /// A key whose columns are all there; those of other kinds find nothing that a plain look would not.
    fn key(&self, item: &Range<usize>, columns: &[String]) -> Result<Option<String>, String> {
        if self.is_word(item.start, "PERIOD") {
            return Err("it has a period".to_string());
        }
        if !self.is_plain_key(item) {
            return Ok(None);
        }
        let open = item.clone().find(|i| self.is_op(*i, Op::LParen));
        let Some(open) = open else { return Ok(None) };
        let mut depth = 0usize;
        for i in open..item.end {
            match self.tokens[i].kind {
                TokenKind::Op(Op::LParen) => depth += 1,
                TokenKind::Op(Op::RParen) => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                // An expression in a key (MySQL 8) is more than a name.
                _ if depth > 1 && self.tokens[i].kind != TokenKind::Int => return Ok(None),
                _ if depth == 1 => {
                    let direction = self.is_word(i, "ASC") || self.is_word(i, "DESC");
                    let known = self.name(i).is_some_and(|n| columns.contains(&n));
                    let comma = self.is_op(i, Op::Comma);
                    if !(direction || known || comma) {
                        return Ok(None);
                    }
                }
                _ => {}
            }
        }
        Ok(Some(self.slice(item.clone()).to_string()))
    }

    /// The table's own character set and collation, which columns without one have.
    fn options(&self, from: usize) -> Result<String, String> {
        let mut out = String::new();
        for i in from..self.tokens.len() {
            if self.is_word(i, "VERSIONING") {
                return Err("it is system-versioned".to_string());
            }
            if self.is_word(i, "PARTITION") {
                break;
            }
            if self.is_word(i, "CHARSET") && self.is_lossy(i + 1) {
                return Err("its character set does not always come back the same".to_string());
            }
            for option in ["CHARSET", "COLLATE"] {
                if self.is_word(i, option) && self.is_op(i + 1, Op::Eq) {
                    out += &format!(" {option}={}", self.slice(i + 2..i + 3));
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATE: &str = "CREATE TABLE `t` (\n  `id` bigint(20) NOT NULL AUTO_INCREMENT,\n  \
        `a,b` varchar(20) CHARACTER SET latin1 DEFAULT 'x, GENERATED ALWAYS AS (1)',\n  \
        `g` int(11) GENERATED ALWAYS AS (`id` + (1)) VIRTUAL,\n  \
        `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin CHECK (json_valid(`j`)),\n  \
        PRIMARY KEY (`id`,`g`),\n  UNIQUE KEY `u` (`a,b`(10)),\n  FULLTEXT KEY `f` (`j`),\n  \
        CONSTRAINT `c` FOREIGN KEY (`g`) REFERENCES `o` (`x`)\n) ENGINE=InnoDB AUTO_INCREMENT=5 \
        DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='a COLLATE=b'\n PARTITION BY HASH (`id`)";

    #[test]
    fn keys_and_collations_stay() {
        let all = shadow(CREATE, "d", "t", |_| true).unwrap();
        assert_eq!(all.columns, ["id", "a,b", "g", "j"]);
        assert_eq!(
            all.create,
            "CREATE TEMPORARY TABLE `d`.`t` (`id` bigint(20) NOT NULL, `a,b` varchar(20) CHARACTER SET \
             latin1 DEFAULT 'x, GENERATED ALWAYS AS (1)', `g` int(11), `j` longtext CHARACTER SET utf8mb4 \
             COLLATE utf8mb4_bin, PRIMARY KEY (`id`,`g`), UNIQUE KEY `u` (`a,b`(10))) ENGINE=InnoDB \
             CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"
        );
    }

    #[test]
    fn columns_that_no_one_uses_go_with_their_keys() {
        let some = shadow(CREATE, "d", "t", |c| c == "g").unwrap();
        assert_eq!(some.columns, ["id", "g"]);
        assert!(some.create.contains("PRIMARY KEY") && !some.create.contains("UNIQUE"));
        let plain = CREATE.replace("PRIMARY KEY (`id`,`g`),", "");
        let none = shadow(&plain, "d", "t", |_| false).unwrap();
        assert_eq!(none.columns, ["id"]);
        assert!(!none.create.contains("KEY"));
    }

    #[test]
    fn what_cannot_be_shadowed_says_so() {
        let lossy = "CREATE TABLE `t` (`a` varchar(3) CHARACTER SET sjis)";
        assert!(shadow(lossy, "d", "t", |_| true).is_err());
        let versioned = "CREATE TABLE `t` (`a` int) ENGINE=InnoDB WITH SYSTEM VERSIONING";
        assert!(shadow(versioned, "d", "t", |_| true).is_err());
        assert!(shadow("CREATE VIEW `v` AS select 1", "d", "v", |_| true).is_err());
    }
}
