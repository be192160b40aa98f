//! Expressions that cannot fail or warn: their values are compared with others of their kind only.

use crate::analyze::condition::source;
use crate::args::Source;
use catalog::definition::{Column, TableDefinition};
use sql::Token;
use sqlparser::ast::*;

/// What is compared without a conversion that could warn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparedKind {
    /// Numbers.
    Number,
    /// Texts and bytes.
    Text,
    /// Dates and date-times; a text must be one of the calendar.
    Moment,
}

use ComparedKind::{Moment, Number, Text};

/// An operand.
enum Operand {
    /// Of a kind whatever its value is.
    Known(ComparedKind),
    /// A value of this execution.
    Value(Source),
}

/// Reads one condition.
pub(super) struct Kinds<'s> {
    definition: &'s TableDefinition,
    tokens: &'s [Token],
    /// What its values must be.
    pub values: Vec<(Source, ComparedKind)>,
}

impl<'s> Kinds<'s> {
    pub(super) fn new(definition: &'s TableDefinition, tokens: &'s [Token]) -> Self {
        Self {
            definition,
            tokens,
            values: Vec::new(),
        }
    }

    /// `None` if it is not of this sort.
    pub(super) fn predicate(&mut self, e: &Expr) -> Option<()> {
        match e {
            Expr::Nested(e)
            | Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr: e,
            } => self.predicate(e),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::InList { expr, list, .. } => self.alike(expr, list),
            Expr::Between {
                expr, low, high, ..
            } => self.alike(expr, [low.as_ref(), high.as_ref()]),
            Expr::Like {
                expr,
                pattern,
                escape_char: None,
                any: false,
                ..
            } => match self.operand(expr)? {
                Operand::Known(Text) => self.alike(expr, [pattern.as_ref()]),
                _ => None,
            },
            Expr::IsNull(e) | Expr::IsNotNull(e) => {
                let column = self.column(e)?;
                (!column.auto_increment && kind(column).is_some()).then_some(())
            }
            _ => None,
        }
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<()> {
        use BinaryOperator::*;
        match op {
            And | Or => {
                // Chains are long and lean to the left.
                let (mut todo, mut chain) = (vec![left], vec![right]);
                while let Some(e) = todo.pop() {
                    match e {
                        Expr::BinaryOp {
                            left,
                            op: And | Or,
                            right,
                        } => {
                            todo.push(left);
                            chain.push(right);
                        }
                        _ => chain.push(e),
                    }
                }
                chain.into_iter().try_for_each(|e| self.predicate(e))
            }
            Eq | NotEq | Lt | LtEq | Gt | GtEq | Spaceship => self.alike(left, [right]),
            _ => None,
        }
    }

    /// All of one kind, which at least one of them has whatever the values are.
    fn alike<'e>(
        &mut self,
        first: &Expr,
        others: impl IntoIterator<Item = &'e Expr>,
    ) -> Option<()> {
        let mut operands = vec![self.operand(first)?];
        for other in others {
            operands.push(self.operand(other)?);
        }
        let known = operands.iter().find_map(|o| match o {
            Operand::Known(kind) => Some(*kind),
            Operand::Value(_) => None,
        })?;
        for operand in operands {
            match operand {
                Operand::Known(kind) if kind == known => {}
                Operand::Known(_) => return None,
                Operand::Value(source) => self.values.push((source, known)),
            }
        }
        Some(())
    }

    fn operand(&mut self, e: &Expr) -> Option<Operand> {
        if let Some(source) = source(self.tokens, e) {
            return (source != Source::Database).then_some(Operand::Value(source));
        }
        let known = match e {
            Expr::Nested(e) => return self.operand(e),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => kind(self.column(e)?)?,
            Expr::Extract { field, expr, .. } => {
                let is_moment = kind(self.column(expr)?)? == Moment;
                let date = matches!(
                    field,
                    DateTimeField::Year | DateTimeField::Month | DateTimeField::Day
                );
                (is_moment && date).then_some(Number)?
            }
            Expr::Function(f) => self.call(f)?,
            _ => self.constant(e)?,
        };
        Some(Operand::Known(known))
    }

    /// Sums of numbers and dates with intervals, without columns: what they say, they say once.
    fn constant(&mut self, e: &Expr) -> Option<ComparedKind> {
        match e {
            Expr::Nested(e) => self.constant(e),
            Expr::TypedString(t) => {
                let moment = matches!(t.data_type, DataType::Date);
                let text = matches!(t.value.value, Value::SingleQuotedString(_));
                (moment && text).then_some(Moment)
            }
            Expr::Value(v) if matches!(v.value, Value::Number(..)) => Some(Number),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Plus | BinaryOperator::Minus,
                right,
            } => match (self.constant(left)?, right.as_ref()) {
                (Moment, Expr::Interval(i)) => {
                    let simple = i.last_field.is_none() && source(self.tokens, &i.value).is_some();
                    simple.then_some(Moment)
                }
                (Number, right) => self.constant(right).filter(|k| *k == Number),
                _ => None,
            },
            _ => None,
        }
    }

    fn call(&mut self, f: &Function) -> Option<ComparedKind> {
        let [ObjectNamePart::Identifier(name)] = f.name.0.as_slice() else {
            return None;
        };
        let FunctionArguments::List(list) = &f.args else {
            return None;
        };
        let plain = name.quote_style.is_none()
            && f.over.is_none()
            && f.filter.is_none()
            && list.clauses.is_empty()
            && list.duplicate_treatment.is_none();
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else {
            return None;
        };
        let of = kind(self.column(argument)?)?;
        let is = |names: &[&str]| names.iter().any(|n| name.value.eq_ignore_ascii_case(n));
        match of {
            _ if !plain => None,
            Text if is(&["LOWER", "UPPER", "LCASE", "UCASE"]) => Some(Text),
            Text if is(&["LENGTH", "CHAR_LENGTH", "OCTET_LENGTH"]) => Some(Number),
            Moment if is(&["YEAR", "MONTH", "DAY", "DAYOFMONTH", "QUARTER"]) => Some(Number),
            Moment if is(&["DATE"]) => Some(Moment),
            _ => None,
        }
    }

    fn column(&self, e: &Expr) -> Option<&'s Column> {
        let name = match e {
            Expr::Identifier(name) => name,
            Expr::CompoundIdentifier(parts) => parts.last()?,
            _ => return None,
        };
        self.definition.column(&name.value)
    }
}

/// What a column's values are. A TIMESTAMP depends on the time zone, an ENUM is text and number, others
/// convert what they are compared with.
fn kind(column: &Column) -> Option<ComparedKind> {
    let end = column.data_type.find(|c: char| !c.is_ascii_alphabetic());
    let base = column
        .data_type
        .get(..end.unwrap_or(column.data_type.len()))?;
    Some(match base {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "float"
        | "double" | "year" => Number,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => Text,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Text,
        "date" | "datetime" => Moment,
        _ => return None,
    })
}
