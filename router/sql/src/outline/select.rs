//! The clauses of SELECT, UPDATE and DELETE, and those that follow a whole query.

use super::{Outline, TokenRange};
use crate::lexer::{Op, TokenKind};

/// A clause with its keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clause {
    /// All of it: WHERE a = 1.
    pub whole: TokenRange,
    /// What its keyword introduces: a = 1.
    pub content: TokenRange,
}

/// Where the clauses of one SELECT, UPDATE or DELETE stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SelectClauses {
    /// The select list, or what UPDATE and DELETE have between their verb and the next clause.
    pub items: Option<Clause>,
    /// FROM.
    pub from: Option<Clause>,
    /// SET of an UPDATE.
    pub set: Option<Clause>,
    /// USING of a DELETE.
    pub using: Option<Clause>,
    /// WHERE.
    pub conditions: Option<Clause>,
    /// GROUP BY, without WITH ROLLUP and the like in its content.
    pub group_by: Option<Clause>,
    /// HAVING.
    pub having: Option<Clause>,
    /// WINDOW.
    pub windows: Option<Clause>,
    /// Index behind all of these.
    pub end: u32,
}

/// Where the clauses behind a whole query stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TailClauses {
    /// ORDER BY.
    pub order_by: Option<Clause>,
    /// LIMIT, or OFFSET and FETCH.
    pub limit: Option<Clause>,
    /// RETURNING.
    pub returning: Option<Clause>,
    /// Index behind the last of these, and of INTO, FOR UPDATE and the like.
    pub end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keyword {
    From,
    Set,
    Using,
    Where,
    Group,
    Having,
    Window,
    Order,
    Limit,
    Returning,
    /// INTO in the middle of a SELECT, or behind it.
    Into,
    /// FOR UPDATE, LOCK IN SHARE MODE, PROCEDURE.
    Rest,
    /// UNION, EXCEPT, INTERSECT.
    Operator,
}

/// Words between SELECT and its list; those of UPDATE and DELETE are taken for part of the list.
const MODIFIERS: [&str; 11] = [
    "ALL",
    "DISTINCT",
    "DISTINCTROW",
    "HIGH_PRIORITY",
    "STRAIGHT_JOIN",
    "SQL_SMALL_RESULT",
    "SQL_BIG_RESULT",
    "SQL_BUFFER_RESULT",
    "SQL_CACHE",
    "SQL_NO_CACHE",
    "SQL_CALC_FOUND_ROWS",
];

impl Outline<'_> {
    /// The clauses of the SELECT, UPDATE or DELETE whose verb stands at `verb`; it ends before `end`.
    pub fn select(&self, verb: u32, end: u32) -> SelectClauses {
        let mut out = SelectClauses::default();
        let mut start = verb + 1;
        while start < end && self.is_modifier(start) {
            start += 1;
        }
        let is_select = self.is_word(verb, &["SELECT"]);
        let mut open = (verb, start, None);
        let mut marks = self.top(TokenRange::new(start, end)).peekable();
        let mut finish = end;
        while let Some(at) = marks.next() {
            let Some((keyword, width)) = self.keyword(at, is_select) else {
                continue;
            };
            use Keyword::*;
            let behind = matches!(keyword, Order | Limit | Returning | Rest | Operator);
            // INTO may come before FROM, or behind all clauses.
            let last_into = keyword == Into && open.2.is_some() && open.2 != Some(Into);
            if behind || last_into {
                finish = at;
                break;
            }
            out.put(open, at);
            open = (at, at + width, Some(keyword));
            for _ in 1..width {
                marks.next();
            }
        }
        out.put(open, finish);
        out.end = finish;
        if let Some(group) = &mut out.group_by {
            let words = (
                group.content.end.saturating_sub(2),
                group.content.end.saturating_sub(1),
            );
            if self.is_word(words.0, &["WITH"]) && self.is_word(words.1, &["ROLLUP", "CUBE"]) {
                group.content.end -= 2;
            }
        }
        out
    }

    /// The clauses behind the body of a query, or behind an UPDATE or DELETE (`is_change`), up to
    /// `range.end`.
    pub fn tail(&self, range: TokenRange, is_change: bool) -> TailClauses {
        let mut out = TailClauses::default();
        let mut open: Option<(u32, u32, Keyword)> = None;
        let put = |out: &mut TailClauses, open: Option<(u32, u32, Keyword)>, end: u32| {
            let Some((at, content, keyword)) = open else {
                return;
            };
            let clause = Clause {
                whole: TokenRange::new(at, end),
                content: TokenRange::new(content, end),
            };
            match keyword {
                Keyword::Order => out.order_by = Some(clause),
                Keyword::Limit => out.limit = Some(clause),
                Keyword::Returning => out.returning = Some(clause),
                _ => {}
            }
        };
        for at in self.top(range) {
            let keyword = self.keyword(at, !is_change);
            // OFFSET 5 ROWS FETCH NEXT 3 ROWS ONLY is one limit.
            let goes_on = matches!(
                (open, keyword),
                (Some((.., Keyword::Limit)), Some((Keyword::Limit, _)))
            );
            let Some((keyword, width)) = keyword.filter(|_| !goes_on) else {
                continue;
            };
            if keyword == Keyword::Operator {
                put(&mut out, open, at);
                out.end = at;
                return out;
            }
            put(&mut out, open, at);
            open = Some((at, at + width, keyword));
        }
        put(&mut out, open, range.end);
        out.end = range.end;
        out
    }

    /// The query of an INSERT that begins where the range does: it ends before ON DUPLICATE KEY and
    /// RETURNING.
    pub fn inserted(&self, range: TokenRange) -> TokenRange {
        let ends = |at: &u32| {
            self.is_word(*at, &["ON"]) && self.is_word(at + 1, &["DUPLICATE"])
                || self.is_word(*at, &["RETURNING"])
        };
        let end = self.top(range).find(ends);
        TokenRange::new(range.start, end.unwrap_or(range.end))
    }

    /// Index behind the rows of the VALUES at `verb`, which end before `end`.
    pub fn values(&self, verb: u32, end: u32) -> Option<u32> {
        if !self.is_word(verb, &["VALUES", "VALUE"]) {
            return None;
        }
        let mut behind = self.top(TokenRange::new(verb + 1, end));
        Some(
            behind
                .find(|at| self.keyword(*at, true).is_some())
                .unwrap_or(end),
        )
    }

    /// The set operator at an index and the index behind it; `true` with ALL.
    pub fn set_operator(&self, at: u32) -> Option<(bool, u32)> {
        if !self.is_word(at, &["UNION", "EXCEPT", "INTERSECT"]) {
            return None;
        }
        match () {
            () if self.is_word(at + 1, &["ALL"]) => Some((true, at + 2)),
            () if self.is_word(at + 1, &["DISTINCT"]) => Some((false, at + 2)),
            () => Some((false, at + 1)),
        }
    }

    fn is_modifier(&self, at: u32) -> bool {
        self.is_word(at, &MODIFIERS) || self.token(at).is_some_and(|t| t.kind == TokenKind::Hint)
    }

    /// The keyword that begins a clause at an index outside of parentheses, and how many tokens it has.
    fn keyword(&self, at: u32, is_select: bool) -> Option<(Keyword, u32)> {
        if self.token(at)?.kind != TokenKind::Word {
            return None;
        }
        let is = |words: &[&str]| self.is_word(at, words);
        let then = |words: &[&str]| self.is_word(at + 1, words);
        // USE INDEX FOR ORDER BY (i) is no clause.
        let hint = at > 0 && self.is_word(at - 1, &["FOR"]);
        Some(match () {
            () if is(&["FROM"]) => (Keyword::From, 1),
            () if is(&["WHERE"]) => (Keyword::Where, 1),
            () if is(&["GROUP"]) && then(&["BY"]) && !hint => (Keyword::Group, 2),
            () if is(&["HAVING"]) => (Keyword::Having, 1),
            () if is(&["ORDER"]) && then(&["BY"]) && !hint => (Keyword::Order, 2),
            () if is(&["LIMIT"]) => (Keyword::Limit, 1),
            () if is(&["FETCH"]) && then(&["FIRST", "NEXT"]) => (Keyword::Limit, 1),
            () if is(&["OFFSET"]) && self.is_word(at + 2, &["ROW", "ROWS"]) => (Keyword::Limit, 1),
            () if is(&["INTO"]) => (Keyword::Into, 1),
            () if is(&["UNION", "EXCEPT", "INTERSECT"]) => (Keyword::Operator, 1),
            () if is(&["FOR"]) && then(&["UPDATE", "SHARE"]) => (Keyword::Rest, 1),
            () if is(&["LOCK"]) && then(&["IN"]) => (Keyword::Rest, 1),
            () if is(&["PROCEDURE"]) => (Keyword::Rest, 1),
            () if is(&["WINDOW"]) && self.defines_window(at + 1) => (Keyword::Window, 1),
            () if is(&["RETURNING"]) && !is_select => (Keyword::Returning, 1),
            () if is(&["SET"]) && !is_select => (Keyword::Set, 1),
            () if is(&["USING"]) && !is_select && !self.is_op(at + 1, Op::LParen) => {
                (Keyword::Using, 1)
            }
            () => return None,
        })
    }

    /// `name AS (`: WINDOW is a name for MariaDB.
    fn defines_window(&self, name: u32) -> bool {
        self.is_word(name + 1, &["AS"]) && self.is_op(name + 2, Op::LParen)
    }
}

impl SelectClauses {
    fn put(&mut self, open: (u32, u32, Option<Keyword>), end: u32) {
        let clause = Some(Clause {
            whole: TokenRange::new(open.0, end),
            content: TokenRange::new(open.1, end),
        });
        match open.2 {
            None => self.items = clause,
            Some(Keyword::From) => self.from = clause,
            Some(Keyword::Set) => self.set = clause,
            Some(Keyword::Using) => self.using = clause,
            Some(Keyword::Where) => self.conditions = clause,
            Some(Keyword::Group) => self.group_by = clause,
            Some(Keyword::Having) => self.having = clause,
            Some(Keyword::Window) => self.windows = clause,
            _ => {}
        }
    }
}
