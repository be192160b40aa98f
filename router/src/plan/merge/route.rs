//! A merge with the values of one execution put in.

use super::{Comparator, GroupMerge, Hidden, Key, Merge};
use crate::analyze::comparison::Comparison;
use crate::args::{Args, ParamRef, Source};
use crate::plan::forward::{RouteContext, Shards};
use catalog::ShardId;
use sql::splice::{Splices, excerpt};
use sql::{TokenKind, TokenRange};

/// A column of the rows that shards send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnAt {
    /// The item of the select list with this number.
    Visible(usize),
    /// The added column with this number.
    Hidden(usize),
}

/// What rows are compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The column.
    pub at: ColumnAt,
    /// How its values compare.
    pub by: Comparison,
    /// Largest first.
    pub is_descending: bool,
}

/// A condition of HAVING with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HavingValue {
    /// The column.
    pub at: ColumnAt,
    /// How it is compared.
    pub operator: Comparator,
    /// With this number, in decimal digits.
    pub number: Vec<u8>,
}

/// How to merge, for one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRoute {
    /// Where the rows are.
    pub shards: Shards,
    /// What each shard is sent.
    pub text: Vec<u8>,
    /// Numbers of the client's parameters in it.
    pub params: Vec<u16>,
    /// How many columns stand behind those of the client.
    pub hidden: usize,
    /// The order in which rows come.
    pub keys: Vec<SortKey>,
    /// How rows of one group become one.
    pub groups: Option<GroupMerge>,
    /// Groups that do not satisfy these are left out.
    pub having: Vec<HavingValue>,
    /// The order in which groups leave, if it is another one.
    pub leave: Vec<SortKey>,
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to send; `None` for all.
    pub limit: Option<u64>,
}

impl Merge {
    /// With the values of an execution; `None` if they do not allow it.
    pub(in crate::plan) fn route(
        &self,
        cx: &RouteContext<'_>,
        shards: &[ShardId],
    ) -> Option<MergeRoute> {
        let args = &cx.args;
        let session = cx.session;
        if session.cursor || (session.select_limit && self.limit.is_none()) {
            return None;
        }
        let (mut limit, mut offset) = (None, 0);
        if let Some(l) = &self.limit {
            limit = Some(number(l.rows, args)?);
            offset = match l.offset {
                Some(source) => number(source, args)?,
                None => 0,
            };
        }
        let keys = self.sort_keys(&self.keys, args)?;
        let (mut leave, mut having) = (Vec::new(), Vec::new());
        if let Some(groups) = &self.groups {
            leave = self.sort_keys(&groups.leave, args)?;
            for h in &groups.having {
                having.push(HavingValue {
                    at: h.at,
                    operator: h.operator,
                    number: digits(h.value, args)?,
                });
            }
        }
        let pushed = self.limit.filter(|l| l.is_pushed).and(limit);
        let pushed = pushed.map(|l| l.saturating_add(offset));
        Some(MergeRoute {
            shards: shards.into(),
            text: self.text(args, pushed),
            params: self.params(args),
            hidden: self.hidden.len(),
            keys,
            groups: self.groups.clone(),
            having,
            leave,
            offset,
            limit,
        })
    }

    fn sort_keys(&self, keys: &[(Key, bool)], args: &Args<'_>) -> Option<Vec<SortKey>> {
        let mut out = Vec::new();
        for (key, is_descending) in keys {
            let key = match key {
                Key::Position(token) => {
                    let source = Source::Literal {
                        token: *token,
                        negated: false,
                    };
                    let n = usize::try_from(number(source, args)?)
                        .ok()?
                        .checked_sub(1)?;
                    self.items.get(n)?.as_ref()?
                }
                key => key,
            };
            let (at, by) = match key {
                Key::Hidden(n, by) => (ColumnAt::Hidden(*n), by),
                Key::Item(n, by) => (ColumnAt::Visible(*n), by),
                Key::Position(_) => return None,
            };
            out.push(SortKey {
                at,
                by: by.clone(),
                is_descending: *is_descending,
            });
        }
        Some(out)
    }

    /// What shards are sent: the client's text with columns added, and their own order and limit.
    fn text(&self, args: &Args<'_>, limit: Option<u64>) -> Vec<u8> {
        let mut splices = Splices::default();
        let behind = |token: u32| {
            let end = args
                .tokens
                .get(token as usize)
                .map_or(0, |t| t.end as usize);
            end..end
        };
        let text_of = |range: TokenRange| excerpt(args.text, args.tokens, range);
        let mut added = Vec::new();
        for hidden in &self.hidden {
            added.extend_from_slice(b", ");
            match hidden {
                Hidden::Call(function, arguments) => {
                    added.extend_from_slice(function.as_bytes());
                    added.push(b'(');
                    added.extend_from_slice(&text_of(*arguments));
                    added.push(b')');
                }
                Hidden::Of(by, range) => {
                    // The text may be in another character set than ours.
                    let (before, after) = around(by);
                    added.extend_from_slice(before.as_bytes());
                    added.extend_from_slice(&text_of(*range));
                    added.extend_from_slice(after.as_bytes());
                }
            }
        }
        if !added.is_empty() {
            splices.replace(behind(self.last_item), added);
        }
        let mut sort = Vec::new();
        for (range, is_descending) in &self.tail.sort {
            sort.extend_from_slice(if sort.is_empty() {
                b" ORDER BY "
            } else {
                b", "
            });
            sort.extend_from_slice(&text_of(*range));
            if *is_descending {
                sort.extend_from_slice(b" DESC");
            }
        }
        if let Some((whole, content)) = self.tail.having {
            // It keeps every group, but columns are described as those of a statement with HAVING.
            let mut having = b"HAVING COALESCE((".to_vec();
            having.extend_from_slice(&text_of(content));
            having.extend_from_slice(b"), 1) >= 0");
            splices.replace(whole.bytes(args.tokens), having);
        }
        if let Some(also) = self.tail.sort_also {
            sort.extend_from_slice(b", ");
            sort.extend_from_slice(&text_of(also));
        }
        match self.tail.order_by {
            Some(range) => splices.replace(range.bytes(args.tokens), sort),
            None if sort.is_empty() => {}
            None => splices.replace(behind(self.tail.behind), sort),
        }
        if let Some(range) = self.tail.limit {
            let limit = limit.map_or_else(String::new, |l| format!("LIMIT {l}"));
            splices.replace(range.bytes(args.tokens), limit);
        }
        splices.apply(args.text)
    }

    /// The parameters that stay: those of LIMIT are values now.
    fn params(&self, args: &Args<'_>) -> Vec<u16> {
        let gone = |at: usize| {
            let clauses = [self.tail.limit, self.tail.order_by];
            let inside = |r: &TokenRange| (r.start as usize..r.end as usize).contains(&at);
            clauses.iter().flatten().any(inside)
        };
        let tokens = args.tokens.iter().enumerate();
        let params = tokens.filter(|(_, t)| t.kind == TokenKind::Param);
        let params = params.zip(0u16..).filter(|((at, _), _)| !gone(*at));
        params.map(|(_, n)| n).collect()
    }
}

/// What stands around an expression whose values compare so.
fn around(by: &Comparison) -> (String, String) {
    const MARK: &str = "\u{0}";
    let text = by.selected(MARK).unwrap_or_else(|| format!("({MARK})"));
    let (before, after) = text.split_once(MARK).unwrap_or_default();
    (before.to_string(), after.to_string())
}

/// A number of HAVING in decimal digits.
fn digits(source: Source, args: &Args<'_>) -> Option<Vec<u8>> {
    match source {
        Source::Literal { token, negated } => {
            let token = args.tokens.get(token as usize)?;
            let exact = matches!(token.kind, TokenKind::Int | TokenKind::Decimal);
            let raw = args.text.get(token.range()).filter(|_| exact)?;
            let mut out = if negated { b"-".to_vec() } else { Vec::new() };
            out.extend_from_slice(raw);
            Some(out)
        }
        Source::Param(n) => match args.params.get(usize::from(n))? {
            ParamRef::Int(n) => Some(n.to_string().into_bytes()),
            _ => None,
        },
        _ => None,
    }
}

/// A number of LIMIT or ORDER BY.
fn number(source: Source, args: &Args<'_>) -> Option<u64> {
    match source {
        Source::Literal {
            token,
            negated: false,
        } => {
            let token = args.tokens.get(token as usize)?;
            let raw = args.text.get(token.range())?;
            std::str::from_utf8(raw).ok()?.parse().ok()
        }
        Source::Param(n) => match args.params.get(usize::from(n))? {
            ParamRef::Int(n) => u64::try_from(*n).ok(),
            _ => None,
        },
        _ => None,
    }
}
