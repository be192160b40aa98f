//! How values of an expression compare, as far as that is certain before any server is asked.

use catalog::definition::TableDefinition;
use sqlparser::ast::*;

/// How values of an expression are compared, by what a server sends of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// As they come: numbers, dates and times.
    Value,
    /// FLOAT, whose text has too few digits.
    Float,
    /// ENUM, SET and BIT: by their number.
    Number,
    /// TIMESTAMP, whose text repeats an hour when clocks are put back.
    Timestamp,
    /// Text of this collation.
    Text(String),
    /// Bytes.
    Bytes,
}

impl Comparison {
    /// What to select so that the result can be compared, for an expression with the text `of`; `None` if
    /// that is the expression itself.
    pub fn selected(&self, of: &str) -> Option<String> {
        match self {
            Self::Value | Self::Bytes => None,
            Self::Float => Some(format!("({of}) + 0e0")),
            Self::Number => Some(format!("({of}) + 0")),
            Self::Timestamp => Some(format!("UNIX_TIMESTAMP({of})")),
            Self::Text(_) => Some(format!("WEIGHT_STRING({of})")),
        }
    }
}

/// Functions whose values are numbers.
const NUMERIC: [&str; 34] = [
    "YEAR",
    "MONTH",
    "DAY",
    "DAYOFMONTH",
    "DAYOFWEEK",
    "DAYOFYEAR",
    "WEEKDAY",
    "WEEK",
    "YEARWEEK",
    "QUARTER",
    "HOUR",
    "MINUTE",
    "SECOND",
    "LENGTH",
    "OCTET_LENGTH",
    "CHAR_LENGTH",
    "ASCII",
    "ROUND",
    "FLOOR",
    "CEIL",
    "CEILING",
    "ABS",
    "SIGN",
    "DATEDIFF",
    "TO_DAYS",
    "FIELD",
    "FIND_IN_SET",
    "INSTR",
    "LOCATE",
    "CRC32",
    "ISNULL",
    "TIMESTAMPDIFF",
    "MOD",
    "BIT_COUNT",
];

/// How values of `e` compare; its columns are those of this definition. `None` if that is not certain.
pub fn comparison<'d>(
    e: &Expr,
    definition: &impl Fn(&Expr) -> Option<&'d TableDefinition>,
) -> Option<Comparison> {
    match e {
        Expr::Nested(e) => comparison(e, definition),
        Expr::Identifier(name) => of_column(definition(e)?, &name.value),
        Expr::CompoundIdentifier(parts) => of_column(definition(e)?, &parts.last()?.value),
        Expr::BinaryOp { left, op, right } => {
            is_numeric(left, op, right).then_some(Comparison::Value)
        }
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Not,
            ..
        } => Some(Comparison::Value),
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::Between { .. }
        | Expr::InList { .. }
        | Expr::Like { .. }
        | Expr::Ceil { .. }
        | Expr::Floor { .. }
        | Expr::Extract {
            field: DateTimeField::Year | DateTimeField::Month | DateTimeField::Day,
            ..
        } => Some(Comparison::Value),
        Expr::Function(f) => of_call(f, definition),
        _ => None,
    }
}

/// True if computing `e` once more can neither fail nor warn where computing it once did not.
pub fn is_quiet<'d>(e: &Expr, definition: &impl Fn(&Expr) -> Option<&'d TableDefinition>) -> bool {
    let quiet = |e: &Expr| is_quiet(e, definition);
    let is_number = |e: &Expr| match e {
        Expr::Value(v) => matches!(v.value, Value::Number(..)),
        e => matches!(comparison(e, definition), Some(Comparison::Value)),
    };
    match e {
        Expr::Nested(e) | Expr::IsNull(e) | Expr::IsNotNull(e) => quiet(e),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => comparison(e, definition).is_some(),
        Expr::Value(v) => matches!(v.value, Value::Number(..)),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply,
            right,
        } => [left, right].into_iter().all(|e| quiet(e) && is_number(e)),
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => quiet(expr) && is_number(expr),
        Expr::Function(f) => match &f.args {
            FunctionArguments::List(list) => match list.args.as_slice() {
                [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] => {
                    let own = comparison(argument, definition);
                    let text = ["LENGTH", "CHAR_LENGTH", "OCTET_LENGTH", "LOWER", "UPPER"];
                    let date = ["YEAR", "MONTH", "DAY", "DAYOFMONTH", "QUARTER", "DATE"];
                    let is = |list: &[&str]| {
                        let name = f.name.to_string();
                        list.iter().any(|n| name.eq_ignore_ascii_case(n))
                    };
                    match own {
                        Some(Comparison::Text(_)) => is(&text) && quiet(argument),
                        Some(Comparison::Value) => is(&date) && quiet(argument),
                        _ => false,
                    }
                }
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}

fn is_numeric(left: &Expr, op: &BinaryOperator, right: &Expr) -> bool {
    use BinaryOperator::*;
    let interval = |e: &Expr| matches!(e, Expr::Interval(_));
    match op {
        Plus | Minus => !interval(left) && !interval(right),
        Multiply | Divide | Modulo | MyIntegerDivide => true,
        Eq | NotEq | Lt | LtEq | Gt | GtEq | Spaceship | And | Or => true,
        BitwiseAnd | BitwiseOr | BitwiseXor => true,
        _ => false,
    }
}

fn of_call<'d>(
    f: &Function,
    definition: &impl Fn(&Expr) -> Option<&'d TableDefinition>,
) -> Option<Comparison> {
    let [ObjectNamePart::Identifier(name)] = f.name.0.as_slice() else {
        return None;
    };
    let is = |list: &[&str]| list.iter().any(|n| name.value.eq_ignore_ascii_case(n));
    if name.quote_style.is_some() {
        return None;
    }
    if is(&NUMERIC) {
        return Some(Comparison::Value);
    }
    let FunctionArguments::List(list) = &f.args else {
        return None;
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else {
        return None;
    };
    let is_name = matches!(argument, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    match comparison(argument, definition).filter(|_| is_name)? {
        text @ Comparison::Text(_) => is(&["LOWER", "UPPER", "LCASE", "UCASE"]).then_some(text),
        Comparison::Value => is(&["DATE"]).then_some(Comparison::Value),
        _ => None,
    }
}

fn of_column(definition: &TableDefinition, name: &str) -> Option<Comparison> {
    let column = definition.column(name)?;
    let kind = &column.data_type;
    let end = kind.find(|c: char| !c.is_ascii_alphabetic());
    Some(match kind.get(..end.unwrap_or(kind.len()))? {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "double" | "date"
        | "datetime" | "time" | "year" => Comparison::Value,
        "float" => Comparison::Float,
        "enum" | "set" | "bit" => Comparison::Number,
        "timestamp" => Comparison::Timestamp,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext"
            if !column.collation.is_empty() =>
        {
            Comparison::Text(column.collation.clone())
        }
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
            Comparison::Bytes
        }
        _ => return None,
    })
}
