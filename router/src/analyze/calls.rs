//! The functions that a statement calls, and whether several shards may run them for one answer.

use crate::functions::{self, RowScope};
use errors::Obstacle;
use sql::outline::Outline;
use sql::parse::token_at;
use sql::{Flavor, Op, Token, TokenRange};
use sqlparser::ast::{DuplicateTreatment, Function, FunctionArguments, ObjectNamePart};

/// Number of a call in its statement.
pub type CallId = usize;

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name as the statement writes it.
    pub name: String,
    /// The built-in function; `None` if it is not known to be one.
    pub function: Option<functions::BuiltIn>,
    /// It has arguments.
    pub has_arguments: bool,
    /// It has DISTINCT.
    pub is_distinct: bool,
    /// It has OVER.
    pub is_windowed: bool,
    /// Where it stands, from its name to its last parenthesis; `None` if that is not certain.
    pub tokens: Option<TokenRange>,
    /// What stands in its parentheses.
    pub arguments: Option<TokenRange>,
}

impl Call {
    /// A call as the parser has it.
    pub(super) fn of(
        f: &Function,
        flavor: Flavor,
        tokens: &[Token],
        outline: Option<&Outline<'_>>,
    ) -> Self {
        let parts = crate::analyze::scope::parts(&f.name);
        let function = match parts.as_deref() {
            Some([name]) => functions::find(&name.value, name.quote_style.is_some(), flavor),
            // With a database in front it is a stored function, whatever its name.
            _ => None,
        };
        let (has_arguments, distinct) = match &f.args {
            FunctionArguments::None => (false, None),
            FunctionArguments::Subquery(_) => (true, None),
            FunctionArguments::List(l) => (!l.args.is_empty(), l.duplicate_treatment),
        };
        let place = outline.and_then(|o| place(f, tokens, o));
        Self {
            name: f.name.to_string(),
            function,
            has_arguments,
            is_distinct: distinct == Some(DuplicateTreatment::Distinct),
            is_windowed: f.over.is_some(),
            tokens: place.map(|p| p.0),
            arguments: place.and_then(|p| p.1),
        }
    }

    /// MATCH ... AGAINST, whose relevance depends on the other rows of its server.
    pub(super) fn full_text() -> Self {
        Self {
            name: "MATCH".to_string(),
            function: None,
            has_arguments: true,
            is_distinct: false,
            is_windowed: false,
            tokens: None,
            arguments: None,
        }
    }

    /// True for `full_text`.
    pub fn is_full_text(&self) -> bool {
        self.function.is_none() && self.name == "MATCH"
    }

    /// True if it makes one value of the rows of a group.
    pub fn is_aggregate(&self) -> bool {
        !self.is_windowed && self.function.is_some_and(|f| f.kind == RowScope::Aggregate)
    }

    /// True if its value is that of several rows.
    pub fn combines_rows(&self) -> bool {
        self.is_windowed || self.function.is_some_and(|f| f.kind != RowScope::Row)
    }

    /// True for RAND with a seed: a sequence that goes on from row to row.
    fn is_seeded(&self) -> bool {
        self.has_arguments && self.name.trim_matches('`').eq_ignore_ascii_case("RAND")
    }
}

/// Where a call stands, and its arguments.
fn place(
    f: &Function,
    tokens: &[Token],
    outline: &Outline<'_>,
) -> Option<(TokenRange, Option<TokenRange>)> {
    let at = |part: Option<&ObjectNamePart>| match part {
        Some(ObjectNamePart::Identifier(i)) => token_at(tokens, i.span),
        _ => None,
    };
    let (first, last) = (at(f.name.0.first())?, at(f.name.0.last())?);
    let mut arguments = None;
    let mut end = last + 1;
    if outline.is_op(end, Op::LParen) {
        arguments = outline.inside(end);
        end = arguments?.end + 1;
    }
    let words = |at, list: &[&str]| outline.is_word(at, list);
    if !f.within_group.is_empty() {
        let group = words(end, &["WITHIN"]) && words(end + 1, &["GROUP"]);
        end = outline.inside(end + 2).filter(|_| group)?.end + 1;
    }
    if words(end, &["IGNORE", "RESPECT"]) && words(end + 1, &["NULLS"]) {
        end += 2;
    }
    if f.over.is_some() {
        if !words(end, &["OVER"]) {
            return None;
        }
        end = outline.inside(end + 1).map_or(end + 2, |r| r.end + 1);
    }
    Some((TokenRange::new(first, end), arguments))
}

/// Why shards that run these calls each for itself do not give one answer; `None` if they do.
pub fn obstacle(calls: &[Call]) -> Option<Obstacle> {
    if calls.iter().any(Call::combines_rows) {
        return Some(Obstacle::Aggregate);
    }
    let counts = |c: &&Call| c.is_seeded() || c.function.is_some_and(|f| f.effects.counter);
    if let Some(c) = calls.iter().find(counts) {
        let function = c.name.clone();
        return Some(Obstacle::Counter { function });
    }
    let unknown = calls.iter().find(|c| c.function.is_none())?;
    let function = unknown.name.clone();
    Some(Obstacle::UnknownFunction { function })
}
