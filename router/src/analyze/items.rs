//! Select lists, and the blocks that are no SELECT: UPDATE and DELETE.

use crate::analyze::block::*;
use crate::analyze::build::Builder;
use crate::analyze::scope::parts;
use sql::TokenKind;
use sql::TokenRange;
use sql::outline::{Clause, SelectClauses, TailClauses};
use sql::parse::token_at;
use sqlparser::ast::{
    self, AssignmentTarget, FromTable, SelectItem, SelectItemQualifiedWildcardKind,
};

impl<'a> Builder<'a> {
    /// Reads the select list of a block.
    pub(super) fn items(
        &mut self,
        block: BlockId,
        list: &'a [SelectItem],
        content: Option<TokenRange>,
    ) {
        let places = self.places(content, list.len());
        for (item, tokens) in list.iter().zip(places) {
            let item = self.item(item, tokens);
            self.out.blocks[block].items.push(item);
        }
    }

    fn item(&mut self, item: &'a SelectItem, tokens: Option<TokenRange>) -> SelectedItem<'a> {
        let (kind, alias) = match item {
            SelectItem::UnnamedExpr(e) => (ItemKind::Value(self.piece(e, tokens)), None),
            SelectItem::ExprWithAlias { expr, alias } => {
                let value = tokens.and_then(|t| self.before_alias(t, alias));
                (ItemKind::Value(self.piece(expr, value)), Some(alias))
            }
            SelectItem::Wildcard(options) if is_plain(options) => (ItemKind::All, None),
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) if is_plain(options) => (ItemKind::AllOf(parts(name).unwrap_or_default()), None),
            _ => {
                self.odd("this kind of select item");
                (ItemKind::All, None)
            }
        };
        SelectedItem {
            kind,
            alias,
            tokens,
        }
    }

    /// What stands before `AS alias`, or before the alias alone.
    fn before_alias(&self, item: TokenRange, alias: &ast::Ident) -> Option<TokenRange> {
        let outline = self.outline.as_ref()?;
        let last = item.end.checked_sub(1)?;
        // The parser says nothing of the place of a name in string quotes.
        let is_string = outline.token(last)?.kind == TokenKind::Str;
        let at = match alias.span.start.column {
            0 if is_string => last,
            _ => token_at(self.tokens, alias.span).filter(|at| *at == last)?,
        };
        let end = match at > item.start && outline.is_word(at - 1, &["AS"]) {
            true => at - 1,
            false => at,
        };
        Some(TokenRange::new(item.start, end))
    }

    /// Where the clauses of the whole statement stand, which is no SELECT.
    fn change_clauses(&self) -> (Option<SelectClauses>, TailClauses) {
        let Some(outline) = &self.outline else {
            return Default::default();
        };
        let whole = outline.whole();
        let clauses = outline.select(0, whole.end);
        let tail = outline.tail(TokenRange::new(clauses.end, whole.end), true);
        (Some(clauses), tail)
    }

    pub(super) fn update(&mut self, u: &'a ast::Update) {
        let id = self.open(BlockKind::Update(u), None);
        self.depth += 1;
        let (clauses, tail) = self.change_clauses();
        let c = clauses.unwrap_or_default();
        // Its tables stand where a select list would.
        let derived = self.from(id, std::slice::from_ref(&u.table), content(c.items));
        self.gather_where(u.selection.as_ref());
        self.read_from_queries(id, &derived);
        let places = self.places(content(c.set), u.assignments.len());
        for (a, tokens) in u.assignments.iter().zip(places) {
            let AssignmentTarget::ColumnName(name) = &a.target else {
                self.odd("an assignment to several columns");
                continue;
            };
            let column = parts(name).unwrap_or_default();
            let value = tokens.and_then(|t| {
                let last = token_at(self.tokens, column.last()?.span)?;
                Some(TokenRange::new(last + 2, t.end))
            });
            let value = self.piece(&a.value, value);
            self.out.blocks[id].assignments.push(ColumnAssignment {
                column,
                value,
                tokens,
            });
        }
        if u.from.is_some() || u.output.is_some() || u.or.is_some() {
            self.odd("a clause of this UPDATE");
        }
        self.change(
            id,
            u.selection.as_ref(),
            clauses,
            &tail,
            (&u.order_by, u.limit.as_ref(), u.returning.as_ref()),
        );
    }

    pub(super) fn delete(&mut self, d: &'a ast::Delete) {
        let id = self.open(BlockKind::Delete(d), None);
        self.depth += 1;
        let (clauses, tail) = self.change_clauses();
        let c = clauses.unwrap_or_default();
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &d.from;
        let derived = match &d.using {
            Some(using) => self.from(id, using, content(c.using)),
            None => self.from(id, from, content(c.from)),
        };
        self.gather_where(d.selection.as_ref());
        self.read_from_queries(id, &derived);
        if d.output.is_some() {
            self.odd("a clause of this DELETE");
        }
        self.change(
            id,
            d.selection.as_ref(),
            clauses,
            &tail,
            (&d.order_by, d.limit.as_ref(), d.returning.as_ref()),
        );
    }

    /// What UPDATE and DELETE have in common: WHERE, ORDER BY, LIMIT and RETURNING.
    fn change(
        &mut self,
        id: BlockId,
        selection: Option<&'a ast::Expr>,
        clauses: Option<SelectClauses>,
        tail: &TailClauses,
        (order_by, limit, returning): (
            &'a [ast::OrderByExpr],
            Option<&'a ast::Expr>,
            Option<&'a Vec<SelectItem>>,
        ),
    ) {
        let conditions = self.condition(selection, content(clauses.and_then(|c| c.conditions)));
        let order_by = self.order(order_by, content(tail.order_by));
        let limit = limit.map(|e| self.literal(e));
        if let Some(returning) = returning {
            self.items(id, returning, content(tail.returning));
        }
        let block = &mut self.out.blocks[id];
        block.clauses = clauses;
        block.conditions = conditions;
        block.order_by = order_by;
        block.limit = limit;
        self.depth -= 1;
    }
}

fn content(clause: Option<Clause>) -> Option<TokenRange> {
    clause.map(|c| c.content)
}

/// True without the additions that other kinds of SQL have.
fn is_plain(o: &ast::WildcardAdditionalOptions) -> bool {
    o.opt_ilike.is_none()
        && o.opt_exclude.is_none()
        && o.opt_except.is_none()
        && o.opt_replace.is_none()
        && o.opt_rename.is_none()
        && o.opt_alias.is_none()
}
