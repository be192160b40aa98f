//! The parts of an expression, kind by kind.
//!
//! Every kind that the parser makes of MySQL's grammar is listed. One that is not makes an expression odd:
//! nothing is concluded from it, and it is not spread over shards.

use sqlparser::ast::*;

/// A direct part of an expression.
pub(super) enum Part<'a> {
    /// Another expression.
    Expr(&'a Expr),
    /// A subquery.
    Query(&'a Query),
}

/// Adds the direct parts of an expression in the order of the text; false if its kind is not known.
pub(super) fn parts<'a>(e: &'a Expr, out: &mut Vec<Part<'a>>) -> bool {
    if let Some(only) = only_part(e) {
        push(only, out);
        return true;
    }
    if let Some((left, right)) = two_parts(e) {
        push(left, out);
        push(right, out);
        return true;
    }
    match e {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) => {}
        Expr::TypedString(_) | Expr::MatchAgainst { .. } | Expr::Wildcard(_) => {}
        Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => out.push(Part::Query(subquery)),
        Expr::Tuple(list) => push_all(list, out),
        Expr::Function(f) => return function(f, out),
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            push_some(operand.as_deref(), out);
            for when in conditions {
                push(&when.condition, out);
                push(&when.result, out);
            }
            push_some(else_result.as_deref(), out);
        }
        _ => return several_parts(e, out),
    }
    true
}

fn only_part(e: &Expr) -> Option<&Expr> {
    match e {
        Expr::IsFalse(e) | Expr::IsNotFalse(e) | Expr::IsTrue(e) | Expr::IsNotTrue(e) => Some(e),
        Expr::IsNull(e) | Expr::IsNotNull(e) | Expr::IsUnknown(e) | Expr::IsNotUnknown(e) => {
            Some(e)
        }
        Expr::Nested(e)
        | Expr::UnaryOp { expr: e, .. }
        | Expr::Collate { expr: e, .. }
        | Expr::Extract { expr: e, .. }
        | Expr::Prefixed { value: e, .. }
        | Expr::Interval(Interval { value: e, .. })
        | Expr::Ceil { expr: e, .. }
        | Expr::Floor { expr: e, .. }
        | Expr::Cast {
            expr: e,
            format: None,
            ..
        } => Some(e),
        _ => None,
    }
}

fn two_parts(e: &Expr) -> Option<(&Expr, &Expr)> {
    match e {
        Expr::BinaryOp { left, right, .. }
        | Expr::AnyOp { left, right, .. }
        | Expr::AllOp { left, right, .. }
        | Expr::Position {
            expr: left,
            r#in: right,
        }
        | Expr::MemberOf(MemberOf {
            value: left,
            array: right,
        })
        | Expr::RLike {
            expr: left,
            pattern: right,
            ..
        } => Some((left, right)),
        _ => None,
    }
}

fn several_parts<'a>(e: &'a Expr, out: &mut Vec<Part<'a>>) -> bool {
    match e {
        Expr::Convert { expr, styles, .. } => {
            push(expr, out);
            push_all(styles, out);
        }
        Expr::Like {
            expr,
            pattern,
            escape_char,
            any: false,
            ..
        } => {
            push(expr, out);
            push(pattern, out);
            push_some(escape_char.as_deref(), out);
        }
        Expr::Between {
            expr, low, high, ..
        } => [expr, low, high].into_iter().for_each(|e| push(e, out)),
        Expr::InList { expr, list, .. } => {
            push(expr, out);
            push_all(list, out);
        }
        Expr::InSubquery { expr, subquery, .. } => {
            push(expr, out);
            out.push(Part::Query(subquery));
        }
        Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => {
            sets.iter().for_each(|set| push_all(set, out));
        }
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            push(expr, out);
            push_some(substring_from.as_deref(), out);
            push_some(substring_for.as_deref(), out);
        }
        Expr::Trim {
            expr,
            trim_what,
            trim_characters,
            ..
        } => {
            push_some(trim_what.as_deref(), out);
            push(expr, out);
            push_all(trim_characters.as_deref().unwrap_or_default(), out);
        }
        _ => return false,
    }
    true
}

fn push<'a>(e: &'a Expr, out: &mut Vec<Part<'a>>) {
    out.push(Part::Expr(e));
}

fn push_some<'a>(e: Option<&'a Expr>, out: &mut Vec<Part<'a>>) {
    out.extend(e.map(Part::Expr));
}

fn push_all<'a>(list: &'a [Expr], out: &mut Vec<Part<'a>>) {
    out.extend(list.iter().map(Part::Expr));
}

fn push_order<'a>(list: &'a [OrderByExpr], out: &mut Vec<Part<'a>>) {
    out.extend(list.iter().map(|o| Part::Expr(&o.expr)));
}

fn function<'a>(f: &'a Function, out: &mut Vec<Part<'a>>) -> bool {
    let mut known = matches!(f.parameters, FunctionArguments::None);
    match &f.args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(q) => out.push(Part::Query(q)),
        FunctionArguments::List(list) => {
            for argument in &list.args {
                match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => push(e, out),
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {}
                    _ => known = false,
                }
            }
            for clause in &list.clauses {
                match clause {
                    FunctionArgumentClause::OrderBy(list) => push_order(list, out),
                    FunctionArgumentClause::Limit(e) => push(e, out),
                    FunctionArgumentClause::Separator(_) => {}
                    FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
                    _ => known = false,
                }
            }
        }
    }
    push_order(&f.within_group, out);
    known &= f.filter.is_none();
    if let Some(WindowType::WindowSpec(window)) = &f.over {
        window_parts(window, out);
    }
    known
}

/// The expressions of a window.
pub(super) fn window_parts<'a>(window: &'a WindowSpec, out: &mut Vec<Part<'a>>) {
    push_all(&window.partition_by, out);
    push_order(&window.order_by, out);
    let Some(frame) = &window.window_frame else {
        return;
    };
    for bound in [Some(&frame.start_bound), frame.end_bound.as_ref()] {
        if let Some(WindowFrameBound::Preceding(Some(e)) | WindowFrameBound::Following(Some(e))) =
            bound
        {
            push(e, out);
        }
    }
}

/// The full-text searches IN BOOLEAN MODE of a condition that only ask whether a row matches.
pub(super) fn boolean_searches(condition: &Expr) -> Vec<&Expr> {
    let (mut out, mut todo) = (Vec::new(), vec![condition]);
    while let Some(e) = todo.pop() {
        match e {
            Expr::Nested(e) => todo.push(e),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => todo.push(expr),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::And | BinaryOperator::Or,
                right,
            } => {
                todo.push(left);
                todo.push(right);
            }
            Expr::MatchAgainst {
                opt_search_modifier: Some(SearchModifier::InBooleanMode),
                ..
            } => {
                out.push(e);
            }
            _ => {}
        }
    }
    out
}
