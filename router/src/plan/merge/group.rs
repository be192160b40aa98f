//! Queries with groups, aggregates or DISTINCT: each shard groups its own rows and sends the groups sorted,
//! so that equal ones meet.

use super::find::{Finder, same};
use super::{ColumnAt, Combine, GroupMerge, Hidden, Key, Merge, Tail};
use crate::analyze::block::{ItemKind, Meaning, Piece};
use crate::analyze::calls::Call;
use crate::analyze::comparison::Comparison;
use sql::TokenRange;
use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

/// An expression that makes groups.
struct Group<'p, 'a> {
    piece: &'p Piece<'a>,
    key: Key,
    tokens: TokenRange,
}

impl<'s, 'a> Finder<'s, 'a> {
    /// How to merge groups.
    pub(super) fn grouped(mut self, last_item: u32) -> Option<Merge> {
        let groups = self.groups()?;
        let mut columns = Vec::new();
        for n in 0..self.block.items.len() {
            let combine = self.combine(n, self.item(n)?, &groups)?;
            if combine.is_number() {
                self.items[n] = Some(Key::Item(n, Comparison::Value));
            }
            columns.push(combine);
        }
        let (order, leave) = self.orders(&groups)?;
        let having = self.having(&columns)?;
        let is_sorted_again = !leave.is_empty();
        let mut keys: Vec<(Key, bool)> = Vec::new();
        let mut sort = Vec::new();
        for (g, descending) in order {
            keys.push((groups[g].key.clone(), descending));
            sort.push((groups[g].tokens, descending));
        }
        let whole = groups.is_empty() || !having.is_empty();
        let limit = self.limit(!is_sorted_again && !whole)?;
        let order_by = self.query.clauses.order_by;
        let tail = Tail {
            behind: self.block.clauses?.end.checked_sub(1)?,
            order_by: order_by.map(|c| c.whole),
            sort,
            sort_also: order_by.filter(|_| is_sorted_again).map(|c| c.content),
            having: self.block.clauses?.having.map(|c| (c.whole, c.content)),
            limit: self.query.clauses.limit.map(|c| c.whole),
        };
        let lost = |given: bool, place: &Option<TokenRange>| given && place.is_none();
        let copied = [tail.sort_also, tail.having.map(|h| h.1)];
        if lost(!self.query.order_by.is_empty(), &tail.order_by)
            || lost(!having.is_empty(), &tail.having.map(|h| h.0))
            || copied.into_iter().flatten().any(|c| self.has_params(c))
        {
            return None;
        }
        Some(Merge {
            last_item,
            hidden: self.hidden,
            items: self.items,
            keys,
            tail,
            limit,
            groups: Some(GroupMerge {
                keys: groups.len(),
                columns,
                added: self.added,
                having,
                is_sorted_again,
                leave,
            }),
        })
    }

    /// The expressions that make groups: those of GROUP BY, or all that are selected for DISTINCT.
    fn groups(&mut self) -> Option<Vec<Group<'s, 'a>>> {
        let aggregates = self.a.calls.iter().any(|c| c.is_aggregate());
        let block = self.block;
        let mut pieces = Vec::new();
        match block.is_distinct() {
            true if aggregates || !block.group_by.is_empty() => return None,
            true => {
                for n in 0..block.items.len() {
                    pieces.push(self.item(n)?);
                }
            }
            false => {
                for piece in &block.group_by {
                    // GROUP BY 2 depends on its number.
                    let is_value = matches!(piece.expr, Expr::Value(_));
                    pieces.push(self.meant(piece).filter(|_| !is_value)?);
                }
            }
        }
        let mut out = Vec::new();
        for piece in pieces {
            if piece.columns.is_empty() || self.is_hidden_by_alias(piece) {
                return None;
            }
            let tokens = self.copied(piece)?;
            let key = self.key(piece)?;
            out.push(Group { piece, key, tokens });
        }
        Some(out)
    }

    /// True if a name in it means something else in ORDER BY: the item that is called so.
    fn is_hidden_by_alias(&self, piece: &Piece<'_>) -> bool {
        let mut names = piece
            .columns
            .iter()
            .filter_map(|c| match c.name.as_slice() {
                [name] => Some(&name.value),
                _ => None,
            });
        names.any(|name| {
            self.block.items.iter().any(|item| {
                let called = item
                    .alias
                    .is_some_and(|a| a.value.eq_ignore_ascii_case(name));
                let is_it = matches!(&item.kind, ItemKind::Value(own) if same(own, piece));
                called && !is_it
            })
        })
    }

    /// The order in which groups come, by their numbers, and the keys of another one in which they leave.
    #[allow(clippy::type_complexity)]
    fn orders(
        &mut self,
        groups: &[Group<'s, 'a>],
    ) -> Option<(Vec<(usize, bool)>, Vec<(Key, bool)>)> {
        let mut order: Vec<(usize, bool)> = Vec::new();
        let mut leave = Vec::new();
        let mut is_by_groups = true;
        // A single row has no order.
        let items = match groups.is_empty() {
            true => &[][..],
            false => &self.query.order_by,
        };
        for item in items {
            let meant = self.meant(&item.value);
            let is = |g: &Group<'_, '_>| {
                meant.is_some_and(|m| std::ptr::eq(m, g.piece) || same(m, g.piece))
            };
            let key = match groups.iter().position(is) {
                Some(g) => {
                    if !order.iter().any(|(known, _)| *known == g) {
                        order.push((g, item.is_descending));
                    }
                    groups[g].key.clone()
                }
                None => {
                    is_by_groups = false;
                    self.aggregate_key(&item.value)
                        .or_else(|| self.order_key(item))?
                }
            };
            leave.push((key, item.is_descending));
        }
        if is_by_groups {
            leave.clear();
        } else {
            order.clear();
        }
        for g in 0..groups.len() {
            if !order.iter().any(|(known, _)| *known == g) {
                order.push((g, false));
            }
        }
        Some((order, leave))
    }

    /// What an aggregate in ORDER BY sorts by: an item that has it.
    fn aggregate_key(&mut self, piece: &'s Piece<'a>) -> Option<Key> {
        let n = match piece.plain_column().map(|c| c.meaning) {
            Some(Meaning::Item(n)) => n,
            Some(_) => return None,
            None => {
                let found = (0..self.items.len()).find(|n| {
                    let item = self.item(*n);
                    item.is_some_and(|item| self.is_same_aggregate(item, piece))
                });
                match found {
                    Some(n) => n,
                    None => return self.added_number(piece, piece.expr),
                }
            }
        };
        match self.items.get(n)? {
            Some(key @ Key::Item(..)) => Some(key.clone()),
            _ => None,
        }
    }

    fn is_same_aggregate<'p>(&self, a: &'p Piece<'_>, b: &'p Piece<'_>) -> bool {
        let aggregate = |p: &'p Piece<'_>| self.aggregate(p, p.expr);
        let (Some((x, f)), Some((y, g))) = (aggregate(a), aggregate(b)) else {
            return false;
        };
        let columns = |p: &Piece<'_>| -> Vec<_> {
            let one = p.columns.iter();
            one.map(|c| (c.meaning, c.name.last().map(|n| n.value.to_lowercase())))
                .collect()
        };
        // COUNT(*), SUM(x): nothing but a name in it.
        let simple = |p: &Piece<'_>, e: Option<&Expr>| {
            p.calls.len() == 1
                && e.is_none_or(|e| matches!(e, Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
        };
        x.name.eq_ignore_ascii_case(&y.name)
            && simple(a, f)
            && simple(b, g)
            && columns(a) == columns(b)
    }

    /// The aggregate that a part of a piece is, which has no other, and its argument; none is `*`.
    pub(super) fn aggregate<'p>(
        &self,
        piece: &Piece<'_>,
        mut e: &'p Expr,
    ) -> Option<(&'s Call, Option<&'p Expr>)> {
        while let Expr::Nested(inner) = e {
            e = inner;
        }
        let Expr::Function(f) = e else {
            return None;
        };
        let calls = piece.calls.iter().map(|c| &self.a.calls[*c]);
        let mut aggregates = calls.filter(|c| c.is_aggregate());
        let only = aggregates.next().filter(|_| aggregates.next().is_none())?;
        let FunctionArguments::List(list) = &f.args else {
            return None;
        };
        let plain = !only.is_distinct && list.clauses.is_empty() && only.name == f.name.to_string();
        match list.args.as_slice() {
            _ if !plain => None,
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(e))] => Some((only, Some(e))),
            [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] => Some((only, None)),
            _ => None,
        }
    }

    /// What becomes of an item in the rows of one group.
    fn combine(
        &mut self,
        n: usize,
        piece: &'s Piece<'a>,
        groups: &[Group<'s, 'a>],
    ) -> Option<Combine> {
        let class = self.a.class(piece);
        if !piece.queries.is_empty() || piece.has_unresolved || class.reads_variables {
            return None;
        }
        if !class.has_aggregate {
            let is_group = groups.iter().any(|g| std::ptr::eq(g.piece, piece));
            let by_groups = piece.columns.iter().all(|c| {
                let own = |g: &Group<'_, '_>| {
                    let plain = g.piece.plain_column();
                    plain.is_some_and(|p| {
                        p.meaning == c.meaning
                            && p.name.last().map(|n| n.value.to_lowercase())
                                == c.name.last().map(|n| n.value.to_lowercase())
                    })
                };
                groups.iter().any(own)
            });
            let follows = class.is_of_one_row() && !class.effects.clock && by_groups;
            return (is_group || follows).then_some(Combine::First);
        }
        let (call, argument) = self.aggregate(piece, piece.expr)?;
        let name = call.name.trim_matches('`').to_ascii_uppercase();
        let arguments = call.arguments;
        Some(match (name.as_str(), argument) {
            ("COUNT", _) | ("SUM", Some(_)) => Combine::Sum,
            ("BIT_AND", Some(_)) => Combine::BitAnd,
            ("BIT_OR", Some(_)) => Combine::BitOr,
            ("BIT_XOR", Some(_)) => Combine::BitXor,
            ("MIN" | "MAX", Some(e)) => {
                let by = self.compares(piece, e)?;
                let at = match &by {
                    // ENUM and SET compare as text here.
                    Comparison::Number => return None,
                    Comparison::Value | Comparison::Bytes => ColumnAt::Visible(n),
                    by => {
                        let quiet = self.is_quiet(piece, e);
                        let tokens = self.copied(piece).filter(|_| quiet)?;
                        let hidden = Hidden::Of(by.clone(), tokens);
                        match self.add(hidden, by.clone()) {
                            Key::Hidden(n, _) => ColumnAt::Hidden(n),
                            _ => return None,
                        }
                    }
                };
                match name.as_str() {
                    "MIN" => Combine::Min(at, by),
                    _ => Combine::Max(at, by),
                }
            }
            ("AVG", Some(e)) => {
                self.copied(piece).filter(|_| self.is_quiet(piece, e))?;
                let mut add = |f| match self.add(Hidden::Call(f, arguments?), Comparison::Value) {
                    Key::Hidden(n, _) => Some(n),
                    _ => None,
                };
                Combine::Average {
                    sum: add("SUM")?,
                    count: add("COUNT")?,
                }
            }
            _ => return None,
        })
    }
}

impl Combine {
    /// True if its values are numbers, whatever they are made of.
    pub(super) fn is_number(&self) -> bool {
        match self {
            Combine::First | Combine::Min(..) | Combine::Max(..) => false,
            Combine::Sum | Combine::Average { .. } => true,
            Combine::BitAnd | Combine::BitOr | Combine::BitXor => true,
        }
    }
}
