//! The functions that a statement calls, and whether several shards may run them for one answer.

use crate::functions::{self, Kind};
use errors::Obstacle;
use sql::Flavor;
use sqlparser::ast::{Function, FunctionArguments};

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name as the statement writes it.
    pub name: String,
    /// The built-in function; `None` if it is not known to be one.
    pub function: Option<functions::Function>,
    /// It has arguments.
    pub has_arguments: bool,
    /// It has OVER.
    pub windowed: bool,
}

impl Call {
    /// A call as the parser has it.
    pub fn of(f: &Function, flavor: Flavor) -> Self {
        let parts = crate::analyze::scope::parts(&f.name);
        let function = match parts.as_deref() {
            Some([name]) => functions::find(&name.value, name.quote_style.is_some(), flavor),
            // With a database in front it is a stored function, whatever its name.
            _ => None,
        };
        let has_arguments = match &f.args {
            FunctionArguments::None => false,
            FunctionArguments::Subquery(_) => true,
            FunctionArguments::List(l) => !l.args.is_empty(),
        };
        Self {
            name: f.name.to_string(),
            function,
            has_arguments,
            windowed: f.over.is_some(),
        }
    }

    /// MATCH ... AGAINST, whose relevance depends on the other rows of its server.
    pub fn full_text() -> Self {
        Self {
            name: "MATCH".to_string(),
            function: None,
            has_arguments: true,
            windowed: false,
        }
    }

    /// True if its value is that of several rows.
    pub fn combines_rows(&self) -> bool {
        self.windowed || self.function.is_some_and(|f| f.kind != Kind::Row)
    }

    /// True for RAND with a seed: a sequence that goes on from row to row.
    fn is_seeded(&self) -> bool {
        self.has_arguments && self.name.eq_ignore_ascii_case("RAND")
    }
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
