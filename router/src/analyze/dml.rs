//! UPDATE and DELETE: what may touch several shards, and what never may.

use crate::Refusal;
use crate::analyze::Analysis;
use crate::analyze::instance::TableInstance;
use crate::traits::Traits;
use catalog::Placement;
use errors::{Obstacle, WriteError};
use sqlparser::ast::{AssignmentTarget, Delete, FromTable, Update};

/// Checks an UPDATE; notes what keeps it on one shard.
pub fn check_update(a: &mut Analysis<'_>, u: &Update) -> Result<(), Refusal> {
    for assignment in &u.assignments {
        let AssignmentTarget::ColumnName(name) = &assignment.target else {
            return Err(WriteError::TupleAssignment.into());
        };
        let column =
            crate::analyze::scope::parts(name).and_then(|p| p.last().map(|i| i.value.clone()));
        let column = column.unwrap_or_default();
        for i in a.sharded() {
            let Some(table) = a.instances[i].table() else {
                continue;
            };
            if table
                .sharding()
                .is_some_and(|s| s.key_index(&column).is_some())
            {
                let table = table.name.to_string();
                return Err(WriteError::KeyUpdated { column, table }.into());
            }
            if table
                .sequence_key()
                .is_some_and(|id| id.eq_ignore_ascii_case(&column))
            {
                let table = table.name.to_string();
                return Err(WriteError::IdUpdated { column, table }.into());
            }
        }
    }
    let joined = !u.table.joins.is_empty() || u.from.is_some();
    common(
        a,
        "UPDATE",
        joined,
        !u.order_by.is_empty(),
        u.limit.is_some(),
        u.returning.is_some(),
    );
    Ok(())
}

/// Checks a DELETE; notes what keeps it on one shard.
pub fn check_delete(a: &mut Analysis<'_>, d: &Delete) -> Result<(), Refusal> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &d.from;
    let joined = !d.tables.is_empty()
        || d.using.is_some()
        || from.len() != 1
        || from.iter().any(|t| !t.joins.is_empty());
    common(
        a,
        "DELETE",
        joined,
        !d.order_by.is_empty(),
        d.limit.is_some(),
        d.returning.is_some(),
    );
    Ok(())
}

fn common(
    a: &mut Analysis<'_>,
    verb: &'static str,
    joined: bool,
    ordered: bool,
    limited: bool,
    returning: bool,
) {
    for (yes, what) in [
        (joined, "several tables"),
        (ordered, "ORDER BY"),
        (limited, "LIMIT"),
        (returning, "RETURNING"),
        (a.instances.len() > 1, "a subquery or a join"),
    ] {
        if yes {
            a.note_obstacle(Obstacle::WriteWith { verb, what });
        }
    }
    a.check_calls();
}

/// True if the table that is written is a reference table.
pub fn target_is_reference(a: &Analysis<'_>) -> bool {
    let first = a.instances.first().and_then(TableInstance::placement);
    first == Some(&Placement::Reference)
}

/// A write to a reference table must have the same effect on every shard.
pub fn check_reference_write(a: &Analysis<'_>, traits: Traits) -> Result<(), Refusal> {
    if a.any_placement(|p| !matches!(p, Placement::Reference)) {
        return Err(WriteError::ReferenceSources.into());
    }
    if let Some(c) = a.calls.iter().find(|c| c.function.is_none()) {
        let function = c.name.clone();
        return Err(WriteError::ReferenceFunction { function }.into());
    }
    if traits.non_deterministic || a.obstacle.is_some() {
        return Err(WriteError::ReferenceDiffers.into());
    }
    Ok(())
}
