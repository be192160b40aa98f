//! Which rows of a table are worth copying: conditions of the statement, put in front of its table alone.

use crate::analyze::Analysis;
use crate::analyze::restriction::{ComparedKind, Restriction};
use crate::args::{Args, ParamRef, Source};
use catalog::temporal::DateTime;
use catalog::{Table, TableId};
use sql::ident::quote_name;
use sql::splice::excerpt;
use sql::{TokenKind, TokenRange};

/// Instances of one table whose conditions are put together.
const INSTANCES_MAX: usize = 8;

/// Conditions on a table, by the instances that stand for it: a row that one of them needs is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    instances: Vec<Vec<Restriction>>,
}

/// Conditions on a table for one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterText {
    /// What stands behind WHERE, in the client's bytes.
    pub text: Vec<u8>,
    /// Numbers of the parameters in it, in its order.
    pub params: Vec<u16>,
}

impl Filter {
    /// What the statement says of all uses of a table; `None` if one of them may need every row.
    pub(super) fn of(analysis: &Analysis<'_>, table: &Table) -> Option<Self> {
        let is = |id: TableId| id == table.id;
        let uses = (0..analysis.instances.len())
            .filter(|i| analysis.instances[*i].table().is_some_and(|t| is(t.id)));
        let instances: Vec<_> = uses.map(|i| analysis.restrictions(i)).collect();
        let useful = !instances.is_empty() && instances.len() <= INSTANCES_MAX;
        let restricted = instances.iter().all(|list| !list.is_empty());
        (useful && restricted).then_some(Self { instances })
    }

    /// The conditions with the values of an execution.
    pub(super) fn with(&self, args: &Args<'_>) -> Option<FilterText> {
        let mut out = FilterText {
            text: Vec::new(),
            params: Vec::new(),
        };
        for (n, list) in self.instances.iter().enumerate() {
            let mut usable = list.iter().filter(|r| is_usable(r, args)).peekable();
            // Nothing is known of what this one needs.
            usable.peek()?;
            out.text
                .extend_from_slice(if n > 0 { b" OR (" } else { b"(" });
            for (k, r) in usable.enumerate() {
                out.text
                    .extend_from_slice(if k > 0 { b" AND (" } else { b"(" });
                out.put(r, args);
                out.text.push(b')');
            }
            out.text.push(b')');
        }
        // It is sent as UTF-8, whatever the client speaks.
        (args.utf8 || out.text.is_ascii()).then_some(out)
    }
}

impl FilterText {
    /// Appends a condition with the bare names of its columns: they are looked up in their table alone.
    fn put(&mut self, r: &Restriction, args: &Args<'_>) {
        let (from, to) = (r.tokens.start, r.tokens.end);
        let mut at = from;
        for (place, name) in &r.columns {
            self.excerpt(TokenRange::new(at, place.start), args);
            self.text.push(b' ');
            self.text.extend_from_slice(quote_name(name).as_bytes());
            self.text.push(b' ');
            at = place.end;
        }
        self.excerpt(TokenRange::new(at, to), args);
        let before = args.tokens.get(..from as usize).unwrap_or_default();
        let is_param = |t: &&sql::Token| t.kind == TokenKind::Param;
        let first = before.iter().filter(is_param).count();
        let inside = args.tokens.get(from as usize..to as usize);
        let count = inside.unwrap_or_default().iter().filter(is_param).count();
        self.params
            .extend((first..first + count).filter_map(|n| u16::try_from(n).ok()));
    }

    fn excerpt(&mut self, range: TokenRange, args: &Args<'_>) {
        if !range.is_empty() {
            let part = excerpt(args.text, args.tokens, range);
            self.text.extend_from_slice(&part);
        }
    }
}

/// True if all its values are of the kinds that it compares with.
fn is_usable(r: &Restriction, args: &Args<'_>) -> bool {
    r.values
        .iter()
        .all(|(source, kind)| fits(*source, *kind, args))
}

fn fits(source: Source, kind: ComparedKind, args: &Args<'_>) -> bool {
    match source {
        Source::Null => true,
        Source::Database => false,
        Source::Param(n) => match (args.params.get(usize::from(n)), kind) {
            (Some(ParamRef::Null), _) => true,
            (Some(ParamRef::Int(_) | ParamRef::Double(_)), ComparedKind::Number) => true,
            (Some(ParamRef::Bytes(b)), ComparedKind::Text) => args.utf8 || b.is_ascii(),
            (Some(ParamRef::Bytes(b)), ComparedKind::Moment) => is_moment(b),
            (Some(ParamRef::DateTime(Some(_))), ComparedKind::Moment) => true,
            _ => false,
        },
        Source::Literal { token, .. } => {
            let Some(token) = args.tokens.get(token as usize) else {
                return false;
            };
            match (token.kind, kind) {
                (TokenKind::Int | TokenKind::Decimal | TokenKind::Float, ComparedKind::Number) => {
                    true
                }
                (TokenKind::Str, ComparedKind::Text) => true,
                (TokenKind::Str, ComparedKind::Moment) => {
                    let raw = args.text.get(token.range()).unwrap_or_default();
                    let inside = raw.get(1..raw.len().saturating_sub(1));
                    inside.is_some_and(is_moment)
                }
                _ => false,
            }
        }
    }
}

fn is_moment(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|t| DateTime::parse(t).is_some())
}
