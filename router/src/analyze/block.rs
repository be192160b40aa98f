//! Query blocks: a statement as a tree of queries and blocks, each with its parts.
//!
//! Everything refers to everything else by number. Parts keep the parser's expressions and the tokens where
//! they stand, because a statement is never printed from its tree: what must change is spliced into its text.

use crate::analyze::calls::CallId;
use crate::analyze::instance::TableInstanceId;
use sql::TokenRange;
use sql::outline::{Clause, SelectClauses, TailClauses};
use sqlparser::ast::{self, Expr, Ident};

/// Number of a query in its statement; inner ones have larger numbers.
pub type QueryId = usize;
/// Number of a block in its statement.
pub type BlockId = usize;

/// What a query stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is the statement, or what an INSERT inserts.
    Statement,
    /// WITH of this query.
    With(QueryId),
    /// FROM: it is this instance.
    From(TableInstanceId),
    /// It is an operand in parentheses of this query.
    Operand(QueryId),
    /// An expression of this block; `None` for one of a whole UNION.
    Expression(Option<BlockId>),
}

/// One SELECT, or several put together, with its WITH, ORDER BY and LIMIT.
#[derive(Debug)]
pub struct Query<'a> {
    /// The parser's node.
    pub ast: &'a ast::Query,
    /// What it stands in.
    pub place: Place,
    /// Its WITH, in order.
    pub ctes: Vec<Cte<'a>>,
    /// What it selects.
    pub body: Body<'a>,
    /// ORDER BY.
    pub order_by: Vec<OrderItem<'a>>,
    /// Rows of LIMIT or FETCH.
    pub limit: Option<Piece<'a>>,
    /// Rows to leave out before these.
    pub offset: Option<Piece<'a>>,
    /// Where it stands, without parentheses around it; `None` if that is not certain.
    pub tokens: Option<TokenRange>,
    /// Where its own ORDER BY and LIMIT stand.
    pub clauses: TailClauses,
    /// The instances of blocks around it that it uses: none if it can be computed by itself.
    pub outer: Vec<TableInstanceId>,
    /// Names in it may mean something else than what was found.
    pub has_unresolved: bool,
}

/// A query of WITH.
#[derive(Debug)]
pub struct Cte<'a> {
    /// Its name and the names of its columns, if given.
    pub alias: &'a ast::TableAlias,
    /// The query, once it has been read.
    pub query: Option<QueryId>,
    /// Queries read from now on see its name.
    pub(super) is_visible: bool,
}

/// What a query selects.
#[derive(Debug)]
pub enum Body<'a> {
    /// One SELECT.
    Block(BlockId),
    /// A query in parentheses.
    Query(QueryId),
    /// Two put together.
    Set {
        /// UNION, EXCEPT or INTERSECT.
        operator: ast::SetOperator,
        /// Rows may repeat.
        all: bool,
        /// What stands before it.
        left: Box<Body<'a>>,
        /// What stands behind it.
        right: Box<Body<'a>>,
    },
    /// VALUES.
    Rows(Vec<Piece<'a>>),
    /// Something that is not understood; the analysis has a refusal then.
    Unknown,
}

/// A statement, or a part of one, with tables of its own.
#[derive(Debug)]
pub struct Block<'a> {
    /// The parser's node.
    pub kind: BlockKind<'a>,
    /// The query that it is or is part of; `None` for UPDATE and DELETE.
    pub query: Option<QueryId>,
    /// The block whose columns it may use besides its own.
    pub around: Option<BlockId>,
    /// Its tables, in order.
    pub instances: Vec<TableInstanceId>,
    /// FROM: items that commas separate.
    pub from: Vec<FromItem<'a>>,
    /// The select list; RETURNING of UPDATE and DELETE.
    pub items: Vec<SelectedItem<'a>>,
    /// SET of an UPDATE.
    pub assignments: Vec<ColumnAssignment<'a>>,
    /// WHERE, cut at its ANDs.
    pub conditions: Vec<Piece<'a>>,
    /// GROUP BY.
    pub group_by: Vec<Piece<'a>>,
    /// GROUP BY has WITH ROLLUP or the like.
    pub has_rollup: bool,
    /// HAVING, cut at its ANDs.
    pub having: Vec<Piece<'a>>,
    /// Expressions of the windows that WINDOW names.
    pub windows: Vec<Piece<'a>>,
    /// ORDER BY of an UPDATE or DELETE; that of a SELECT belongs to its query.
    pub order_by: Vec<OrderItem<'a>>,
    /// LIMIT of an UPDATE or DELETE.
    pub limit: Option<Piece<'a>>,
    /// Where its clauses stand; `None` if that is not certain.
    pub clauses: Option<SelectClauses>,
    /// An aggregate function in it may be one of a block around it, because all its columns are.
    pub aggregates_around: bool,
}

/// The parser's node of a block.
#[derive(Debug, Clone, Copy)]
pub enum BlockKind<'a> {
    /// SELECT.
    Select(&'a ast::Select),
    /// UPDATE.
    Update(&'a ast::Update),
    /// DELETE.
    Delete(&'a ast::Delete),
}

/// A table of FROM, or several joined.
#[derive(Debug)]
pub enum FromItem<'a> {
    /// One.
    Instance(TableInstanceId),
    /// Two of these.
    Join(Box<Join<'a>>),
    /// Something that is not understood; the analysis has a refusal then.
    Unknown,
}

/// A join of FROM. Items that commas separate are joined by WHERE alone and are none.
#[derive(Debug)]
pub struct Join<'a> {
    /// Which rows stay.
    pub kind: JoinKind,
    /// All columns of the same name are compared.
    pub is_natural: bool,
    /// What stands before it.
    pub left: FromItem<'a>,
    /// What stands behind it.
    pub right: FromItem<'a>,
    /// ON, cut at its ANDs.
    pub on: Vec<Piece<'a>>,
    /// The parser's node of ON.
    pub(super) condition: Option<&'a Expr>,
    /// Where that stands.
    pub(super) condition_tokens: Option<TokenRange>,
    /// Columns of USING.
    pub using: Vec<&'a Ident>,
}

/// Which rows a join keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Those with a partner.
    Inner,
    /// The same, and the left table is read first.
    Straight,
    /// Those of the left side without a partner too.
    Left,
    /// Those of the right side without a partner too.
    Right,
}

/// One item of a select list.
#[derive(Debug)]
pub struct SelectedItem<'a> {
    /// What it selects.
    pub kind: ItemKind<'a>,
    /// The name given to it.
    pub alias: Option<&'a Ident>,
    /// All of it, name included.
    pub tokens: Option<TokenRange>,
}

/// What an item selects.
#[derive(Debug)]
pub enum ItemKind<'a> {
    /// A value.
    Value(Piece<'a>),
    /// `*`
    All,
    /// `t.*`: the parts of the name in front of the star.
    AllOf(Vec<&'a Ident>),
}

/// One item of ORDER BY.
#[derive(Debug)]
pub struct OrderItem<'a> {
    /// What is compared.
    pub value: Piece<'a>,
    /// Largest first.
    pub is_descending: bool,
    /// All of it, ASC or DESC included.
    pub tokens: Option<TokenRange>,
}

/// `column = value` of an UPDATE.
#[derive(Debug)]
pub struct ColumnAssignment<'a> {
    /// The parts of the column's name.
    pub column: Vec<&'a Ident>,
    /// Its new value.
    pub value: Piece<'a>,
    /// All of it.
    pub tokens: Option<TokenRange>,
}

/// An expression with what it uses. Its tokens are without parentheses around all of it: where it is
/// put beside something else, it needs them.
#[derive(Debug)]
pub struct Piece<'a> {
    /// The parser's node.
    pub expr: &'a Expr,
    /// Where it stands; `None` if that is not certain.
    pub tokens: Option<TokenRange>,
    /// Columns that it names itself, not in a subquery, in order.
    pub columns: Vec<NamedColumn<'a>>,
    /// Functions that it calls itself.
    pub calls: Vec<CallId>,
    /// Its subqueries.
    pub queries: Vec<QueryId>,
    /// It reads variables.
    pub reads_variables: bool,
    /// It has syntax of which nothing is known.
    pub is_odd: bool,
    /// Instances that it uses, of its own block and of those around, itself or in subqueries.
    pub instances: Vec<TableInstanceId>,
    /// A name in it, or in a subquery, may mean something else than what was found.
    pub has_unresolved: bool,
}

/// A column that an expression names.
#[derive(Debug)]
pub struct NamedColumn<'a> {
    /// The parts of its name.
    pub name: Vec<&'a Ident>,
    /// Where it stands; `None` if that is not certain.
    pub tokens: Option<TokenRange>,
    /// What it means.
    pub meaning: Meaning,
}

/// What a name of a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A column of this instance.
    Instance(TableInstanceId),
    /// The item of the select list that has this name.
    Item(usize),
    /// That is not certain.
    Unknown,
}

impl<'a> Query<'a> {
    /// The expressions behind its body.
    pub fn pieces(&self) -> Vec<&Piece<'a>> {
        let order_by = self.order_by.iter().map(|o| &o.value);
        order_by.chain(&self.limit).chain(&self.offset).collect()
    }
}

impl<'a> Piece<'a> {
    /// The column, if it is nothing else than one.
    pub fn plain_column(&self) -> Option<&NamedColumn<'a>> {
        let mut expr = self.expr;
        while let Expr::Nested(inner) = expr {
            expr = inner;
        }
        let is_name = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        self.columns.first().filter(|_| is_name)
    }
}

impl<'a> FromItem<'a> {
    /// Adds the conditions of its joins.
    fn pieces<'s>(&'s self, out: &mut Vec<&'s Piece<'a>>) {
        if let FromItem::Join(join) = self {
            join.left.pieces(out);
            join.right.pieces(out);
            out.extend(&join.on);
        }
    }

    /// True if NULLs may stand in the place of a row of one of its tables.
    pub(super) fn has_outer_join(&self) -> bool {
        match self {
            FromItem::Instance(_) => false,
            FromItem::Join(j) => {
                matches!(j.kind, JoinKind::Left | JoinKind::Right)
                    || j.left.has_outer_join()
                    || j.right.has_outer_join()
            }
            FromItem::Unknown => true,
        }
    }

    /// Its instances, in order.
    pub fn instances(&self) -> Vec<TableInstanceId> {
        match self {
            FromItem::Instance(i) => vec![*i],
            FromItem::Join(j) => {
                let mut out = j.left.instances();
                out.extend(j.right.instances());
                out
            }
            FromItem::Unknown => Vec::new(),
        }
    }
}

impl<'a> Block<'a> {
    /// A block without parts.
    pub(super) fn new(
        kind: BlockKind<'a>,
        query: Option<QueryId>,
        around: Option<BlockId>,
    ) -> Self {
        Self {
            kind,
            query,
            around,
            instances: Vec::new(),
            from: Vec::new(),
            items: Vec::new(),
            assignments: Vec::new(),
            conditions: Vec::new(),
            group_by: Vec::new(),
            has_rollup: false,
            having: Vec::new(),
            windows: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            clauses: None,
            aggregates_around: false,
        }
    }

    /// True for SELECT DISTINCT.
    pub fn is_distinct(&self) -> bool {
        match self.kind {
            BlockKind::Select(s) => s
                .distinct
                .as_ref()
                .is_some_and(|d| *d != ast::Distinct::All),
            _ => false,
        }
    }

    /// All its expressions.
    pub fn pieces(&self) -> Vec<&Piece<'a>> {
        let mut out = Vec::new();
        for item in &self.items {
            if let ItemKind::Value(piece) = &item.kind {
                out.push(piece);
            }
        }
        self.from.iter().for_each(|f| f.pieces(&mut out));
        out.extend(self.assignments.iter().map(|a| &a.value));
        for list in [
            &self.conditions,
            &self.group_by,
            &self.having,
            &self.windows,
        ] {
            out.extend(list);
        }
        out.extend(self.order_by.iter().map(|o| &o.value));
        out.extend(&self.limit);
        out
    }

    /// Where it stands, from its verb to its last clause; ORDER BY and LIMIT of a SELECT belong to its query.
    pub fn tokens(&self) -> Option<TokenRange> {
        let clauses = self.clauses.as_ref()?;
        Some(TokenRange::new(clauses.items?.whole.start, clauses.end))
    }

    /// A clause, if its place is certain.
    pub fn clause(&self, which: impl Fn(&SelectClauses) -> Option<Clause>) -> Option<Clause> {
        self.clauses.as_ref().and_then(which)
    }
}
