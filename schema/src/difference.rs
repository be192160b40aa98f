//! In which ways a table is not what another place has, in words for people.

use catalog::definition::{Column, ForeignKey, TableDefinition, UniqueKey};

/// Differences that are named; more are counted.
const NAMED_MAX: usize = 5;

/// What differs between a table here and the one that `other` (a shard's name, or `the catalog`) has;
/// `None` if they are the same.
pub fn difference(here: &TableDefinition, there: &TableDefinition, other: &str) -> Option<String> {
    let mut out = compare("column", columns(here), columns(there), other);
    if out.is_empty() && !same_order(here, there) {
        let theirs: Vec<_> = there.columns.iter().map(|c| c.name.as_str()).collect();
        let theirs = theirs.join(", ");
        out.push(format!(
            "its columns have another order than {other} has: {theirs}"
        ));
    }
    let (a, b) = (unique_keys(here), unique_keys(there));
    out.extend(compare("unique key", a, b, other));
    let (a, b) = (foreign_keys(here), foreign_keys(there));
    out.extend(compare("foreign key", a, b, other));
    out.extend(compare("trigger", triggers(here), triggers(there), other));
    let more = out.len().saturating_sub(NAMED_MAX);
    out.truncate(NAMED_MAX);
    if more > 0 {
        out.push(format!("and {more} more"));
    }
    (!out.is_empty()).then(|| out.join("; "))
}

/// Names, each with what it stands for.
type Named<'a> = Vec<(&'a str, String)>;

fn find<'n>(list: &'n Named<'_>, name: &str) -> Option<&'n str> {
    let found = list.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, text)| text.as_str())
}

fn compare(what: &str, here: Named<'_>, there: Named<'_>, other: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (name, theirs) in &there {
        match find(&here, name) {
            None => out.push(format!("it has no {what} {name}, which {other} has")),
            Some(own) if own != theirs => {
                out.push(format!("{what} {name} is {own}, {other} has {theirs}"));
            }
            Some(_) => {}
        }
    }
    let extra = here.iter().filter(|(n, _)| find(&there, n).is_none());
    out.extend(extra.map(|(n, _)| format!("it has a {what} {n}, which {other} has not")));
    out
}

fn same_order(here: &TableDefinition, there: &TableDefinition) -> bool {
    let mut pairs = here.columns.iter().zip(&there.columns);
    pairs.all(|(a, b)| a.name.eq_ignore_ascii_case(&b.name))
}

fn columns(table: &TableDefinition) -> Named<'_> {
    let list = table.columns.iter();
    list.map(|c| (c.name.as_str(), column_text(c))).collect()
}

fn column_text(c: &Column) -> String {
    let mut out = c.data_type.clone();
    let mut word = |w: &str| {
        out.push(' ');
        out.push_str(w);
    };
    if !c.collation.is_empty() {
        word(&c.collation);
    }
    if let Some(g) = &c.generated {
        let kind = if g.stored { "stored" } else { "virtual" };
        word(&format!("as ({}) {kind}", g.expression));
    }
    if !c.nullable {
        word("not null");
    }
    if let Some(d) = &c.default {
        word(&format!("default {d}"));
    }
    if let Some(e) = &c.on_update {
        word(&format!("on update {e}"));
    }
    if c.invisible {
        word("invisible");
    }
    if c.auto_increment {
        word("auto_increment");
    }
    out
}

fn unique_keys(table: &TableDefinition) -> Named<'_> {
    let text = |k: &UniqueKey| {
        let parts: Vec<_> = k.columns.iter().chain(&k.partial).collect();
        let parts: Vec<_> = parts.into_iter().map(String::as_str).collect();
        format!("({})", parts.join(", "))
    };
    let list = table.unique_keys.iter();
    list.map(|k| (k.name.as_str(), text(k))).collect()
}

fn foreign_keys(table: &TableDefinition) -> Named<'_> {
    let text = |k: &ForeignKey| {
        format!(
            "({}) to {} ({}) on update {} on delete {}",
            k.columns.join(", "),
            k.table,
            k.referred.join(", "),
            k.on_update,
            k.on_delete
        )
    };
    let list = table.foreign_keys.iter();
    list.map(|k| (k.name.as_str(), text(k))).collect()
}

fn triggers(table: &TableDefinition) -> Named<'_> {
    let list = table.triggers.iter();
    list.map(|t| (t.name.as_str(), t.event.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::definition::{Action, Generated, Trigger};

    fn column(name: &str, data_type: &str) -> Column {
        Column {
            name: name.into(),
            data_type: data_type.into(),
            nullable: true,
            ..Column::default()
        }
    }

    fn table() -> TableDefinition {
        TableDefinition {
            columns: vec![column("a", "int(11)"), column("b", "text")],
            ..TableDefinition::default()
        }
    }

    /// What the table after `change` has that `s1` has not.
    fn after(change: impl FnOnce(&mut TableDefinition)) -> String {
        let mut here = table();
        change(&mut here);
        difference(&here, &table(), "s1").unwrap_or_default()
    }

    #[test]
    fn columns_are_compared_by_name_and_in_all_that_they_are() {
        assert_eq!(after(|_| {}), "");
        assert_eq!(
            after(|t| t.columns[0].name = "A".into()),
            "",
            "names ignore case"
        );
        assert_eq!(
            after(|t| drop(t.columns.pop())),
            "it has no column b, which s1 has"
        );
        assert_eq!(
            after(|t| t.columns.push(column("c", "int"))),
            "it has a column c, which s1 has not"
        );
        assert_eq!(
            after(|t| t.columns[0].data_type = "bigint(20)".into()),
            "column a is bigint(20), s1 has int(11)"
        );
        assert_eq!(
            after(|t| t.columns.swap(0, 1)),
            "its columns have another order than s1 has: a, b"
        );
        let all = after(|t| {
            let c = &mut t.columns[1];
            c.collation = "utf8mb4_bin".into();
            c.nullable = false;
            c.default = Some("''".into());
            c.on_update = Some("now()".into());
            c.invisible = true;
        });
        assert_eq!(
            all,
            "column b is text utf8mb4_bin not null default '' on update now() invisible, s1 has text"
        );
        let generated = after(|t| {
            let (expression, stored) = ("`b`".into(), false);
            t.columns[0].generated = Some(Generated { expression, stored });
        });
        assert_eq!(
            generated,
            "column a is int(11) as (`b`) virtual, s1 has int(11)"
        );
    }

    #[test]
    fn keys_and_triggers_are_compared() {
        let unique = UniqueKey {
            name: "u".into(),
            columns: vec!["a".into()],
            partial: vec!["b(3)".into()],
        };
        assert_eq!(
            after(|t| t.unique_keys.push(unique)),
            "it has a unique key u, which s1 has not"
        );
        let foreign = ForeignKey {
            name: "f".into(),
            columns: vec!["a".into()],
            table: catalog::TableName::new("d", "p"),
            referred: vec!["id".into()],
            on_update: Action::Restrict,
            on_delete: Action::Cascade,
        };
        let (mut one, mut two) = (table(), table());
        one.foreign_keys.push(foreign.clone());
        two.foreign_keys.push(ForeignKey {
            on_delete: Action::SetNull,
            ..foreign
        });
        assert_eq!(
            difference(&one, &two, "the catalog").unwrap(),
            "foreign key f is (a) to d.p (id) on update RESTRICT on delete CASCADE, the catalog has (a) to \
             d.p (id) on update RESTRICT on delete SET NULL"
        );
        let trigger = Trigger {
            name: "t".into(),
            event: "BEFORE INSERT".into(),
            is_harmless: true,
        };
        assert_eq!(
            after(|t| t.triggers.push(trigger)),
            "it has a trigger t, which s1 has not"
        );
        let many = after(|t| {
            for n in 0..8 {
                t.columns.push(column(&format!("c{n}"), "int"));
            }
        });
        assert!(
            many.ends_with("column c4, which s1 has not; and 3 more"),
            "{many}"
        );
    }
}
